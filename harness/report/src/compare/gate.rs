//! What counts as a regression.

use super::result::{Comparison, Row};
use crate::figures::metrics::Metric;
use harness_record::suggest::closest;
use serde::Serialize;
use std::str::FromStr;

/// A bound on how much worse a metric may get: `dice:0.01`.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// Name of the metric.
    pub metric: String,
    /// By how much it may get worse, in its unit.
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
            return Err(format!("no metric is called `{metric}`{meant}; there are {}", names.join(", ")));
        }
        match threshold.parse::<f64>() {
            Ok(threshold) if threshold >= 0.0 && threshold.is_finite() => {
                Ok(Self { metric: metric.to_owned(), threshold })
            }
            _ => Err(format!("`{threshold}` is no threshold: {expected}, a number of at least 0")),
        }
    }
}

/// A figure that got worse by more than a gate allows.
#[derive(Debug, Clone, Serialize)]
pub struct Regression<'a> {
    /// The figure.
    #[serde(flatten)]
    pub row: &'a Row,
    /// What the gate allows.
    pub threshold: f64,
    /// Whether it counts: where there is an interval of the difference, it leaves out zero. Where there is none, every difference
    /// counts.
    pub counts: bool,
}

impl Gate {
    /// The figures of a comparison that got worse by more than the gate allows; `None` if it compares none of the gate's metric.
    pub fn regressions<'a>(&self, comparison: &'a Comparison) -> Option<Vec<Regression<'a>>> {
        let rows: Vec<_> = comparison.rows.iter().filter(|row| row.metric == self.metric).collect();
        if rows.is_empty() {
            return None;
        }
        let worse = rows.into_iter().filter(|row| row.worsening().is_some_and(|worse| worse > self.threshold));
        let counted =
            worse.map(|row| Regression { row, threshold: self.threshold, counts: row.is_clear().unwrap_or(true) });
        Some(counted.collect())
    }
}
