//! What a metric is.

use super::{Confusion, SoftSums, classes::CLASSES};

/// The direction in which a metric improves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Higher is better.
    Higher,
    /// Lower is better.
    Lower,
}

/// A metric: its description and its computation.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Column of `per_image.csv`, and the name in `metrics.csv`.
    pub name: &'static str,
    /// Label of tables and charts.
    pub label: &'static str,
    /// Unit in words.
    pub unit: &'static str,
    /// The direction in which it improves.
    pub direction: Direction,
    /// Its definition, as a sentence or formula.
    pub definition: &'static str,
    /// The source of the definition: the paper, the code, or a call of a known library that gives the same numbers.
    pub source: &'static str,
    /// Its computation.
    pub formula: Formula,
}

/// The computation of a metric and its input. `None` is an undefined value.
#[derive(Debug, Clone, Copy)]
pub enum Formula {
    /// The loss, which training computes.
    Loss,
    /// Computed from the sums of an image's probabilities.
    Soft(fn(&SoftSums) -> f64),
    /// Computed from the counts of an image's masks.
    Image(fn(&Confusion) -> Option<f64>),
    /// Computed from the counts over all masks of a batch: the value of a batch, not of an image.
    Batch(fn(&Confusion) -> Option<f64>),
}

/// The counts of one predicted image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Counts {
    /// Pixels by true and predicted class.
    pub confusion: Confusion,
    /// Sums of its probabilities.
    pub soft: SoftSums,
    /// Its loss, a mean over its pixels; `None` if there is none (baselines).
    pub loss: Option<f64>,
    /// Pixels of all images of its batch; `None` if nothing was predicted in batches (baselines).
    pub batch: Option<Confusion>,
}

impl Metric {
    /// Its value for one image. For a metric of batches, it is the value of the image's batch.
    pub fn value(&self, counts: &Counts) -> Option<f64> {
        match self.formula {
            Formula::Loss => counts.loss,
            Formula::Soft(formula) => Some(formula(&counts.soft)),
            Formula::Image(formula) => formula(&counts.confusion),
            Formula::Batch(formula) => formula(counts.batch.as_ref()?),
        }
    }

    /// Returns true if it is the value of a batch and not of an image.
    pub fn is_of_batch(&self) -> bool {
        matches!(self.formula, Formula::Batch(_))
    }
}

pub(super) const SHARE: &str = "share, 0 to 1";

/// Mean over the classes for which `metric` is defined; undefined if there are none.
pub(super) fn macro_mean(metric: impl Fn(usize) -> Option<f64>) -> Option<f64> {
    let values: Vec<f64> = (0..CLASSES).filter_map(metric).collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// A quotient; undefined if the denominator is 0.
pub(super) fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
