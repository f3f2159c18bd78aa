//! Decides which differences count as a regression.

use super::result::{Change, Comparison, Row};
use crate::figures::metrics::Metric;
use harness_record::suggest::closest;
use serde::Serialize;
use std::str::FromStr;

/// A limit on how much worse a metric may get: `dice:0.01`.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// The name of the metric.
    pub metric: String,
    /// The amount by which it may get worse, in the unit of the metric.
    pub threshold: f64,
}

impl FromStr for Gate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = "expected METRIC:THRESHOLD, as in dice:0.01";
        let (metric, threshold) = text.rsplit_once(':').ok_or_else(|| expected.to_owned())?;
        if Metric::find(metric).is_none() {
            let names = Metric::names();
            let meant = closest(metric, names.iter().copied())
                .map(|meant| format!(" (did you mean `{meant}`?)"))
                .unwrap_or_default();
            return Err(format!("unknown metric `{metric}`{meant}; expected one of {}", names.join(", ")));
        }
        match threshold.parse::<f64>() {
            Ok(threshold) if threshold >= 0.0 && threshold.is_finite() => {
                Ok(Self { metric: metric.to_owned(), threshold })
            }
            _ => Err(format!(
                "`{threshold}` is not a threshold: {expected}, where the threshold is a number of at least 0"
            )),
        }
    }
}

/// A figure that got worse by more than a gate allows.
#[derive(Debug, Clone, Serialize)]
pub struct Regression<'a> {
    /// The figure.
    #[serde(flatten)]
    pub row: &'a Row,
    /// The limit of the gate.
    pub threshold: f64,
    /// True if the regression counts: the figure is [`Change::Worse`]. Otherwise it may be due to chance.
    pub counts: bool,
}

/// The outcome of a gate.
#[derive(Debug, Clone)]
pub struct Checked<'a> {
    /// The tested figures that got worse by more than the gate allows.
    pub regressions: Vec<Regression<'a>>,
    /// The figures that could not be tested.
    pub untested: Vec<&'a Row>,
}

impl Gate {
    /// Checks the figures of a comparison, or returns `None` if the comparison has no figure of the gate's metric.
    pub fn check<'a>(&self, comparison: &'a Comparison) -> Option<Checked<'a>> {
        let rows: Vec<_> = comparison.rows.iter().filter(|row| row.metric == self.metric).collect();
        if rows.is_empty() {
            return None;
        }
        let (untested, tested): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.change == Change::NotTested);
        let worse = tested.into_iter().filter(|row| row.worsening().is_some_and(|worse| worse > self.threshold));
        let regressions = worse
            .map(|row| Regression { row, threshold: self.threshold, counts: row.change == Change::Worse })
            .collect();
        Some(Checked { regressions, untested })
    }
}
