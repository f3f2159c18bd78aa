//! Scores by arm, protocol, condition, seed and image.

use super::{
    metrics::Metric,
    statistics::{
        bootstrap::{Distribution, Resampler},
        sample::Sample,
        summary::Summary,
    },
};
use crate::inputs::{
    baselines::BASELINES,
    images::{ImagePrefix, ScoreLine},
    lines::{Line, Lines, add_line},
    study::Family,
};
use harness_record::rows::{ImageRow, SCORES};
use std::collections::{BTreeMap, BTreeSet};

/// Where a score stands in the study. Baselines have neither protocol nor condition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Cell {
    arm: String,
    protocol: String,
    condition: String,
}

/// Sums and counts over the rows of one image under one cell and seed; most often there is one.
type Sums = [(f64, u32); SCORES.len()];

/// The scores of every test image.
#[derive(Debug)]
pub(crate) struct Scores {
    /// File names of the test images, sorted; the others are indexed like it.
    images: Vec<String>,
    /// Breed of each image; empty where it is not known.
    breeds: Vec<String>,
    /// Seeds of each cell; of a baseline, which is the same under every seed, only one.
    cells: BTreeMap<Cell, BTreeMap<u64, Rows>>,
    /// First and last line of consecutive rows of one run, and its key.
    runs: Vec<(Lines, String)>,
    resampler: Resampler,
}

/// The rows of one cell and seed.
#[derive(Debug, Default)]
struct Rows {
    /// One an image.
    sums: Vec<Sums>,
    /// Where they stand.
    lines: Vec<Lines>,
    /// The last line of each image; 0 where it has none.
    at: Vec<u64>,
}

impl Rows {
    fn new(images: usize) -> Self {
        Self { sums: vec![Sums::default(); images], lines: Vec::new(), at: vec![0; images] }
    }
}

impl Scores {
    pub(crate) fn new(rows: &[ScoreLine]) -> Self {
        let tested: Vec<_> = rows.iter().filter(|line| line.row.1.split == "test").collect();
        let names: BTreeSet<&str> = tested.iter().map(|line| line.row.1.image.as_str()).collect();
        let images: Vec<_> = names.into_iter().map(str::to_owned).collect();
        let mut breeds = vec![String::new(); images.len()];
        let mut cells: BTreeMap<Cell, BTreeMap<u64, Rows>> = BTreeMap::new();
        let mut runs: Vec<(Lines, String)> = Vec::new();
        for rows in tested.chunk_by(|a, b| is_same_cell(a, b)) {
            let (place, first) = &rows[0].row;
            for Line { line, .. } in rows {
                match runs.last_mut() {
                    Some((lines, run)) if *run == place.run && *lines.end() + 1 == *line => {
                        *lines = *lines.start()..=*line;
                    }
                    _ => runs.push((*line..=*line, place.run.clone())),
                }
            }
            let Some(cell) = Cell::of(place, first) else { continue };
            let seed = if cell.is_baseline() { 0 } else { place.seed };
            let under = cells.entry(cell).or_default().entry(seed);
            let under = under.or_insert_with(|| Rows::new(images.len()));
            for Line { line, row: (_, row) } in rows {
                add_line(&mut under.lines, *line);
                let Ok(image) = images.binary_search(&row.image) else { continue };
                breeds[image].clone_from(&row.group);
                under.at[image] = *line;
                for (value, (sum, count)) in row.scores.values().iter().zip(&mut under.sums[image]) {
                    // A score that is not finite says nothing: it counts as undefined.
                    if let Some(score) = value.filter(|s| s.is_finite()) {
                        *sum += f64::from(score);
                        *count += 1;
                    }
                }
            }
        }
        let resampler = Resampler::new(images.iter().cloned().zip(breeds.iter().cloned()).collect());
        Self { images, breeds, cells, runs, resampler }
    }

    /// Whether there are rows of a baseline.
    pub(crate) fn has_baseline(&self, name: &str) -> bool {
        self.cells.keys().any(|cell| cell.arm == name && cell.is_baseline())
    }

    /// File names of the test images, sorted.
    pub(crate) fn images(&self) -> &[String] {
        &self.images
    }

    /// Breed of each test image; empty where it is not known.
    pub(crate) fn breeds(&self) -> &[String] {
        &self.breeds
    }

    /// Scores of every test image under every seed; `None` if nothing was measured.
    pub(crate) fn sample(&self, arm: &str, condition: &str, metric: &Metric, protocol: &str) -> Option<Sample> {
        let score = metric.score_index(protocol, Family::Soft);
        let seeds = self.cells.get(&Cell::at(arm, condition, protocol))?;
        let columns: Vec<Vec<f64>> =
            seeds.values().map(|rows| rows.sums.iter().map(|sums| average(sums[score])).collect()).collect();
        let measured = columns.iter().flatten().any(|v| !v.is_nan());
        let seeds = if BASELINES.contains(&arm) { Vec::new() } else { seeds.keys().copied().collect() };
        measured.then(|| Sample::new(seeds, columns))
    }

    /// Lines of `per_image.csv` with the scores of an arm, a seed after the other.
    pub(crate) fn lines(&self, arm: &str, condition: &str, protocol: &str) -> Vec<Lines> {
        let seeds = self.cells.get(&Cell::at(arm, condition, protocol));
        seeds.into_iter().flat_map(BTreeMap::values).flat_map(|rows| rows.lines.iter().cloned()).collect()
    }

