//! Rows of the CSV tables. Floats are written as the shortest text that reads back to the same number.

mod image;
mod pixels;

use crate::{
    RecordError, Result, files,
    metrics::{Counts, METRICS, Metric},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::path::Path;

pub use crate::metrics::SCORES;
pub use pixels::{CalibrationRow, ConfusionRow};

/// The largest table that is read, in bytes. The full test set at five blur levels needs about 10 MB.
const LIMIT: u64 = 1 << 30;

/// A row of `metrics.csv`: one number of a stage. Rows are sorted by epoch, then in the order in which the stage produced them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricRow {
    /// Epoch, counted from 1. For an evaluation, the epoch of the evaluated weights.
    pub epoch: u32,
    /// `train`, `validation` or `test`.
    pub split: String,
    /// The predictor: `model`, or a baseline (`all-background`, `majority-class`).
    pub predictor: String,
    /// The condition of the images: `clean`, or `blur-0`, `blur-25`, …
    pub condition: String,
    /// Name of the metric: one of [`SCORES`], or a further metric of training: `commitment`, `perplexity`.
    pub metric: String,
    /// Its value: a mean over the split's images, or over its batches (see [`mean`]).
    pub value: f64,
}

/// A row of `per_image.csv`: the scores of one image. The columns are [`ImageRow::COLUMNS`].
#[derive(Debug, Clone, PartialEq)]
pub struct ImageRow {
    /// File name relative to the data set's folder.
    pub image: String,
    /// Breed (or class) of the image.
    pub group: String,
    /// `validation` or `test`.
    pub split: String,
    /// See [`MetricRow`].
    pub predictor: String,
    /// See [`MetricRow`].
    pub condition: String,
    /// The batch in which it was predicted, counted from 0 within its condition; empty for baselines. The rows of a batch are
    /// consecutive.
    pub batch: Option<u32>,
    /// Values of all metrics, one column each.
    pub scores: Scores,
}

/// The values of all metrics for one image. An undefined value (of a class in neither truth nor prediction, or the loss of a
/// baseline) is `None`, an empty cell.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Scores([Option<f32>; SCORES.len()]);

impl Scores {
    /// Collects the values that `value` gives for each metric.
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
    /// The columns that identify the image, in order; the metrics follow.
    const PLACE: [&str; 6] = ["image", "group", "split", "predictor", "condition", "batch"];

    /// Names of all columns, in order: first those that identify the image, then [`SCORES`].
    pub const COLUMNS: [&str; Self::PLACE.len() + SCORES.len()] = {
        let mut names = [""; Self::PLACE.len() + SCORES.len()];
        let (mut i, place) = (0, Self::PLACE);
        while i < names.len() {
            names[i] = if i < place.len() { place[i] } else { SCORES[i - place.len()] };
            i += 1;
        }
        names
    };

    /// The score with this name (see [`SCORES`]); `None` if it is undefined for this image or does not exist.
    pub fn score(&self, name: &str) -> Option<f32> {
        self.scores.0[SCORES.iter().position(|&score| score == name)?]
    }
}

/// The measured values of `metric`: of each image that has one, or, for a metric of batches, of each batch once. All `rows`
/// must have the same split, predictor and condition, and the order of `per_image.csv`.
pub fn measured<'a>(rows: &'a [ImageRow], metric: &'a Metric) -> impl Iterator<Item = f64> + 'a {
    let counts = move |&i: &usize| !metric.is_of_batch() || i == 0 || rows[i].batch != rows[i - 1].batch;
    (0..rows.len()).filter(counts).filter_map(|i| rows[i].score(metric.name)).map(f64::from)
}

/// Mean of the [`measured`] values; `None` if there are none.
pub fn mean(rows: &[ImageRow], metric: &Metric) -> Option<f64> {
    let values: Vec<f64> = measured(rows, metric).collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// A row of `files.csv`: one file that a stage read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRow {
    /// `train`, `validation`, `test`, `skipped` or `unused`.
    pub split: String,
    /// File name relative to the data set's folder.
    pub file: String,
    /// Breed or class.
    pub group: String,
    /// The reason why the file was skipped or not used; empty for files that were read.
    pub reason: String,
}

/// The CSV text of `rows`, with a header line.
pub fn to_csv<T: Serialize>(path: &Path, rows: &[T]) -> Result<Vec<u8>> {
    let wrap = |source| RecordError::Csv { path: path.to_owned(), source };
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.serialize(row).map_err(wrap)?;
    }
    writer.into_inner().map_err(|e| wrap(e.into_error().into()))
}

/// Writes `rows` to `path` as CSV, atomically.
pub fn write<T: Serialize>(path: &Path, rows: &[T]) -> Result<()> {
    files::write(path, &to_csv(path, rows)?)
}

/// Reads all rows of the CSV file at `path`.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let data = files::read(path, LIMIT)?;
    csv::Reader::from_reader(data.as_slice())
        .into_deserialize()
        .collect::<std::result::Result<_, _>>()
        .map_err(|source| RecordError::Csv { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(image: &str, batch: Option<u32>, scores: &[(&str, f32)]) -> ImageRow {
        let score = |metric: &Metric| scores.iter().find(|(name, _)| *name == metric.name).map(|(_, value)| *value);
        ImageRow {
            image: image.into(),
            group: "Bengal".into(),
            split: "test".into(),
            predictor: "model".into(),
            condition: "blur-25".into(),
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
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("per_image.csv");
        write(&path, &rows).unwrap();
        assert_eq!(read::<ImageRow>(&path).unwrap(), rows);
        assert_eq!(rows[0].score("soft_iou"), Some(1.0 / 3.0));
        assert_eq!(rows[0].score("nonsense"), None);
        let text = std::fs::read_to_string(&path).unwrap();
        let mut lines = text.lines();
        assert_eq!(lines.next().unwrap(), ImageRow::COLUMNS.join(","));
        assert_eq!(lines.next().unwrap(), "\"a, b.jpg\",Bengal,test,model,blur-25,3,,0.1,0.33333334,,,,0.0,,,,,,,,,");
        assert_eq!(lines.next().unwrap(), "c.jpg,Bengal,test,model,blur-25,,,,,,,,,,,,,,,,,");
    }

    #[test]
    fn columns_have_any_order_and_other_ones_are_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("per_image.csv");
        let read_back = |text: &str| {
            std::fs::write(&path, text).unwrap();
            read::<ImageRow>(&path)
        };
        let rows = read_back("dice,run,condition,predictor,split,group,image\n0.5,r,blur-25,model,test,Bengal,a\n");
        assert_eq!(rows.unwrap(), [row("a", None, &[("dice", 0.5)])]);
        let error = read_back("image,dice\na,0.5\n").unwrap_err().to_string();
        assert!(error.contains("per_image.csv") && error.contains("group"), "{error}");
        let whole = "image,group,split,predictor,condition,batch,dice\na,g,test,model,clean,";
        let error = read_back(&format!("{whole}0,high\n")).unwrap_err().to_string();
        assert!(error.contains("line: 2") && error.contains("float"), "{error}");
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
        // A baseline has no batches, and therefore no value of one.
        let baseline = [row("a", None, &[("dice", 0.5)]), row("b", None, &[])];
        assert_eq!((mean(&baseline, of("dice")), mean(&baseline, of("batch_dice"))), (Some(0.5), None));
        assert_eq!(mean(&[], of("dice")), None);
    }
}
