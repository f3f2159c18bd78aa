//! The values that training logged, as lines.

use crate::{
    charts::{
        axis::{self, Tick},
        training_curves::table::Trained,
    },
    figures::{data::Data, metrics::Metric},
    inputs::{lines::Rows, runs::Run, study::ArmInput},
};
use harness_record::vocabulary::{Key, Predictor, Protocol, Split, Stage};
use std::collections::BTreeSet;

/// The splits with readable names, in the order of their dashes.
pub(super) const SPLITS: [(Split, &str); 2] = [(Split::Validation, "Validation"), (Split::Train, "Training")];
/// The stages with readable names.
const STAGES: [(Stage, &str); 2] = [(Stage::Pretrain, "Pretraining"), (Stage::Finetune, "Fine-tuning")];

/// The value of an epoch.
#[derive(Debug, Clone)]
pub(super) struct Point {
    pub(super) epoch: u32,
    pub(super) value: f64,
    /// The row in `metrics.csv`.
    row: Rows,
}

/// One line: an arm, a seed and a split. Arms that share a run share one line, which belongs to the first of them.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) arm: usize,
    pub(super) split: usize,
    pub(super) seed: u64,
    pub(super) points: Vec<Point>,
    /// The epoch whose weights were kept.
    pub(super) kept: u32,
    /// The key of the run.
    run: Key,
    /// The other arms that share the run.
    pub(super) shared: Vec<usize>,
}

/// One set of axes.
#[derive(Debug)]
pub(super) struct Curves {
    pub(super) stage: Stage,
    /// The protocol; `None` for a stage that is the same under both protocols.
    pub(super) protocol: Option<Protocol>,
    pub(super) metric: &'static Metric,
    pub(super) heading: String,
    pub(super) lines: Vec<Line>,
}

impl Curves {
    /// Returns the lines of an arm and split, one for each seed.
    pub(super) fn of(&self, arm: usize, split: usize) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(move |line| line.arm == arm && line.split == split)
    }

    /// Returns the first and the last epoch.
    pub(super) fn epochs(&self) -> (f64, f64) {
        (1.0, self.points().map(|point| f64::from(point.epoch)).fold(1.0, f64::max))
    }

    /// Returns the vertical range and its ticks. A loss is shown over its own range, because its curvature matters and
    /// its zero may be far away.
    pub(super) fn range(&self) -> ((f64, f64), Vec<Tick>) {
        if self.metric.is_share() {
            return axis::share_ticks();
        }
        let values = || self.points().map(|point| point.value);
        axis::ticks(values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max))
    }

    fn points(&self) -> impl Iterator<Item = &Point> {
        self.lines.iter().flat_map(|line| &line.points)
    }
}

/// Returns the panels by row: one row for each stage and metric that has data.
pub(super) fn rows(data: &Data, metrics: &[String]) -> Vec<Vec<Curves>> {
    let mut rows = Vec::new();
    for (stage, words) in STAGES {
        for metric in metrics.iter().filter_map(|name| Metric::find(name)) {
            let any = (None, words.to_owned());
            let named = data.study.protocols.iter().map(|p| (Some(*p), format!("{words}, {p} protocol")));
            let panels: Vec<_> = std::iter::once(any)
                .chain(named)
                .map(|(protocol, place)| Curves {
                    stage,
                    protocol,
                    metric,
                    heading: format!("{place}: {}", heading(data, stage, protocol, metric)),
                    lines: lines(data, stage, protocol, metric),
                })
                .filter(|panel| !panel.lines.is_empty())
                .collect();
            if !panels.is_empty() {
                rows.push(panels);
            }
        }
    }
    rows
}

/// Names a metric in a stage: the loss of pretraining is different from the loss of segmentation.
fn heading(data: &Data, stage: Stage, protocol: Option<Protocol>, metric: &Metric) -> String {
    const SQUARED: &str = "mean squared error";
    if metric.name != "loss" {
        return metric.label.to_owned();
    }
    if stage == Stage::Pretrain {
        return format!("loss ({SQUARED})");
    }
    // A network whose output is divided is trained on squared errors in segmentation, too.
    let published = protocol == Some(Protocol::Published);
    let is_squared = |arm: &&ArmInput| published && arm.published.is_some_and(|published| published.divided);
    let squared: Vec<&ArmInput> = data.study.arms.iter().filter(is_squared).collect();
    if !squared.is_empty() && squared.len() == data.study.arms.len() {
        return format!("loss ({SQUARED})");
    }
    let networks: BTreeSet<&str> = squared.iter().map(|arm| arm.model.as_str()).collect();
    let networks: Vec<&str> = networks.into_iter().collect();
    let others = if networks.is_empty() { String::new() } else { format!("; {}: squared error", networks.join(", ")) };
    format!("loss ({}{others})", metric.unit)
}

fn lines(data: &Data, stage: Stage, protocol: Option<Protocol>, metric: &Metric) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for (arm, named) in data.study.arms.iter().enumerate() {
        // A stage that is the same under both protocols is measured as under the corrected one.
        let column = data.column(&named.name, metric, protocol.unwrap_or(Protocol::Corrected));
        for (place, run) in data.runs.of(&named.name, stage, protocol) {
            for (split, (of_split, _)) in SPLITS.iter().enumerate() {
                let points = points(run, *of_split, column);
                if points.is_empty() {
                    continue;
                }
                let (seed, key, kept) = (place.seed, run.key(), run.record.kept_epoch);
                match lines.iter_mut().find(|line| line.run == *key && line.split == split && line.seed == seed) {
                    Some(line) => line.shared.push(arm),
                    None => {
                        lines.push(Line { arm, split, seed, points, kept, run: key.clone(), shared: Vec::new() });
                    }
                }
            }
        }
    }
    lines
}

fn points(run: &Run, split: Split, column: &str) -> Vec<Point> {
    let logged = run.of(split, Predictor::Model, column).filter(|row| row.value.is_finite());
    logged.map(|row| Point { epoch: row.epoch, value: row.value, row: row.rows() }).collect()
}

/// Returns every value that is drawn.
pub(super) fn records<'a>(data: &'a Data, rows: &[Vec<Curves>]) -> Vec<Trained<'a>> {
    let mut records = Vec::new();
    for curves in rows.iter().flatten() {
        for line in &curves.lines {
            let arm = data.study.arms[line.arm].name.as_str();
            let ends = [line.points.first(), line.points.last()].map(|end| end.map(|point| point.epoch));
            records.extend(line.points.iter().map(|Point { epoch, value, row }| Trained {
                stage: curves.stage,
                metric: curves.metric.name,
                arm,
                protocol: curves.protocol,
                split: SPLITS[line.split].0,
                seed: line.seed,
                epoch: *epoch,
                value: *value,
                kept: line.kept == *epoch,
                is_end: ends.contains(&Some(*epoch)),
                row: row.clone(),
            }));
        }
    }
    records
}
