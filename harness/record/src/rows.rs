//! Rows of the CSV tables of a run, and of the table that lists the runs of a study.

mod image;
mod pixels;

use crate::{
    metrics::{Counts, METRICS, Metric},
    vocabulary::{Condition, FileUse, Key, PictureContent, PictureSheet, Predictor, Protocol, Split, Stage},
};
use serde::{Deserialize, Serialize};

pub use crate::metrics::SCORES;
pub use pixels::{CalibrationRow, ConfusionRow};

/// One number of a stage: a row of `metrics.csv`. Rows are sorted by epoch, then in the order in which the stage
/// produced them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricRow {
    /// Epoch, counted from 1. For an evaluation, the epoch of the weights that were tested.
    pub epoch: u32,
    /// The images that were measured.
    pub split: Split,
    /// The predictor: the network or a baseline.
    pub predictor: Predictor,
    /// The condition under which the images were shown.
    pub condition: Condition,
    /// Name of the metric: one of [`SCORES`], or a measurement that only training makes: `commitment`, `perplexity`.
    pub metric: String,
    /// Its value: a mean over the split's images, or over its batches (see [`mean`]).
    pub value: f64,
}

/// Scores of one image: a row of `per_image.csv`, whose columns are [`ImageRow::COLUMNS`].
#[derive(Debug, Clone, PartialEq)]
pub struct ImageRow {
    /// File name relative to the data set's folder.
    pub image: String,
    /// Breed (or class) of the image.
    pub group: String,
    /// `validation` or `test`.
    pub split: Split,
    /// The predictor, as in [`MetricRow`].
    pub predictor: Predictor,
    /// The condition, as in [`MetricRow`].
    pub condition: Condition,
    /// Batch in which it was predicted, counted from 0 in its condition; empty for baselines. The rows of a batch are
    /// consecutive.
    pub batch: Option<u32>,
    /// Value of every metric, one column each.
    pub scores: Scores,
}

/// Value of every metric for one image. An undefined value is `None`, an empty cell. This happens for a class that
/// neither truth nor prediction contains, and for the loss of a baseline.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Scores([Option<f32>; SCORES.len()]);

impl Scores {
    /// The values that `value` gives for each metric.
    pub fn new(value: impl FnMut(&'static Metric) -> Option<f32>) -> Self {
        let mut value = value;
        let mut scores = Self::default();
        scores.0.iter_mut().zip(&METRICS).for_each(|(score, metric)| *score = value(metric));
        scores
    }

    /// All values, in the order of [`SCORES`].
    pub fn values(&self) -> &[Option<f32>; SCORES.len()] {
        &self.0
    }

    /// The values computed from the counts of an image.
    pub fn of(counts: &Counts) -> Self {
        Self::new(|metric| metric.value(counts).map(|value| value as f32))
    }
}

impl ImageRow {
    /// Columns that identify the image, in order. The metrics follow them.
    const PLACE: [&str; 6] = ["image", "group", "split", "predictor", "condition", "batch"];

    /// Names of all columns, in order: those that identify the image, then [`SCORES`].
    pub const COLUMNS: [&str; Self::PLACE.len() + SCORES.len()] = {
        let mut names = [""; Self::PLACE.len() + SCORES.len()];
        let (mut i, place) = (0, Self::PLACE);
        while i < names.len() {
            names[i] = if i < place.len() { place[i] } else { SCORES[i - place.len()] };
            i += 1;
        }
        names
    };

    /// The score of that name (see [`SCORES`]); `None` if it is undefined for this image or no such score exists.
    pub fn score(&self, name: &str) -> Option<f32> {
        self.scores.0[SCORES.iter().position(|&score| score == name)?]
    }
}

/// The values of `metric`: one for every image that has it, or, for a metric of batches, one for every batch. All
/// `rows` must be of one split, predictor and condition, in the order of `per_image.csv`.
pub fn measured<'a>(rows: &'a [ImageRow], metric: &'a Metric) -> impl Iterator<Item = f64> + 'a {
    let counts = move |&i: &usize| !metric.is_of_batch() || i == 0 || rows[i].batch != rows[i - 1].batch;
    (0..rows.len()).filter(counts).filter_map(|i| rows[i].score(metric.name)).map(f64::from)
}

/// Mean of the [`measured`] values. `None` if there are none.
pub fn mean(rows: &[ImageRow], metric: &Metric) -> Option<f64> {
    let values: Vec<f64> = measured(rows, metric).collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// A run and its use in a study: a row of `places.csv`. Arms and protocols can share a run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PlaceRow {
    /// Name of the arm.
    pub arm: String,
    /// The protocol. Empty if the stage is the same under both.
    pub protocol: Option<Protocol>,
    /// The seed.
    pub seed: u64,
    /// The stage.
    pub stage: Stage,
    /// The run.
    pub run: Key,
}

/// A picture of a tested image: a row of `pictures.csv`. It is a tile of a sheet, a PNG file of square tiles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PictureRow {
    /// The sheet that contains it.
    pub sheet: PictureSheet,
    /// Row of its tile in the sheet, counted from 0. Each image has a row.
    pub row: u32,
    /// Column of its tile, counted from 0.
    pub column: u32,
    /// The content of the picture.
    pub content: PictureContent,
    /// The condition. Empty for the truth.
    pub condition: Option<Condition>,
    /// File name of the image relative to the data set's folder.
    pub image: String,
    /// Its breed.
    pub group: String,
}

