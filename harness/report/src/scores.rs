//! Scores by arm, protocol, condition and image, averaged over seeds.

use crate::{
    input::ImagePrefix,
    metric::{Family, Metric},
    spec::BASELINES,
    species::Species,
    statistics::{Summary, summarise},
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

/// Sums and counts over the seeds of one image under one cell.
type Sums = [(f64, u32); SCORES.len()];

/// The scores of every test image.
#[derive(Debug)]
pub(crate) struct Scores {
    /// File names of the test images, sorted; the others are indexed like it.
    images: Vec<String>,
    /// Species of each image, where its breed is known.
    species: Vec<Option<Species>>,
    cells: BTreeMap<Cell, Vec<Sums>>,
}

impl Scores {
    pub(crate) fn new(rows: &[(ImagePrefix, ImageRow)]) -> Self {
        let tested = || rows.iter().filter(|(_, row)| row.split == "test");
        let names: BTreeSet<_> = tested().map(|(_, row)| row.image.clone()).collect();
        let images: Vec<_> = names.into_iter().collect();
        let mut species = vec![None; images.len()];
        let mut cells: BTreeMap<Cell, Vec<Sums>> = BTreeMap::new();
        for (place, row) in tested() {
            let Some(cell) = Cell::of(place, row) else { continue };
            let sums = cells.entry(cell).or_insert_with(|| vec![Sums::default(); images.len()]);
            let Ok(image) = images.binary_search(&row.image) else { continue };
            species[image] = Species::of_breed(&row.group);
            for (name, (sum, count)) in SCORES.iter().zip(&mut sums[image]) {
                // A score that is not finite says nothing: it counts as undefined.
                if let Some(score) = row.score(name).filter(|s| s.is_finite()) {
                    *sum += f64::from(score);
                    *count += 1;
                }
            }
        }
        Self { images, species, cells }
    }

    /// Whether there are rows of a baseline.
    pub(crate) fn has_baseline(&self, name: &str) -> bool {
        self.cells.keys().any(|cell| cell.arm == name && cell.protocol.is_empty())
    }

    /// The values of one species' images; those of the others become undefined.
    pub(crate) fn only(&self, species: Species, mut values: Vec<f64>) -> Vec<f64> {
        let others = values.iter_mut().zip(&self.species).filter(|(_, of)| **of != Some(species));
        others.for_each(|(value, _)| *value = f64::NAN);
        values
    }

    /// File names of the test images, sorted.
    pub(crate) fn images(&self) -> &[String] {
        &self.images
    }

    /// One value an image, NaN where it is undefined; `None` if nothing was measured.
    pub(crate) fn values(&self, arm: &str, condition: &str, metric: &Metric, protocol: &str) -> Option<Vec<f64>> {
        let baseline = BASELINES.contains(&arm);
        let place = |text: &str| if baseline { String::new() } else { text.to_owned() };
        let cell = Cell { arm: arm.to_owned(), protocol: place(protocol), condition: place(condition) };
        let score = metric.score_index(protocol, Family::Soft);
        let values: Vec<_> = self.cells.get(&cell)?.iter().map(|sums| average(sums[score])).collect();
        values.iter().any(|v| !v.is_nan()).then_some(values)
    }

    /// Mean and interval of a cell; `None` if nothing was measured.
    pub(crate) fn summary(&self, arm: &str, condition: &str, metric: &Metric, protocol: &str) -> Option<Summary> {
        summarise(&self.values(arm, condition, metric, protocol)?)
    }

    /// The value of one image.
    pub(crate) fn of_image(&self, image: &str, [arm, condition, protocol]: [&str; 3], metric: &Metric) -> Option<f64> {
        let at = self.images.binary_search_by(|name| name.as_str().cmp(image)).ok()?;
        let value = self.values(arm, condition, metric, protocol)?[at];
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
        assert_eq!(scores.values("ssl", "blur-0", dice, "corrected").unwrap(), [0.25, 0.75]);
        assert_eq!(scores.summary("ssl", "blur-0", dice, "corrected").unwrap().mean, 0.5);
        assert_eq!(scores.of_image("b", ["ssl", "blur-0", "corrected"], dice), Some(0.75));
        assert_eq!(scores.of_image("a", ["all-background", "", ""], dice), Some(0.125));
        assert!(scores.values("ssl", "blur-1", dice, "corrected").is_none());
    }
}
