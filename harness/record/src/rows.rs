//! Rows of the CSV tables. Floats are written as the shortest text that reads back to the same number.

use crate::{RecordError, Result, files};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::path::Path;

/// The most that is read of one table, in bytes: the full test set at five blur levels needs about 10 MB.
const LIMIT: u64 = 1 << 30;

/// One number of a stage: `metrics.csv`. Sorted by epoch, then in the order in which the stage produced them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricRow {
    /// Epoch, counted from 1; for an evaluation the epoch of the weights that were evaluated.
    pub epoch: u32,
    /// `train`, `validation` or `test`.
    pub split: String,
    /// Who predicted: `model`, or a baseline (`all-background`, `majority-class`).
    pub predictor: String,
    /// Under which condition the images were shown: `clean`, or `blur-0`, `blur-25`, …
    pub condition: String,
    /// Name of the metric: one of [`SCORES`], or what training adds to them: `commitment`, `perplexity`.
    pub metric: String,
    /// Its value: a mean over the split's images.
    pub value: f64,
}

/// Names of the scores of an [`ImageRow`], in the order of its columns.
pub const SCORES: [&str; 12] = [
    "loss",
    "soft_dice",
    "soft_iou",
    "accuracy",
    "dice",
    "iou",
    "dice_pet",
    "dice_background",
    "dice_border",
    "iou_pet",
    "iou_background",
    "iou_border",
];

/// Scores of one image: `per_image.csv`. A score that is not defined (a class that neither truth nor prediction
/// contains, the loss of a baseline) is an empty cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageRow {
    /// File name relative to the data set's folder.
    pub image: String,
    /// Breed (or class) of the image.
    pub group: String,
    /// `validation` or `test`.
    pub split: String,
    /// As in [`MetricRow`].
    pub predictor: String,
    /// As in [`MetricRow`].
    pub condition: String,
    /// Segmentation loss of this image under the stage's protocol (nats a pixel).
    pub loss: Option<f32>,
    /// Soft Dice of the published work: sigmoid over all channels, in 0..1.
    pub soft_dice: Option<f32>,
    /// Soft intersection over union, likewise.
    pub soft_iou: Option<f32>,
    /// Share of pixels whose arg-max class is right, in 0..1.
    pub accuracy: Option<f32>,
    /// Macro Dice: mean of the classes' Dice that are defined.
    pub dice: Option<f32>,
    /// Macro intersection over union: mean of the classes' that are defined.
    pub iou: Option<f32>,
    /// Dice of class pet.
    pub dice_pet: Option<f32>,
    /// Dice of class background.
    pub dice_background: Option<f32>,
    /// Dice of class border.
    pub dice_border: Option<f32>,
    /// Intersection over union of class pet.
    pub iou_pet: Option<f32>,
    /// Intersection over union of class background.
    pub iou_background: Option<f32>,
    /// Intersection over union of class border.
    pub iou_border: Option<f32>,
}

impl ImageRow {
    /// The score of that name (see [`SCORES`]); `None` if it is undefined for this image or no such score exists.
    pub fn score(&self, name: &str) -> Option<f32> {
        let at = SCORES.iter().position(|&s| s == name)?;
        [
            self.loss,
            self.soft_dice,
            self.soft_iou,
            self.accuracy,
            self.dice,
            self.iou,
            self.dice_pet,
            self.dice_background,
            self.dice_border,
            self.iou_pet,
            self.iou_background,
            self.iou_border,
        ][at]
    }
}

/// One file that a stage read: `files.csv`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRow {
    /// `train`, `validation`, `test`, `skipped` or `unused`.
    pub split: String,
    /// File name relative to the data set's folder.
    pub file: String,
    /// Breed or class.
    pub group: String,
    /// Why the file was skipped or not used; empty for files that were read.
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

/// Writes `rows` to `path` as CSV, whole or not at all.
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

    #[test]
    fn undefined_scores_survive_a_round_trip() {
        let row = ImageRow {
            image: "a, b.jpg".into(),
            group: "Bengal".into(),
            split: "test".into(),
            predictor: "model".into(),
            condition: "blur-25".into(),
            loss: None,
            soft_dice: Some(0.1),
            soft_iou: Some(1.0 / 3.0),
            accuracy: Some(1.0),
            dice: Some(0.5),
            iou: Some(0.25),
            dice_pet: Some(0.0),
            dice_background: None,
            dice_border: None,
            iou_pet: None,
            iou_background: None,
            iou_border: None,
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("per_image.csv");
        write(&path, std::slice::from_ref(&row)).unwrap();
        assert_eq!(read::<ImageRow>(&path).unwrap(), std::slice::from_ref(&row));
        assert_eq!(row.score("soft_iou"), Some(1.0 / 3.0));
        assert_eq!(row.score("nonsense"), None);
    }
}
