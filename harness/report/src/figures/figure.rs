//! Figures: a mean, its interval, and the rows of `metrics.csv` that hold its values.

use super::{
    data::Data,
    metrics::{Metric, is_over_batches},
    statistics::{
        crossed::SEEDS,
        summary::{Summary, of_new_seed, over_seeds},
    },
};
use crate::inputs::{
    runs::Measured,
    study::{ArmInput, baseline},
};
use harness_record::vocabulary::{Condition, Predictor, PrintedDice, Protocol, Split, Stage};
use std::collections::BTreeMap;

/// A figure of the data.
#[derive(Debug, Clone)]
pub(crate) struct Figure<'a> {
    pub(crate) mean: f64,
    /// The ends of the 95 % interval; `None` if there is nothing to compute it over.
    pub(crate) interval: Option<(f64, f64)>,
    /// The number of images in the mean; `None` for means over batches and for figures of training.
    pub(crate) images: Option<usize>,
    /// The rows of `metrics.csv`, one for each seed.
    pub(crate) rows: Vec<Measured<'a>>,
}

/// The lowest and the highest value over seeds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct OverSeeds {
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) seeds: usize,
}

impl Figure<'_> {
    /// Returns the lower end of the interval, or the mean if there is no interval.
    pub(crate) fn low(&self) -> f64 {
        self.interval.map_or(self.mean, |(low, _)| low)
    }

    /// Returns the upper end of the interval, or the mean if there is no interval.
    pub(crate) fn high(&self) -> f64 {
        self.interval.map_or(self.mean, |(_, high)| high)
    }

    /// Returns the 95 % prediction interval of the value of one more seed, or `None` with fewer than three seeds.
    pub(crate) fn of_new_seed(&self) -> Option<(f64, f64)> {
        let values: Vec<f64> = self.rows.iter().map(|row| row.value).collect();
        of_new_seed(&values).filter(|_| values.len() >= SEEDS)
    }

    /// Returns the range over seeds, or `None` if there are no rows.
    pub(crate) fn over_seeds(&self) -> Option<OverSeeds> {
        let values = || self.rows.iter().map(|row| row.value);
        (!self.rows.is_empty()).then(|| OverSeeds {
            low: values().fold(f64::INFINITY, f64::min),
            high: values().fold(f64::NEG_INFINITY, f64::max),
            seeds: self.rows.len(),
        })
    }
}

impl Data {
    /// Returns the column that holds a metric of an arm under a protocol.
    pub(crate) fn column(&self, arm: &str, metric: &Metric, protocol: Protocol) -> &'static str {
        let dice = self.arm(arm).map_or(PrintedDice::Soft, ArmInput::printed_dice);
        metric.column(protocol, dice)
    }

    /// Returns the labels of the arms whose figures are means over batches.
    pub(crate) fn arms_over_batches(&self, metric: &Metric, protocol: Protocol) -> Vec<&str> {
        let arms = self.study.arms.iter().filter(|arm| is_over_batches(self.column(&arm.name, metric, protocol)));
        arms.map(|arm| arm.label.as_str()).collect()
    }

    /// Returns a metric on the test images, or `None` if nothing was measured.
    pub(crate) fn tested(
        &self,
        arm: &str,
        condition: Condition,
        metric: &Metric,
        protocol: Protocol,
    ) -> Option<Figure<'_>> {
        let column = self.column(arm, metric, protocol);
        let rows = self.tested_rows(arm, condition, protocol, column);
        if is_over_batches(column) {
            // The value of an image is a property of its batch, so the spread over images means nothing.
            return Some(Figure { mean: mean(&rows)?, interval: None, images: None, rows });
        }
        let sample = self.scores.sample(arm, condition, metric, protocol)?;
        let Summary { mean, low, high, images, .. } = self.scores.summarise(&sample)?;
        Some(Figure { mean, interval: Some((low, high)), images: Some(images), rows })
    }

    /// Summarises everything that the results tables show at once, which is faster. The summaries are cached for
    /// [`Self::tested`].
    pub(crate) fn summarise_tested(&self) {
        let of_arms =
            self.study.arms.iter().flat_map(|arm| self.study.conditions.iter().map(|c| (arm.name.as_str(), c.name)));
        let of_baselines = self.baselines().map(|baseline| (baseline.name(), self.first_condition()));
        let places: Vec<_> = of_arms.chain(of_baselines).collect();
        let mut samples = BTreeMap::new();
        for &protocol in &self.study.protocols {
            for metric in self.study.report.metrics.iter().filter_map(|name| Metric::find(name)) {
                for &(arm, condition) in &places {
                    let column = self.column(arm, metric, protocol);
                    if is_over_batches(column) {
                        continue;
                    }
                    if let Some(sample) = self.scores.sample(arm, condition, metric, protocol) {
                        // Baselines are the same under every protocol.
                        let protocol = if baseline(arm).is_some() { None } else { Some(protocol) };
                        samples.insert((protocol, arm, condition, column), sample);
                    }
                }
            }
        }
        self.scores.summarise_all(&samples.values().collect::<Vec<_>>());
    }

    /// Returns a metric on training or validation images, at the epoch whose weights were kept. The interval is over
    /// seeds, so a single seed has none.
    pub(crate) fn trained(&self, arm: &str, split: Split, metric: &Metric, protocol: Protocol) -> Option<Figure<'_>> {
        let column = self.column(arm, metric, protocol);
        let mut rows = Vec::new();
        for (_, run) in self.runs.of(arm, Stage::Finetune, Some(protocol)) {
            let kept = run.record.kept_epoch;
            let logged = run.of(split, Predictor::Model, column);
            rows.extend(logged.filter(|row| row.epoch == kept && row.value.is_finite()));
        }
        let values: Vec<_> = rows.iter().map(|row| row.value).collect();
        Some(Figure { mean: mean(&rows)?, interval: over_seeds(&values), images: None, rows })
    }

    fn tested_rows(&self, arm: &str, condition: Condition, protocol: Protocol, column: &str) -> Vec<Measured<'_>> {
        if let Some(baseline) = baseline(arm) {
            // Every test repeats the baselines; one row is enough.
            let first = self.runs.first_test();
            let rows = first.and_then(|run| run.of(Split::Test, Predictor::Baseline(baseline), column).next());
            return rows.into_iter().collect();
        }
        let mut rows = Vec::new();
        for (_, run) in self.runs.of(arm, Stage::Evaluate, Some(protocol)) {
            rows.extend(run.of(Split::Test, Predictor::Model, column).filter(|row| row.condition == condition));
        }
        rows
    }
}

fn mean(rows: &[Measured<'_>]) -> Option<f64> {
    let sum: f64 = rows.iter().map(|row| row.value).sum();
    let mean = sum / rows.len() as f64;
    mean.is_finite().then_some(mean)
}