/// One file that a stage read: `files.csv`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRow {
    /// The use of the file.
    #[serde(rename = "split")]
    pub used: FileUse,
    /// File name relative to the data set's folder.
    pub file: String,
    /// Breed or class.
    pub group: String,
    /// The reason that the file was skipped or not used. Empty for files that were read.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RecordError, table};
    use std::path::Path;

    fn row(image: &str, batch: Option<u32>, scores: &[(&str, f32)]) -> ImageRow {
        let score = |metric: &Metric| scores.iter().find(|(name, _)| *name == metric.name).map(|(_, value)| *value);
        ImageRow {
            image: image.into(),
            group: "Bengal".into(),
            split: Split::Test,
            predictor: Predictor::Model,
            condition: Condition::Blur(25),
            batch,
            scores: Scores::new(score),
        }
    }

    #[test]
    fn undefined_scores_survive_a_round_trip() {
        let rows = [
            row("a, b.jpg", Some(3), &[("soft_dice", 0.1), ("soft_iou", 1.0 / 3.0), ("dice_pet", 0.0)]),
            row("c.jpg", None, &[]),
        ];
        let path = Path::new("per_image.csv");
        let text = String::from_utf8(table::to_csv(path, &rows).unwrap()).unwrap();
        let read = table::parse::<ImageRow>(path, text.as_bytes()).unwrap();
        assert_eq!(read.into_iter().map(|line| line.row).collect::<Vec<_>>(), rows);
        assert_eq!(rows[0].score("soft_iou"), Some(1.0 / 3.0));
        assert_eq!(rows[0].score("nonsense"), None);
        let mut lines = text.lines();
        assert_eq!(lines.next().unwrap(), ImageRow::COLUMNS.join(","));
        assert_eq!(lines.next().unwrap(), "\"a, b.jpg\",Bengal,test,model,blur-25,3,,0.1,0.33333334,,,,0.0,,,,,,,,,");
        assert_eq!(lines.next().unwrap(), "c.jpg,Bengal,test,model,blur-25,,,,,,,,,,,,,,,,,");
    }

    #[test]
    fn columns_have_any_order_and_other_ones_are_passed_over() {
        let read_back = |text: &str| {
            let lines = table::parse::<ImageRow>(Path::new("per_image.csv"), text.as_bytes())?;
            Ok::<_, RecordError>(lines.into_iter().map(|line| line.row).collect::<Vec<_>>())
        };
        let rows = read_back("dice,run,condition,predictor,split,group,image\n0.5,r,blur-25,model,test,Bengal,a\n");
        assert_eq!(rows.unwrap(), [row("a", None, &[("dice", 0.5)])]);
        let error = read_back("image,dice\na,0.5\n").unwrap_err().to_string();
        assert!(error.contains("per_image.csv") && error.contains("group"), "{error}");
        let whole = "image,group,split,predictor,condition,batch,dice\na,g,test,model,clean,";
        let error = read_back(&format!("{whole}0,high\n")).unwrap_err().to_string();
        assert!(error.contains("line: 2") && error.contains("float"), "{error}");
        let error = read_back(&format!("{}0,0.5\n", whole.replace("test", "tset"))).unwrap_err().to_string();
        assert!(error.contains("line: 2") && error.contains("tset"), "{error}");
        assert!(read_back(&format!("{whole}-1,0.5\n")).is_err() && read_back(&format!("{whole}0,\n")).is_ok());
    }

    #[test]
    fn a_batch_counts_once_however_many_images_it_has() {
        let of = |name| Metric::find(name).unwrap();
        let scored = |batch, dice, batch_dice| row("a", batch, &[("dice", dice), ("batch_dice", batch_dice)]);
        let rows = [scored(Some(0), 0.25, 0.5), scored(Some(0), 0.5, 0.5), scored(Some(1), 0.75, 1.0)];
        assert_eq!(mean(&rows, of("dice")), Some(0.5));
        assert_eq!(mean(&rows, of("batch_dice")), Some(0.75));
        assert_eq!(measured(&rows, of("batch_dice")).collect::<Vec<_>>(), [0.5, 1.0]);
        // A baseline has no batches, so a metric of batches has no value for it.
        let baseline = [row("a", None, &[("dice", 0.5)]), row("b", None, &[])];
        assert_eq!((mean(&baseline, of("dice")), mean(&baseline, of("batch_dice"))), (Some(0.5), None));
        assert_eq!(mean(&[], of("dice")), None);
    }
}
