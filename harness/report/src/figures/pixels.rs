//! Pixel counts by class and by confidence, over all seeds.

use super::data::Data;
use crate::inputs::{
    lines::{Rows, Table},
    runs::Run,
    study::baseline,
};
use harness_record::{
    metrics::{
        CLASSES, Confusion, Reliability,
        reliability::{BINS, Bin},
    },
    rows::{CalibrationRow, ConfusionRow},
    table::Line,
    vocabulary::{Condition, Predictor, Protocol, Stage},
};

/// Counts over all seeds, and the rows that hold them.
#[derive(Debug, Clone)]
pub(crate) struct Counted<T> {
    pub(crate) counts: T,
    pub(crate) rows: Vec<Rows>,
}

impl Data {
    /// Returns the pixels by true and predicted class, over all seeds, or `None` if nothing was counted. Condition and
    /// protocol apply to an arm; a baseline has neither.
    pub(crate) fn confusion(&self, arm: &str, condition: Condition, protocol: Protocol) -> Option<Counted<Confusion>> {
        let Some(baseline) = baseline(arm) else {
            let wanted = |row: &ConfusionRow| row.predictor == Predictor::Model && row.condition == condition;
            return self.confusion_of(self.tests(arm, protocol), wanted);
        };
        self.confusion_of(self.runs.first_test(), |row| row.predictor == Predictor::Baseline(baseline))
    }

    /// Counts the same for the rows of `runs` that `wanted` selects.
    pub(crate) fn confusion_of<'a>(
        &self,
        runs: impl IntoIterator<Item = &'a Run>,
        wanted: impl Fn(&ConfusionRow) -> bool,
    ) -> Option<Counted<Confusion>> {
        let class = |name: &str| self.study.classes.iter().position(|known| known == name).filter(|at| *at < CLASSES);
        let mut counts = [[0_u64; CLASSES]; CLASSES];
        let mut rows = Vec::new();
        for run in runs {
            let mut lines = Vec::new();
            for Line { line, row } in run.confusion.iter().filter(|line| wanted(&line.row)) {
                let (Some(truth), Some(predicted)) = (class(&row.truth), class(&row.predicted)) else { continue };
                let cell = &mut counts[truth][predicted];
                *cell = cell.saturating_add(row.pixels);
                lines.push(*line);
            }
            rows.extend(Rows::of_lines(Table::Confusion, run.key(), lines));
        }
        (!rows.is_empty()).then(|| Counted { counts: Confusion::from_counts(counts), rows })
    }

    /// Returns the pixels by the confidence of a network, over all seeds, or `None` if nothing was counted.
    pub(crate) fn reliability(
        &self,
        arm: &str,
        condition: Condition,
        protocol: Protocol,
    ) -> Option<Counted<Reliability>> {
        reliability_of(self.tests(arm, protocol), condition)
    }

    /// Returns the rows of `calibration.csv` for one bin of an arm under a condition and protocol, one for each seed.
    pub(crate) fn bin_rows(&self, arm: &str, condition: Condition, protocol: Protocol, bin: usize) -> Vec<Rows> {
        let of_run = |run: &Run| {
            let own = run.calibration.iter().filter(|row| row.condition == condition && bin_of(row) == Some(bin));
            Rows::of_lines(Table::Calibration, run.key(), own.map(|row| row.line))
        };
        self.tests(arm, protocol).flat_map(of_run).collect()
    }

    fn tests<'a>(&'a self, arm: &str, protocol: Protocol) -> impl Iterator<Item = &'a Run> {
        self.runs.of(arm, Stage::Evaluate, Some(protocol)).map(|(_, run)| run)
    }
}

/// Counts pixels by the confidence of the networks of `runs`. Returns `None` if nothing was counted.
pub(crate) fn reliability_of<'a>(
    runs: impl IntoIterator<Item = &'a Run>,
    condition: Condition,
) -> Option<Counted<Reliability>> {
    let mut bins = [Bin::default(); BINS];
    let mut rows = Vec::new();
    for run in runs {
        let mut lines = Vec::new();
        for Line { line, row } in run.calibration.iter().filter(|line| line.condition == condition) {
            let Some(bin) = bin_of(row) else { continue };
            bins[bin].pixels = bins[bin].pixels.saturating_add(row.pixels);
            bins[bin].right = bins[bin].right.saturating_add(row.right);
            bins[bin].confidence += row.confidence;
            lines.push(*line);
        }
        rows.extend(Rows::of_lines(Table::Calibration, run.key(), lines));
    }
    (!rows.is_empty()).then(|| Counted { counts: Reliability::from_bins(bins), rows })
}

/// Returns the bin of a row.
fn bin_of(row: &CalibrationRow) -> Option<usize> {
    (0..BINS).find(|&bin| row.high <= Reliability::ends(bin).1)
}
