//! `confusion.csv` and `calibration.csv`: pixels of all test images of a condition together.

use super::runs::RunInput;
use harness_record::rows::{CalibrationRow, ConfusionRow};
use serde::{Deserialize, Serialize};

/// A row of `confusion.csv`: a [`ConfusionRow`] and the place of its run in the study.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfusionInput {
    /// Name of the arm.
    pub arm: String,
    /// Name of the protocol.
    pub protocol: String,
    /// Seed.
    pub seed: u64,
    /// Full key of the run.
    pub run: String,
    /// As in [`ConfusionRow`].
    pub split: String,
    /// As in [`ConfusionRow`].
    pub predictor: String,
    /// As in [`ConfusionRow`].
    pub condition: String,
    /// As in [`ConfusionRow`].
    pub truth: String,
    /// As in [`ConfusionRow`].
    pub predicted: String,
    /// As in [`ConfusionRow`].
    pub pixels: u64,
}

impl ConfusionInput {
    /// The row of a run that takes the place of `run` in the study.
    pub fn new(run: &RunInput, row: ConfusionRow) -> Self {
        Self {
            arm: run.arm.clone(),
            protocol: run.protocol.clone(),
            seed: run.seed,
            run: run.record.key.clone(),
            split: row.split,
            predictor: row.predictor,
            condition: row.condition,
            truth: row.truth,
            predicted: row.predicted,
            pixels: row.pixels,
        }
    }
}

/// A row of `calibration.csv`: a [`CalibrationRow`] and the place of its run in the study.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CalibrationInput {
    /// Name of the arm.
    pub arm: String,
    /// Name of the protocol.
    pub protocol: String,
    /// Seed.
    pub seed: u64,
    /// Full key of the run.
    pub run: String,
    /// As in [`CalibrationRow`].
    pub split: String,
    /// As in [`CalibrationRow`].
    pub predictor: String,
    /// As in [`CalibrationRow`].
    pub condition: String,
    /// As in [`CalibrationRow`].
    pub low: f64,
    /// As in [`CalibrationRow`].
    pub high: f64,
    /// As in [`CalibrationRow`].
    pub pixels: u64,
    /// As in [`CalibrationRow`].
    pub right: u64,
    /// As in [`CalibrationRow`].
    pub confidence: f64,
}

impl CalibrationInput {
    /// The row of a run that takes the place of `run` in the study.
    pub fn new(run: &RunInput, row: CalibrationRow) -> Self {
        Self {
            arm: run.arm.clone(),
            protocol: run.protocol.clone(),
            seed: run.seed,
            run: run.record.key.clone(),
            split: row.split,
            predictor: row.predictor,
            condition: row.condition,
            low: row.low,
            high: row.high,
            pixels: row.pixels,
            right: row.right,
            confidence: row.confidence,
        }
    }
}
