//! Everything that a template can ask for.

use crate::{
    charts::chart::Chart,
    figures::{data::Data, tested::TestedClaim},
    pictures::gallery::Sheet,
};

/// The data of a report, and everything made from them.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) data: Data,
    pub(crate) claims: Vec<TestedClaim>,
    pub(crate) charts: Vec<Chart>,
    pub(crate) sheets: Vec<Sheet>,
}
