//! The reports on disk: where they lie, whether their data match today's spec, and how they are rendered.

pub(crate) mod folder;
pub(crate) mod freshness;
pub(crate) mod rendering;
pub(crate) mod site;
