//! What training logged, as lines.

use crate::{
    charts::{
        axis::{self, Tick},
        records::Trained,
    },
    figures::{
        data::Data,
        metrics::{Metric, PUBLISHED_PROTOCOL},
    },
    inputs::{metrics::MetricLine, runs::ANY_PROTOCOL},
};

/// Splits with their names for people, in the order of their dashes.
pub(super) const SPLITS: [(&str, &str); 2] = [("validation", "Validation"), ("train", "Training")];
/// Stages, likewise.
const STAGES: [(&str, &str); 2] = [("pretrain", "Pretraining"), ("finetune", "Fine-tuning")];

/// A value of an epoch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    pub(super) epoch: u32,
    pub(super) value: f64,
    /// Its row in `metrics.csv`.
    row: u64,
}

/// One line: an arm, a seed and a split. Arms that share a run share its line, which is the first arm's.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) arm: usize,
    pub(super) split: usize,
    pub(super) seed: u64,
    pub(super) points: Vec<Point>,
    /// The epoch whose weights were kept.
    pub(super) kept: Option<u32>,
    /// Key of the run.
    run: String,
    /// The other arms that share the run.
    pub(super) shared: Vec<usize>,
}

/// One set of axes.
#[derive(Debug)]
pub(super) struct Curves {
    pub(super) stage: &'static str,
    pub(super) protocol: String,
    pub(super) metric: &'static Metric,
    pub(super) heading: String,
    pub(super) lines: Vec<Line>,
}

impl Curves {
    /// The lines of an arm and split, one a seed.
    pub(super) fn of(&self, arm: usize, split: usize) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(move |line| line.arm == arm && line.split == split)
    }

    /// The first and the last epoch.
    pub(super) fn epochs(&self) -> (f64, f64) {
        (1.0, self.points().map(|point| f64::from(point.epoch)).fold(1.0, f64::max))
    }

    /// The vertical range and its ticks. A loss is shown over its own range: its curvature matters, and its zero may be far
    /// away.
    pub(super) fn range(&self) -> ((f64, f64), Vec<Tick>) {
        if self.metric.is_share() {
            return axis::share_ticks();
        }
        let values = || self.points().map(|point| point.value);
        axis::ticks(values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max))
    }

    fn points(&self) -> impl Iterator<Item = Point> {
        self.lines.iter().flat_map(|line| line.points.iter().copied())
    }
}

/// Panels by row: one row a stage and metric for which there are data.
pub(super) fn rows(data: &Data, metrics: &[String]) -> Vec<Vec<Curves>> {
    let mut rows = Vec::new();
    for (stage, words) in STAGES {
        for metric in metrics.iter().filter_map(|name| Metric::find(name)) {
            let any = (ANY_PROTOCOL, words.to_owned());
            let named = data.study.protocols.iter().map(|p| (p.as_str(), format!("{words}, {p} protocol")));
            let panels: Vec<_> = std::iter::once(any)
                .chain(named)
                .map(|(protocol, place)| Curves {
                    stage,
                    protocol: protocol.to_owned(),
                    metric,
                    heading: format!("{place}: {}", heading(data, [stage, protocol], metric)),
                    lines: lines(data, [stage, protocol], metric),
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

/// What a metric is in a stage: the loss of pretraining is another one than that of segmentation.
fn heading(data: &Data, [stage, protocol]: [&str; 2], metric: &Metric) -> String {
    let published = protocol == PUBLISHED_PROTOCOL;
    let segnets = data.study.arms.iter().filter(|arm| published && arm.model == "segnet").count();
    match (stage, metric.name) {
        ("pretrain", "loss") => "loss (mean squared error)".to_owned(),
        // The published work trained SegNet on squared errors in segmentation, too.
        (_, "loss") if segnets > 0 && segnets == data.study.arms.len() => "loss (mean squared error)".to_owned(),
        (_, "loss") if segnets > 0 => format!("loss ({}; SegNet: squared error)", metric.unit),
        (_, "loss") => format!("loss ({})", metric.unit),
        _ => metric.label.to_owned(),
    }
}

fn lines(data: &Data, [stage, protocol]: [&str; 2], metric: &Metric) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for (arm, named) in data.study.arms.iter().enumerate() {
        let column = data.column(&named.name, metric, protocol);
        for &seed in &data.study.seeds {
            for (split, (name, _)) in SPLITS.iter().enumerate() {
                let logged = data.metrics.of([stage, name, "model", column]).filter(|MetricLine { row, .. }| {
                    (row.arm == named.name && row.protocol == protocol && row.seed == seed) && row.value.is_finite()
                });
                let logged: Vec<_> = logged.collect();
                let point = |line: &&MetricLine| Point { epoch: line.row.epoch, value: line.row.value, row: line.line };
                let points: Vec<_> = logged.iter().map(point).collect();
                let last = points.iter().map(|point| point.epoch).max();
                let kept = logged.first().and_then(|line| data.kept_epoch(&line.row.run)).or(last);
                let Some(run) = logged.first().map(|line| line.row.run.clone()) else { continue };
                match lines.iter_mut().find(|line| line.run == run && line.split == split && line.seed == seed) {
                    Some(line) => line.shared.push(arm),
                    None => lines.push(Line { arm, split, seed, points, kept, run, shared: Vec::new() }),
                }
            }
        }
    }
    lines
}

/// Every value that is drawn.
pub(super) fn records<'a>(data: &'a Data, rows: &'a [Vec<Curves>]) -> Vec<Trained<'a>> {
    let mut records = Vec::new();
    for curves in rows.iter().flatten() {
        for line in &curves.lines {
            let arm = data.study.arms[line.arm].name.as_str();
            let ends = [line.points.first(), line.points.last()].map(|end| end.map(|point| point.epoch));
            records.extend(line.points.iter().map(|&Point { epoch, value, row }| Trained {
                stage: curves.stage,
                metric: curves.metric.name,
                column: data.column(arm, curves.metric, &curves.protocol),
                arm,
                protocol: &curves.protocol,
                split: SPLITS[line.split].0,
                seed: line.seed,
                epoch,
                value,
                kept: line.kept == Some(epoch),
                is_end: ends.contains(&Some(epoch)),
                line: row,
            }));
        }
    }
    records
}
