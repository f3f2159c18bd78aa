//! Scores by arm, protocol, condition, seed and image.

use super::{
    metrics::Metric,
    statistics::{bootstrap::Resampler, sample::Sample, summary::Summary},
};
use crate::inputs::{
    lines::{Rows, Table},
    runs::{Run, Runs},
    study::baseline,
};
use harness_record::{
    rows::{ImageRow, SCORES},
    table::Line,
    vocabulary::{Baseline, Condition, Predictor, PrintedDice, Protocol, Split, Stage},
};
use std::collections::{BTreeMap, BTreeSet};

/// The place of a score in the study.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Cell {
    Arm(String, Protocol, Condition),
    /// A baseline; it is the same under every protocol, condition and seed.
    Baseline(Baseline),
}

/// Sums and counts over the rows of one image under one cell and seed; usually there is one row.
type Sums = [(f64, u32); SCORES.len()];

/// The scores of every test image.
#[derive(Debug)]
pub(crate) struct Scores {
    /// The file names of the test images, sorted. Other lists of images use the same order.
    images: Vec<String>,
    /// The breed of each image; empty if unknown.
    breeds: Vec<String>,
    /// The seeds of each cell; a baseline has only one.
    cells: BTreeMap<Cell, BTreeMap<u64, Scored>>,
    resampler: Resampler,
}

/// The scores of one cell and seed.
#[derive(Debug)]
struct Scored {
    /// The scores, one entry for each image.
    sums: Vec<Sums>,
    /// The rows that hold the scores.
    rows: Vec<Rows>,
    /// The last row of each image; `None` if it has no row.
    at: Vec<Option<Rows>>,
}

impl Scored {
    fn new(images: usize) -> Self {
        Self { sums: vec![Sums::default(); images], rows: Vec::new(), at: vec![None; images] }
    }
}

impl Scores {
    /// Collects the scores of the tests of `runs`.
    pub(crate) fn new(runs: &Runs) -> Self {
        let tests = || runs.places().filter(|(place, _)| place.stage == Stage::Evaluate);
        let is_of_test = |line: &&Line<ImageRow>| line.split == Split::Test;
        let all = tests().flat_map(|(_, run)| run.images.iter().chain(&run.baselines)).filter(is_of_test);
        let names: BTreeSet<&str> = all.map(|line| line.image.as_str()).collect();
        let images: Vec<_> = names.into_iter().map(str::to_owned).collect();
        let mut scores = Self {
            breeds: vec![String::new(); images.len()],
            images,
            cells: BTreeMap::new(),
            resampler: Resampler::new(Vec::new()),
        };
        for (place, run) in tests() {
            // A test always has one protocol.
            let Some(protocol) = place.protocol else { continue };
            let cell = |row: &ImageRow| Cell::Arm(place.arm.clone(), protocol, row.condition);
            let own: Vec<_> = run.images.iter().filter(is_of_test).collect();
            for rows in own.chunk_by(|a, b| a.condition == b.condition) {
                scores.add(cell(rows[0]), place.seed, (Table::Images, run), rows);
            }
        }
        if let Some(run) = runs.first_test() {
            let own: Vec<_> = run.baselines.iter().filter(is_of_test).collect();
            for rows in own.chunk_by(|a, b| a.predictor == b.predictor) {
                if let Predictor::Baseline(baseline) = rows[0].predictor {
                    scores.add(Cell::Baseline(baseline), 0, (Table::Baselines, run), rows);
                }
            }
        }
        let (images, breeds) = (scores.images.iter().cloned(), scores.breeds.iter().cloned());
        scores.resampler = Resampler::new(images.zip(breeds).collect());
        scores
    }

    /// Adds rows of a table of a run to a cell.
    fn add(&mut self, cell: Cell, seed: u64, (table, run): (Table, &Run), rows: &[&Line<ImageRow>]) {
        let images = self.images.len();
        let under = self.cells.entry(cell).or_default().entry(seed).or_insert_with(|| Scored::new(images));
        under.rows.extend(Rows::of_lines(table, run.key(), rows.iter().map(|row| row.line)));
        for Line { line, row } in rows {
            let Ok(image) = self.images.binary_search(&row.image) else { continue };
            self.breeds[image].clone_from(&row.group);
            under.at[image] = Some(Rows::new(table, run.key(), *line..=*line));
            for (value, (sum, count)) in row.scores.values().iter().zip(&mut under.sums[image]) {
                // A score that is not finite counts as undefined.
                if let Some(score) = value.filter(|s| s.is_finite()) {
                    *sum += f64::from(score);
                    *count += 1;
                }
            }
        }
    }

    /// Returns true if there are rows of a baseline.
    pub(crate) fn has_baseline(&self, baseline: Baseline) -> bool {
        self.cells.contains_key(&Cell::Baseline(baseline))
    }

    /// Returns the file names of the test images, sorted.
    pub(crate) fn images(&self) -> &[String] {
        &self.images
    }

    /// Returns the breed of each test image; empty if unknown.
    pub(crate) fn breeds(&self) -> &[String] {
        &self.breeds
    }

    /// Returns the scores of every test image under every seed, or `None` if nothing was measured.
    pub(crate) fn sample(
        &self,
        arm: &str,
        condition: Condition,
        metric: &Metric,
        protocol: Protocol,
    ) -> Option<Sample> {
        let score = metric.score_index(protocol, PrintedDice::Soft);
        let cell = Cell::at(arm, condition, protocol);
        let seeds = self.cells.get(&cell)?;
        let columns: Vec<Vec<f64>> =
            seeds.values().map(|rows| rows.sums.iter().map(|sums| average(sums[score])).collect()).collect();
        let measured = columns.iter().flatten().any(|v| !v.is_nan());
        let seeds = if cell.is_baseline() { Vec::new() } else { seeds.keys().copied().collect() };
        measured.then(|| Sample::new(seeds, columns))
    }

