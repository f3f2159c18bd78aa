//! Pixels by class and by confidence, counted over all seeds.

use super::data::Data;
use crate::inputs::{
    baselines::BASELINES,
    lines::{Line, Lines, add_line},
    pixels::{CalibrationInput, ConfusionInput},
};
use harness_record::metrics::{
    CLASSES, Confusion, Reliability,
    reliability::{BINS, Bin},
};

/// Counts over all seeds, and the lines that hold them.
#[derive(Debug, Clone)]
pub(crate) struct Counted<T> {
    pub(crate) counts: T,
    pub(crate) lines: Vec<Lines>,
}

impl Data {
    /// Pixels by true and predicted class, over all seeds; `None` if nothing was counted. Under some protocol and condition
    /// for an arm; a baseline has neither.
    pub(crate) fn confusion(&self, arm: &str, condition: &str, protocol: &str) -> Option<Counted<Confusion>> {
        let baseline = BASELINES.contains(&arm);
        let wanted = |row: &ConfusionInput| {
            if baseline {
                return row.predictor == arm;
            }
            row.predictor == "model" && row.arm == arm && row.condition == condition && row.protocol == protocol
        };
        self.confusion_of(wanted)
    }

    /// The same of the rows that `wanted` picks.
    pub(crate) fn confusion_of(&self, wanted: impl Fn(&ConfusionInput) -> bool) -> Option<Counted<Confusion>> {
        let class = |name: &str| self.study.classes.iter().position(|known| known == name).filter(|at| *at < CLASSES);
        let mut counts = [[0_u64; CLASSES]; CLASSES];
        let mut lines = Vec::new();
        for Line { line, row } in self.confusion.iter().filter(|line| wanted(&line.row)) {
            let (Some(truth), Some(predicted)) = (class(&row.truth), class(&row.predicted)) else { continue };
            let cell = &mut counts[truth][predicted];
            *cell = cell.saturating_add(row.pixels);
            add_line(&mut lines, *line);
        }
        (!lines.is_empty()).then(|| Counted { counts: Confusion::from_counts(counts), lines })
    }

    /// Pixels by how sure a network was, over all seeds; `None` if nothing was counted.
    pub(crate) fn reliability(&self, arm: &str, condition: &str, protocol: &str) -> Option<Counted<Reliability>> {
        self.reliability_of(|row| row.arm == arm && row.condition == condition && row.protocol == protocol)
    }

    /// The same of the rows that `wanted` picks.
    pub(crate) fn reliability_of(&self, wanted: impl Fn(&CalibrationInput) -> bool) -> Option<Counted<Reliability>> {
        let mut bins = [Bin::default(); BINS];
        let mut lines = Vec::new();
        for Line { line, row } in self.calibration.iter().filter(|line| wanted(&line.row)) {
            let Some(bin) = bin_of(row) else { continue };
            bins[bin].pixels = bins[bin].pixels.saturating_add(row.pixels);
            bins[bin].right = bins[bin].right.saturating_add(row.right);
            bins[bin].confidence += row.confidence;
            add_line(&mut lines, *line);
        }
        (!lines.is_empty()).then(|| Counted { counts: Reliability::from_bins(bins), lines })
    }

    /// Lines of `calibration.csv` with a bin of an arm under a condition and protocol, one a seed.
    pub(crate) fn bin_lines(&self, [arm, condition, protocol]: [&str; 3], bin: usize) -> Vec<Lines> {
        let place = |row: &CalibrationInput| row.arm == arm && row.condition == condition && row.protocol == protocol;
        let own = self.calibration.iter().filter(|line| place(&line.row) && bin_of(&line.row) == Some(bin));
        own.map(|line| line.line..=line.line).collect()
    }
}

/// The bin that a row counts.
fn bin_of(row: &CalibrationInput) -> Option<usize> {
    (0..BINS).find(|&bin| row.high <= Reliability::ends(bin).1)
}
