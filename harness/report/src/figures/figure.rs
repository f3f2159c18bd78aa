//! Figures: a mean, its interval, and the rows of `metrics.csv` that hold it.

use super::{
    data::Data,
    metrics::{Metric, is_over_batches},
    statistics::summary::{Summary, over_seeds},
};
use crate::inputs::{baselines::BASELINES, metrics::MetricLine, study::Family};
use std::collections::BTreeMap;

/// A figure of the data.
#[derive(Debug, Clone)]
pub(crate) struct Figure<'a> {
    pub(crate) mean: f64,
    /// Ends of its 95 % interval; `None` where there is nothing that it could be computed over.
    pub(crate) interval: Option<(f64, f64)>,
    /// Images that the mean is over; `None` for means over batches, and for figures of training.
    pub(crate) images: Option<usize>,
    /// Rows of `metrics.csv`, one a seed.
    pub(crate) rows: Vec<&'a MetricLine>,
}

/// The lowest and the highest value over seeds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct OverSeeds {
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) seeds: usize,
}

impl Figure<'_> {
    /// Lower end of the interval; the figure itself where it has none.
    pub(crate) fn low(&self) -> f64 {
        self.interval.map_or(self.mean, |(low, _)| low)
    }

    /// Upper end, likewise.
    pub(crate) fn high(&self) -> f64 {
        self.interval.map_or(self.mean, |(_, high)| high)
    }

    /// `None` if no row is known.
    pub(crate) fn over_seeds(&self) -> Option<OverSeeds> {
        let values = || self.rows.iter().map(|line| line.row.value);
        (!self.rows.is_empty()).then(|| OverSeeds {
            low: values().fold(f64::INFINITY, f64::min),
            high: values().fold(f64::NEG_INFINITY, f64::max),
            seeds: self.rows.len(),
        })
    }
}

impl Data {
    /// The column that holds a metric of an arm under a protocol.
    pub(crate) fn column(&self, arm: &str, metric: &Metric, protocol: &str) -> &'static str {
        let family = self.study.arms.iter().find(|a| a.name == arm).map_or(Family::Soft, |a| a.family);
        metric.column(protocol, family)
    }

    /// Labels of the arms whose figures are means over batches.
    pub(crate) fn arms_over_batches(&self, metric: &Metric, protocol: &str) -> Vec<&str> {
        let arms = self.study.arms.iter().filter(|arm| is_over_batches(self.column(&arm.name, metric, protocol)));
        arms.map(|arm| arm.label.as_str()).collect()
    }

    /// A metric on the test images; `None` if nothing was measured.
    pub(crate) fn tested(&self, arm: &str, condition: &str, metric: &Metric, protocol: &str) -> Option<Figure<'_>> {
        let column = self.column(arm, metric, protocol);
        let rows = self.tested_rows([arm, condition, protocol, column]);
        if is_over_batches(column) {
            // What an image has of it is a property of its batch, so the spread over images would say nothing.
            return Some(Figure { mean: mean(&rows)?, interval: None, images: None, rows });
        }
        let sample = self.scores.sample(arm, condition, metric, protocol)?;
        let Summary { mean, low, high, images, .. } = self.scores.summarise(&sample)?;
        Some(Figure { mean, interval: Some((low, high)), images: Some(images), rows })
    }

    /// Summarises all that the tables of results hold at once, as that is faster; it is remembered for [`Self::tested`].
    pub(crate) fn summarise_tested(&self) {
        let of_arms =
            self.study.arms.iter().flat_map(|arm| self.study.conditions.iter().map(|c| (&*arm.name, &*c.name)));
        let places: Vec<_> = of_arms.chain(self.baselines().map(|baseline| (baseline, ""))).collect();
        let mut samples = BTreeMap::new();
        for protocol in &self.study.protocols {
            for metric in self.study.report.metrics.iter().filter_map(|name| Metric::find(name)) {
                for &(arm, condition) in &places {
                    let column = self.column(arm, metric, protocol);
                    if is_over_batches(column) {
                        continue;
                    }
                    if let Some(sample) = self.scores.sample(arm, condition, metric, protocol) {
                        // Baselines are the same under every protocol.
                        let protocol = if BASELINES.contains(&arm) { "" } else { protocol };
                        samples.insert((protocol, arm, condition, column), sample);
                    }
                }
            }
        }
        self.scores.summarise_all(&samples.values().collect::<Vec<_>>());
    }

    /// A metric on images of training, `split` being `train` or `validation`, in the epoch whose weights were kept.
    /// The interval is over seeds, so there is none of a single one.
    pub(crate) fn trained(&self, arm: &str, split: &str, metric: &Metric, protocol: &str) -> Option<Figure<'_>> {
        let column = self.column(arm, metric, protocol);
        let here = self.metrics.of(["finetune", split, "model", column]);
        let logged: Vec<_> =
            here.filter(|l| l.row.arm == arm && l.row.protocol == protocol && l.row.value.is_finite()).collect();
        let kept = |line: &MetricLine| {
            let of_run = logged.iter().filter(|other| other.row.run == line.row.run);
            let last = of_run.map(|other| other.row.epoch).max();
            self.kept_epoch(&line.row.run).or(last) == Some(line.row.epoch)
        };
        let rows: Vec<_> = logged.iter().copied().filter(|line| kept(line)).collect();
        let values: Vec<_> = rows.iter().map(|line| line.row.value).collect();
        Some(Figure { mean: mean(&rows)?, interval: over_seeds(&values), images: None, rows })
    }

    /// The epoch whose weights a run kept, if it was not the last.
    pub(crate) fn kept_epoch(&self, run: &str) -> Option<u32> {
        self.runs.iter().find(|r| r.record.key == run)?.record.kept_epoch
    }

    fn tested_rows(&self, [arm, condition, protocol, column]: [&str; 4]) -> Vec<&MetricLine> {
        let baseline = BASELINES.contains(&arm);
        let here = self.metrics.of(["evaluate", "test", if baseline { arm } else { "model" }, column]);
        let here = here.filter(|MetricLine { row, .. }| {
            baseline || (row.arm == arm && row.condition == condition && row.protocol == protocol)
        });
        // Every evaluation repeats the baselines; one row of them is enough.
        here.take(if baseline { 1 } else { usize::MAX }).collect()
    }
}

fn mean(rows: &[&MetricLine]) -> Option<f64> {
    let sum: f64 = rows.iter().map(|line| line.row.value).sum();
    let mean = sum / rows.len() as f64;
    mean.is_finite().then_some(mean)
}