    /// Line of `per_image.csv` with the scores of an image, counted as in [`Self::images`], under the first seed.
    pub(crate) fn line_of(&self, image: usize, [arm, condition, protocol]: [&str; 3]) -> Option<u64> {
        let rows = self.cells.get(&Cell::at(arm, condition, protocol))?.values().next()?;
        rows.at.get(image).copied().filter(|line| *line > 0)
    }

    /// Key of the run that wrote a line of `per_image.csv`.
    pub(crate) fn run_at(&self, line: u64) -> Option<&str> {
        self.runs.iter().find(|(lines, _)| lines.contains(&line)).map(|(_, run)| run.as_str())
    }

    /// Mean and interval of scores; `None` if no image has one.
    pub(crate) fn summarise(&self, sample: &Sample) -> Option<Summary> {
        self.resampler.summarise(sample)
    }

    /// The same of each sample, in less time than one after the other.
    pub(crate) fn summarise_all(&self, samples: &[&Sample]) -> Vec<Option<Summary>> {
        self.resampler.summarise_all(samples)
    }

    /// The interval of a relative change: `differences` as a part of `base`.
    pub(crate) fn relative(&self, differences: &Sample, base: &Sample) -> Option<(f64, f64)> {
        self.resampler.relative(differences, base)
    }

    /// The mean of scores and its bootstrap distribution; `None` if no image has one.
    pub(crate) fn distribution(&self, sample: &Sample) -> Option<Distribution> {
        self.resampler.distribution(sample)
    }

    /// Whether anything was measured of an arm.
    pub(crate) fn has(&self, arm: &str, condition: &str, protocol: &str) -> bool {
        self.cells.contains_key(&Cell::at(arm, condition, protocol))
    }

    /// The value of one image.
    pub(crate) fn of_image(&self, image: &str, [arm, condition, protocol]: [&str; 3], metric: &Metric) -> Option<f64> {
        let at = self.images.binary_search_by(|name| name.as_str().cmp(image)).ok()?;
        let value = self.sample(arm, condition, metric, protocol)?.means()[at];
        (!value.is_nan()).then_some(value)
    }
}

/// Whether two rows are of the same cell and seed.
fn is_same_cell(one: &ScoreLine, next: &ScoreLine) -> bool {
    let ((a, row), (b, other)) = (&one.row, &next.row);
    (a.arm == b.arm && a.protocol == b.protocol && a.seed == b.seed && a.run == b.run)
        && (row.predictor == other.predictor && row.condition == other.condition)
}

fn average((sum, count): (f64, u32)) -> f64 {
    if count == 0 { f64::NAN } else { sum / f64::from(count) }
}

impl Cell {
    /// The cell of an arm, or of a baseline, which has neither protocol nor condition.
    fn at(arm: &str, condition: &str, protocol: &str) -> Self {
        let place = |text: &str| if BASELINES.contains(&arm) { String::new() } else { text.to_owned() };
        Self { arm: arm.to_owned(), protocol: place(protocol), condition: place(condition) }
    }

    /// `None` for predictors that the report does not know.
    fn of(place: &ImagePrefix, row: &ImageRow) -> Option<Self> {
        if row.predictor == "model" {
            let (arm, protocol) = (place.arm.clone(), place.protocol.clone());
            return Some(Self { arm, protocol, condition: row.condition.clone() });
        }
        let (protocol, condition) = (String::new(), String::new());
        BASELINES.contains(&row.predictor.as_str()).then(|| Self { arm: row.predictor.clone(), protocol, condition })
    }

    fn is_baseline(&self) -> bool {
        self.protocol.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(seed: u64, predictor: &str, image: &str, dice: Option<f32>) -> (ImagePrefix, ImageRow) {
        let place = ImagePrefix { arm: "ssl".into(), protocol: "corrected".into(), seed, run: "r".into() };
        let json = serde_json::json!({
            "image": image, "group": "g", "split": "test", "predictor": predictor, "condition": "blur-0", "dice": dice
        });
        (place, serde_json::from_value(json).unwrap())
    }

    #[test]
    fn an_image_is_averaged_over_seeds_before_the_mean_over_images() {
        let rows = [
            row(0, "model", "b", Some(0.5)),
            row(1, "model", "b", Some(1.0)),
            row(0, "model", "a", None),
            row(1, "model", "a", Some(0.25)),
            row(0, "all-background", "a", Some(0.125)),
        ];
        let lines: Vec<ScoreLine> = (2..).zip(rows).map(|(line, row)| Line { line, row }).collect();
        let scores = Scores::new(&lines);
        let dice = Metric::find("dice").unwrap();
        let sample = scores.sample("ssl", "blur-0", dice, "corrected").unwrap();
        assert_eq!((sample.means(), sample.seeds()), (vec![0.25, 0.75], 2));
        let summary = scores.summarise(&sample).unwrap();
        assert_eq!((summary.mean, summary.images, summary.seeds), (0.5, 2, 2));
        assert_eq!(scores.of_image("b", ["ssl", "blur-0", "corrected"], dice), Some(0.75));
        assert_eq!(scores.of_image("a", ["all-background", "", ""], dice), Some(0.125));
        assert_eq!(scores.sample("all-background", "", dice, "").unwrap().seeds(), 0);
        assert!(scores.sample("ssl", "blur-1", dice, "corrected").is_none());
        // Seed 0 stands on the lines 2 and 4, seed 1 on 3 and 5.
        assert_eq!(scores.lines("ssl", "blur-0", "corrected"), [2..=2, 4..=4, 3..=3, 5..=5]);
        assert_eq!(
            (scores.lines("all-background", "", ""), scores.run_at(4), scores.run_at(7)),
            (vec![6..=6], Some("r"), None)
        );
    }
}