    /// Returns the rows with the scores of an arm, grouped by seed.
    pub(crate) fn rows(&self, arm: &str, condition: Condition, protocol: Protocol) -> Vec<Rows> {
        let seeds = self.cells.get(&Cell::at(arm, condition, protocol));
        seeds.into_iter().flat_map(BTreeMap::values).flat_map(|scored| scored.rows.iter().cloned()).collect()
    }

    /// Returns the row with the scores of an image under the first seed. `image` is an index into [`Self::images`].
    pub(crate) fn row_of(&self, image: usize, arm: &str, condition: Condition, protocol: Protocol) -> Option<Rows> {
        let scored = self.cells.get(&Cell::at(arm, condition, protocol))?.values().next()?;
        scored.at.get(image)?.clone()
    }

    /// Returns the mean and interval of scores, or `None` if no image has a score.
    pub(crate) fn summarise(&self, sample: &Sample) -> Option<Summary> {
        self.resampler.summarise(sample)
    }

    /// Summarises each sample in the same way; this is faster than one call for each sample.
    pub(crate) fn summarise_all(&self, samples: &[&Sample]) -> Vec<Option<Summary>> {
        self.resampler.summarise_all(samples)
    }

    /// Returns true if anything was measured for an arm.
    pub(crate) fn has(&self, arm: &str, condition: Condition, protocol: Protocol) -> bool {
        self.cells.contains_key(&Cell::at(arm, condition, protocol))
    }

    /// Returns the value of one image.
    pub(crate) fn of_image(
        &self,
        image: &str,
        (arm, condition, protocol): (&str, Condition, Protocol),
        metric: &Metric,
    ) -> Option<f64> {
        let at = self.images.binary_search_by(|name| name.as_str().cmp(image)).ok()?;
        let value = self.sample(arm, condition, metric, protocol)?.means()[at];
        (!value.is_nan()).then_some(value)
    }
}

fn average((sum, count): (f64, u32)) -> f64 {
    if count == 0 { f64::NAN } else { sum / f64::from(count) }
}

impl Cell {
    /// Returns the cell of an arm or of a baseline.
    fn at(arm: &str, condition: Condition, protocol: Protocol) -> Self {
        baseline(arm).map_or_else(|| Self::Arm(arm.to_owned(), protocol, condition), Self::Baseline)
    }

    fn is_baseline(&self) -> bool {
        matches!(self, Self::Baseline(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::runs::tests::{place, run};
    use harness_record::rows::Scores as Values;

    const CLEAN: Condition = Condition::Clean;

    fn row(line: u64, predictor: Predictor, image: &str, dice: Option<f32>) -> Line<ImageRow> {
        let scores = Values::new(|metric| dice.filter(|_| metric.name == "dice"));
        let (image, group, batch) = (image.to_owned(), "g".to_owned(), None);
        Line { line, row: ImageRow { image, group, split: Split::Test, predictor, condition: CLEAN, batch, scores } }
    }

    #[test]
    fn an_image_is_averaged_over_seeds_before_the_mean_over_images() {
        let none = Baseline::AllBackground;
        let model = |line, image, dice| row(line, Predictor::Model, image, dice);
        let first = Run {
            images: vec![model(2, "b", Some(0.5)), model(3, "a", None)],
            baselines: vec![row(2, Predictor::Baseline(none), "a", Some(0.125))],
            ..run("1", Stage::Evaluate)
        };
        let second = Run {
            images: vec![model(2, "b", Some(1.0)), model(3, "c", None), model(4, "a", Some(0.25))],
            ..run("2", Stage::Evaluate)
        };
        let [one, two] = [first.key(), second.key()].map(Clone::clone);
        let scores =
            Scores::new(&Runs::of_runs([(place("ssl", 0, &first), first), (place("ssl", 1, &second), second)]));
        let dice = Metric::find("dice").unwrap();
        let at = ("ssl", CLEAN, Protocol::Corrected);
        let sample = scores.sample(at.0, at.1, dice, at.2).unwrap();
        assert_eq!((sample.defined(), sample.seeds()), (vec![0.25, 0.75], 2));
        let summary = scores.summarise(&sample).unwrap();
        assert_eq!((summary.mean, summary.images, summary.seeds), (0.5, 2, 2));
        assert_eq!(scores.of_image("b", at, dice), Some(0.75));
        assert_eq!(scores.of_image("a", (none.name(), CLEAN, at.2), dice), Some(0.125));
        assert_eq!(scores.sample(none.name(), CLEAN, dice, at.2).unwrap().seeds(), 0);
        assert!(scores.sample("ssl", Condition::Blur(1), dice, Protocol::Corrected).is_none());
        let images = |key, lines| Rows::new(Table::Images, key, lines);
        assert_eq!(scores.rows(at.0, at.1, at.2), [images(&one, 2..=3), images(&two, 2..=4)]);
        assert_eq!(scores.rows(none.name(), CLEAN, at.2), [Rows::new(Table::Baselines, &one, 2..=2)]);
        assert_eq!(scores.row_of(1, at.0, at.1, at.2), Some(images(&one, 2..=2)));
    }
}
