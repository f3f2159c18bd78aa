//! Scores by arm, protocol, condition, seed and image.

use crate::{
    input::ImagePrefix,
    metric::{Family, Metric},
    spec::BASELINES,
    statistics::{Resampler, Sample, Summary},
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
    cells: BTreeMap<Cell, BTreeMap<u64, Vec<Sums>>>,
    resampler: Resampler,
}

impl Scores {
    pub(crate) fn new(rows: &[(ImagePrefix, ImageRow)]) -> Self {
        let tested = || rows.iter().filter(|(_, row)| row.split == "test");
        let names: BTreeSet<_> = tested().map(|(_, row)| row.image.clone()).collect();
        let images: Vec<_> = names.into_iter().collect();
        let mut breeds = vec![String::new(); images.len()];
        let mut cells: BTreeMap<Cell, BTreeMap<u64, Vec<Sums>>> = BTreeMap::new();
        for (place, row) in tested() {
            let Some(cell) = Cell::of(place, row) else { continue };
            let seed = if cell.is_baseline() { 0 } else { place.seed };
            let under = cells.entry(cell).or_default().entry(seed);
            let sums = under.or_insert_with(|| vec![Sums::default(); images.len()]);
            let Ok(image) = images.binary_search(&row.image) else { continue };
            breeds[image].clone_from(&row.group);
            for (name, (sum, count)) in SCORES.iter().zip(&mut sums[image]) {
                // A score that is not finite says nothing: it counts as undefined.
                if let Some(score) = row.score(name).filter(|s| s.is_finite()) {
                    *sum += f64::from(score);
                    *count += 1;
                }
            }
        }
        let resampler = Resampler::new(images.iter().cloned().zip(breeds.iter().cloned()).collect());
        Self { images, breeds, cells, resampler }
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
        let baseline = BASELINES.contains(&arm);
        let place = |text: &str| if baseline { String::new() } else { text.to_owned() };
        let cell = Cell { arm: arm.to_owned(), protocol: place(protocol), condition: place(condition) };
        let score = metric.score_index(protocol, Family::Soft);
        let seeds = self.cells.get(&cell)?;
        let columns: Vec<Vec<f64>> =
            seeds.values().map(|images| images.iter().map(|sums| average(sums[score])).collect()).collect();
        let measured = columns.iter().flatten().any(|v| !v.is_nan());
        let seeds = if baseline { Vec::new() } else { seeds.keys().copied().collect() };
        measured.then(|| Sample::new(seeds, columns))
    }

    /// Mean and interval of scores; `None` if no image has one.
    pub(crate) fn summarise(&self, sample: &Sample) -> Option<Summary> {
        self.resampler.summarise(sample)
    }

    /// The value of one image.
    pub(crate) fn of_image(&self, image: &str, [arm, condition, protocol]: [&str; 3], metric: &Metric) -> Option<f64> {
        let at = self.images.binary_search_by(|name| name.as_str().cmp(image)).ok()?;
        let value = self.sample(arm, condition, metric, protocol)?.means()[at];
        (!value.is_nan()).then_some(value)
    }
}

fn average((sum, count): (f64, u32)) -> f64 {
    if count == 0 { f64::NAN } else { sum / f64::from(count) }
}

impl Cell {
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
        let scores = Scores::new(&rows);
        let dice = Metric::find("dice").unwrap();
        let sample = scores.sample("ssl", "blur-0", dice, "corrected").unwrap();
        assert_eq!((sample.means(), sample.seeds()), (vec![0.25, 0.75], 2));
        let summary = scores.summarise(&sample).unwrap();
        assert_eq!((summary.mean, summary.images, summary.seeds), (0.5, 2, 2));
        assert_eq!(scores.of_image("b", ["ssl", "blur-0", "corrected"], dice), Some(0.75));
        assert_eq!(scores.of_image("a", ["all-background", "", ""], dice), Some(0.125));
        assert_eq!(scores.sample("all-background", "", dice, "").unwrap().seeds(), 0);
        assert!(scores.sample("ssl", "blur-1", dice, "corrected").is_none());
    }
}
