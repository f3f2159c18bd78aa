//! A finished chart.

use super::{records::Records, svg::Svg};

/// A chart with everything that a page says about it.
#[derive(Debug, Clone)]
pub(crate) struct Chart {
    pub(crate) name: String,
    pub(crate) title: String,
    /// An explanation of how to read it.
    pub(crate) caption: String,
    pub(crate) svg: Svg,
    /// The figures that it shows.
    pub(crate) records: Records,
    /// A description for readers who cannot see it.
    pub(crate) alternative: String,
}
