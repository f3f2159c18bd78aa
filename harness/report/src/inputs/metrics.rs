//! `metrics.csv`: means over the images of a split.

use super::{lines::Line, runs::RunInput};
use harness_record::rows::MetricRow;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, ops::Range};

/// A row of `metrics.csv`: a [`MetricRow`] and the place of its run in the study.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricInput {
    /// Name of the arm.
    pub arm: String,
    /// Name of the protocol, or [`ANY_PROTOCOL`].
    pub protocol: String,
    /// Seed.
    pub seed: u64,
    /// `pretrain`, `finetune` or `evaluate`.
    pub stage: String,
    /// Full key of the run.
    pub run: String,
    /// As in [`MetricRow`].
    pub epoch: u32,
    /// As in [`MetricRow`].
    pub split: String,
    /// As in [`MetricRow`].
    pub predictor: String,
    /// As in [`MetricRow`].
    pub condition: String,
    /// As in [`MetricRow`].
    pub metric: String,
    /// As in [`MetricRow`].
    pub value: f64,
}

impl MetricInput {
    /// The row of a run that takes the place of `run` in the study.
    pub fn new(run: &RunInput, row: MetricRow) -> Self {
        Self {
            arm: run.arm.clone(),
            protocol: run.protocol.clone(),
            seed: run.seed,
            stage: run.stage.clone(),
            run: run.record.key.clone(),
            epoch: row.epoch,
            split: row.split,
            predictor: row.predictor,
            condition: row.condition,
            metric: row.metric,
            value: row.value,
        }
    }
}

/// A row of `metrics.csv`.
pub(crate) type MetricLine = Line<MetricInput>;

/// The rows of `metrics.csv`, in their order.
#[derive(Debug)]
pub(crate) struct MetricLines {
    lines: Vec<MetricLine>,
    /// Places of the rows of each metric.
    places: BTreeMap<String, Vec<usize>>,
    /// Where the rows of each run stand one after the other.
    runs: BTreeMap<String, Vec<Range<usize>>>,
}

impl MetricLines {
    pub(crate) fn new(lines: Vec<MetricLine>) -> Self {
        let mut places: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (i, line) in lines.iter().enumerate() {
            match places.get_mut(&line.row.metric) {
                Some(all) => all.push(i),
                None => drop(places.insert(line.row.metric.clone(), vec![i])),
            }
        }
        let mut runs: BTreeMap<String, Vec<Range<usize>>> = BTreeMap::new();
        let mut start = 0;
        for rows in lines.chunk_by(|one, next| one.row.run == next.row.run) {
            runs.entry(rows[0].row.run.clone()).or_default().push(start..start + rows.len());
            start += rows.len();
        }
        Self { lines, places, runs }
    }

    /// All rows.
    pub(crate) fn all(&self) -> &[MetricLine] {
        &self.lines
    }

    /// The rows of a run, in the order of the file.
    pub(crate) fn of_run(&self, run: &str) -> impl Iterator<Item = &MetricLine> {
        self.runs.get(run).into_iter().flatten().flat_map(|rows| &self.lines[rows.clone()])
    }

    /// The rows of a stage, split, predictor and metric, in the order of the file.
    pub(crate) fn of<'a>(&'a self, place: [&str; 4]) -> impl Iterator<Item = &'a MetricLine> {
        let [stage, split, predictor, metric] = place;
        let lines = self.places.get(metric).into_iter().flatten().map(|&i| &self.lines[i]);
        lines.filter(move |line| {
            let row = &line.row;
            row.stage == stage && row.split == split && row.predictor == predictor
        })
    }
}
