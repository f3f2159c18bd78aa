//! Everything that a template can ask for.

use crate::{
    charts::{ChartSpec, chart::Chart},
    figures::{data::Data, tested::TestedClaim},
    pictures::gallery::Sheet,
};

/// The data of a report, and everything made from them.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) data: Data,
    /// The settings that were changed on the command line.
    pub(crate) changed: Vec<String>,
    pub(crate) claims: Vec<TestedClaim>,
    /// The charts as the study asks for them, in the order of `charts`.
    pub(crate) asked: Vec<ChartSpec>,
    pub(crate) charts: Vec<Chart>,
    pub(crate) sheets: Vec<Sheet>,
}
