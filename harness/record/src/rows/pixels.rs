//! Rows about the pixels of all images of a condition together.

use crate::{
    metrics::{CLASS_NAMES, Confusion, Reliability},
    vocabulary::{Condition, Predictor, Split},
};
use serde::{Deserialize, Serialize};

/// Pixels of one true class that were given one class: a row of `confusion.csv`. Images are counted together, so large classes
/// of large images count more, unlike in the scores.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfusionRow {
    /// `test`.
    pub split: Split,
    /// The predictor, as in [`MetricRow`](super::MetricRow).
    pub predictor: Predictor,
    /// The condition, as in [`MetricRow`](super::MetricRow).
    pub condition: Condition,
    /// Name of the true class.
    pub truth: String,
    /// Name of the predicted class.
    pub predicted: String,
    /// Number of pixels.
    pub pixels: u64,
}

impl ConfusionRow {
    /// The rows of one predictor under one condition, ordered by true class and then by predicted class.
    pub fn of(confusion: &Confusion, split: Split, predictor: Predictor, condition: Condition) -> Vec<Self> {
        let row = |(truth, predicted): (usize, usize)| Self {
            split,
            predictor,
            condition,
            truth: CLASS_NAMES[truth].to_owned(),
            predicted: CLASS_NAMES[predicted].to_owned(),
            pixels: confusion.counts()[truth][predicted],
        };
        let classes = || 0..CLASS_NAMES.len();
        classes().flat_map(|truth| classes().map(move |predicted| (truth, predicted))).map(row).collect()
    }
}

/// Pixels whose predicted class had a probability within a bin: a row of `calibration.csv`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CalibrationRow {
    /// `test`.
    pub split: Split,
    /// Always `model`, because baselines give no probabilities.
    pub predictor: Predictor,
    /// The condition, as in [`MetricRow`](super::MetricRow).
    pub condition: Condition,
    /// Lower end of the bin, which is not part of it.
    pub low: f64,
    /// Upper end of the bin.
    pub high: f64,
    /// Number of pixels.
    pub pixels: u64,
    /// Number of pixels whose predicted class is the true one.
    pub right: u64,
    /// Sum of the probabilities of the predicted classes.
    pub confidence: f64,
}

impl CalibrationRow {
    /// The rows of one network under one condition: one row for each bin, including bins without pixels.
    pub fn of(reliability: &Reliability, split: Split, condition: Condition) -> Vec<Self> {
        let bins = reliability.bins().iter().enumerate().map(|(place, bin)| {
            let (low, high) = Reliability::ends(place);
            Self {
                split,
                predictor: Predictor::Model,
                condition,
                low,
                high,
                pixels: bin.pixels,
                right: bin.right,
                confidence: bin.confidence,
            }
        });
        bins.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::reliability::BINS;

    #[test]
    fn rows_hold_every_pixel() {
        let confusion = Confusion::of(&[0, 0, 1, 2], &[0, 1, 1, 0]);
        let rows = ConfusionRow::of(&confusion, Split::Test, Predictor::Model, Condition::Blur(0));
        let filled: Vec<_> =
            rows.iter().filter(|r| r.pixels > 0).map(|r| (r.truth.as_str(), r.predicted.as_str(), r.pixels)).collect();
        let expected =
            [("pet", "pet", 1), ("pet", "background", 1), ("background", "background", 1), ("border", "pet", 1)];
        assert_eq!((rows.len(), filled), (9, expected.to_vec()));

        let mut reliability = Reliability::default();
        reliability.count(0.95, true);
        let rows = CalibrationRow::of(&reliability, Split::Test, Condition::Blur(0));
        let last = &rows[BINS - 1];
        assert_eq!((rows.len(), last.pixels, last.right, last.high), (BINS, 1, 1, 1.0));
    }
}
