//! `changes.json`: what changed in the figures of the tests when the data were collected last.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The figures that changed, and what they had been made with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangesInput {
    /// Commit of the earlier data, if they were made in a checkout.
    pub commit: Option<String>,
    /// Whether that checkout had uncommitted changes.
    pub dirty: bool,
    /// Versions of the earlier data.
    pub versions: BTreeMap<String, String>,
    /// Runs that the earlier data did not have.
    pub runs: u64,
    /// Figures that both have.
    pub compared: u64,
    /// Figures that are not the same in both, or only in one of them.
    pub changed: Vec<ChangedFigure>,
}

/// A figure of a test that changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangedFigure {
    /// Name of the arm.
    pub arm: String,
    /// Name of the protocol.
    pub protocol: String,
    /// Seed.
    pub seed: u64,
    /// Name of the condition.
    pub condition: String,
    /// Name of the metric, as in `metrics.csv`.
    pub metric: String,
    /// What it was; `None` where it is new.
    pub before: Option<f64>,
    /// What it is; `None` where it is gone.
    pub after: Option<f64>,
}
