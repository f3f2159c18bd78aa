//! Sections: complete blocks of Markdown that templates insert.

pub(crate) mod claims;
pub(crate) mod datasets;
pub(crate) mod definitions;
pub(crate) mod health;
pub(crate) mod images;
pub(crate) mod methods;
pub(crate) mod pixels;
pub(crate) mod printed_tables;
pub(crate) mod results;
pub(crate) mod runs;
