//! Figures: everything that is computed from the data, without any text of the report.

pub(crate) mod check;
pub(crate) mod claim;
pub(crate) mod data;
pub(crate) mod figure;
pub(crate) mod health;
pub(crate) mod metrics;
pub(crate) mod pixels;
pub(crate) mod published;
pub(crate) mod range;
pub(crate) mod runs;
pub(crate) mod scores;
pub(crate) mod statistics;
pub(crate) mod tested;
pub(crate) mod trained;
