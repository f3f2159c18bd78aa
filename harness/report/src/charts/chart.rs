//! A chart, drawn.

use super::{records::Records, svg::Svg};

/// A chart with all that a page says of it.
#[derive(Debug, Clone)]
pub(crate) struct Chart {
    pub(crate) name: String,
    pub(crate) title: String,
    /// How it is to be read.
    pub(crate) caption: String,
    pub(crate) svg: Svg,
    /// The figures that it shows.
    pub(crate) records: Records,
    /// What it shows, for those who cannot see it.
    pub(crate) alternative: String,
}
