//! The files of `reports/<profile>/<study>/data/`: all that a report is rendered from.
//!
//! The runner writes them, this crate reads them. JSON for what is nested, CSV for what is long. See [`mod@file`] for the names.

mod changes;
mod datasets;
mod pixels;
mod published;

pub use changes::{ChangedFigure, ChangesInput};
pub use datasets::{DatasetInput, GroupCount, RepeatedInput, SplitCount};
pub use pixels::{CalibrationInput, ConfusionInput};
pub use published::{PublishedRow, PublishedVerdict, published_csv};

use crate::spec::ReportSpec;
use harness_record::{
    RecordError,
    rows::{ImageRow, MetricRow},
    run::RunRecord,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::Path};

/// Names of the files in the data folder.
pub mod file {
    /// [`StudyInput`](super::StudyInput), JSON.
    pub const STUDY: &str = "study.json";
    /// A list of [`RunInput`](super::RunInput), JSON.
    pub const RUNS: &str = "runs.json";
    /// A list of [`DatasetInput`](super::DatasetInput), JSON.
    pub const DATASETS: &str = "datasets.json";
    /// Rows of [`MetricInput`](super::MetricInput), CSV.
    pub const METRICS: &str = "metrics.csv";
    /// Rows of [`ImagePrefix`](super::ImagePrefix) and then [`ImageRow`](harness_record::rows::ImageRow), CSV.
    pub const PER_IMAGE: &str = "per_image.csv";
    /// Rows of [`PublishedRow`](super::PublishedRow) or of [`PublishedVerdict`](super::PublishedVerdict), CSV.
    pub const PUBLISHED: &str = "published.csv";
    /// Rows of [`GalleryRow`](super::GalleryRow), CSV; its pictures lie beside it.
    pub const GALLERY: &str = "gallery/index.csv";
    /// Rows of [`ConfusionInput`](super::ConfusionInput), CSV.
    pub const CONFUSION: &str = "confusion.csv";
    /// Rows of [`CalibrationInput`](super::CalibrationInput), CSV.
    pub const CALIBRATION: &str = "calibration.csv";
    /// [`ChangesInput`](super::ChangesInput), JSON; absent where nothing was collected before.
    pub const CHANGES: &str = "changes.json";
    /// Folder with the settings of each run and the end of its log.
    pub const RUN_FOLDER: &str = "runs";
    /// All of them that are written for every study, in the order in which they are listed.
    pub const ALL: [&str; 9] = [CALIBRATION, CONFUSION, DATASETS, GALLERY, METRICS, PER_IMAGE, PUBLISHED, RUNS, STUDY];

    /// Name of the file with a run's settings, YAML.
    pub fn run_spec(key: &str) -> String {
        format!("{}.yaml", short(key))
    }

    /// Name of the file with the end of a run's log, text.
    pub fn run_log(key: &str) -> String {
        format!("{}.log", short(key))
    }

    /// The first eight characters of a key, which is how runs are called in reports.
    pub fn short(key: &str) -> &str {
        key.char_indices().nth(8).map_or(key, |(end, _)| &key[..end])
    }
}

/// The protocol of a run that is the same under every protocol.
pub const ANY_PROTOCOL: &str = "any";

/// Which data the study ran on: decides the banner, and whether published figures can be compared. It follows from the spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Setting {
    /// The full data at the published size.
    Full,
    /// The published settings on other images than the published ones.
    Other,
    /// A small sample of real photographs.
    Sample,
    /// Pets drawn by the program.
    Synthetic,
    /// It cannot be told: the data are not of today's spec.
    Unknown,
}

/// `study.json`: what was asked, and of what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StudyInput {
    /// Name of the study: the stem of its YAML file.
    pub study: String,
    /// Title of the report.
    pub title: String,
    /// The question, a sentence.
    pub question: String,
    /// What was expected before the first run, a sentence.
    pub expectation: String,
    /// Profile that was run.
    pub profile: String,
    /// Which data it ran on: a note, not what a report is rendered with.
    pub setting: Setting,
    /// Command that makes this report.
    pub command: String,
    /// Protocols in the order of the report: `published`, `corrected`.
    pub protocols: Vec<String>,
    /// Seeds.
    pub seeds: Vec<u64>,
    /// Arms in the order of the tables.
    pub arms: Vec<ArmInput>,
    /// Conditions under which the arms were tested, in the order of the tables; the first is the default.
    pub conditions: Vec<ConditionInput>,
    /// Names of the classes, by index.
    pub classes: Vec<String>,
    /// Settings in words, for the methods section.
    pub settings: Vec<ArmSettings>,
    /// Whether every device promised the same bits on a second run.
    pub deterministic: bool,
    /// Sentences that a reader must know before any figure: what differs from the published work.
    #[serde(default)]
    pub notes: Vec<String>,
    /// The `report:` section of the spec.
    pub report: ReportSpec,
}

/// An arm in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArmInput {
    /// Name in claims and tables of data.
    pub name: String,
    /// Short label of tables and charts.
    pub label: String,
    /// A sentence on what it does.
    pub description: String,
    /// Its network, as the printed tables call it: `vqvae`, `segnet`, `linknet`. Empty where it is not known.
    #[serde(default)]
    pub model: String,
    /// How the published work measured its Dice and intersection over union.
    #[serde(default)]
    pub family: Family,
}

/// How the published work measured the Dice and intersection over union of a network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Soft, from the sigmoid of every output, as a mean over images: the VQ-VAE and SegNet.
    #[default]
    Soft,
    /// Macro over the classes of a batch's arg-max, as a mean over batches: LinkNet.
    Batch,
}

/// A condition in words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConditionInput {
    /// Name in claims and tables of data: `blur-25`.
    pub name: String,
    /// Short label of tables and charts: `25 %`.
    pub label: String,
    /// Place on the horizontal axis; where one is missing, conditions stand at equal distances.
    #[serde(default)]
    pub value: Option<f64>,
    /// What was done to the images: `radius 2 px`.
    #[serde(default)]
    pub detail: String,
}

/// Settings of an arm in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArmSettings {
    /// Name of the arm.
    pub arm: String,
    /// Its stages, first to last.
    pub stages: Vec<StageSettings>,
}

/// Settings of a stage in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageSettings {
    /// `pretrain`, `finetune` or `evaluate`.
    pub stage: String,
    /// Pairs of a name and a value: `("epochs", "100")`.
    pub lines: Vec<(String, String)>,
}

/// One entry of `runs.json`: a run, and the place it takes in the study. A shared run appears once for every place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunInput {
    /// Name of the arm.
    pub arm: String,
    /// Name of the protocol, or [`ANY_PROTOCOL`].
    pub protocol: String,
    /// Seed.
    pub seed: u64,
    /// `pretrain`, `finetune` or `evaluate`.
    pub stage: String,
    /// What is known of the run.
    pub record: RunSummary,
}

/// A [`RunRecord`] without host, command and times, which would change bytes and tell nothing about the numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    /// Key of the stage.
    pub key: String,
    /// Kind of the stage.
    pub kind: String,
    /// Keys of the stages it builds on.
    #[serde(default)]
    pub parents: Vec<String>,
    /// Device in words.
    pub device: String,
    /// Whether the device promises the same bits on a second run.
    pub deterministic: bool,
    /// Digest of the data it read.
    #[serde(default)]
    pub data: String,
    /// Trainable parameters of the model.
    #[serde(default)]
    pub parameters: u64,
    /// Seconds of work.
    pub seconds: f64,
    /// Epochs that were trained; `None` where nothing was.
    #[serde(default)]
    pub epochs: Option<u32>,
    /// Epoch whose weights were kept, counted from 1; `None` means the last.
    #[serde(default)]
    pub kept_epoch: Option<u32>,
    /// Commit of the checkout, if it was one.
    #[serde(default)]
    pub commit: Option<String>,
    /// Whether the checkout had uncommitted changes.
    #[serde(default)]
    pub dirty: bool,
    /// Versions that the numbers depend on.
    #[serde(default)]
    pub versions: BTreeMap<String, String>,
}

impl From<&RunRecord> for RunSummary {
    fn from(record: &RunRecord) -> Self {
        Self {
            key: record.key.clone(),
            kind: record.kind.clone(),
            parents: record.parents.clone(),
            device: record.device.clone(),
            deterministic: record.deterministic,
            data: record.data.clone(),
            parameters: record.parameters,
            seconds: record.seconds,
            epochs: record.epochs,
            kept_epoch: record.kept_epoch,
            commit: record.commit.clone(),
            dirty: record.dirty,
            versions: record.versions.clone(),
        }
    }
}

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

/// The first columns of `per_image.csv`: the place in the study of the run that an [`ImageRow`] comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImagePrefix {
    /// Name of the arm.
    pub arm: String,
    /// Name of the protocol.
    pub protocol: String,
    /// Seed.
    pub seed: u64,
    /// Full key of the run.
    pub run: String,
}

impl ImagePrefix {
    /// The place of `run`.
    pub fn new(run: &RunInput) -> Self {
        Self { arm: run.arm.clone(), protocol: run.protocol.clone(), seed: run.seed, run: run.record.key.clone() }
    }
}

/// The CSV text of `per_image.csv`.
pub fn per_image_csv<'a>(
    path: &Path,
    rows: impl IntoIterator<Item = &'a (ImagePrefix, ImageRow)>,
) -> Result<Vec<u8>, RecordError> {
    let wrap = |source| RecordError::Csv { path: path.to_owned(), source };
    // A header cannot be derived from nested structs, so it is written by hand.
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    let places = ["arm", "protocol", "seed", "run"];
    writer.write_record(places.iter().chain(&ImageRow::COLUMNS)).map_err(wrap)?;
    for row in rows {
        writer.serialize(row).map_err(wrap)?;
    }
    writer.into_inner().map_err(|e| wrap(e.into_error().into()))
}

/// What a picture of the gallery shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GalleryKind {
    /// The photograph under a condition: RGB.
    Image,
    /// The true classes: 8-bit grey, the class's index a pixel.
    Truth,
    /// The predicted classes, likewise.
    Prediction,
}

/// A row of `gallery/index.csv`. Cells that do not apply are empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GalleryRow {
    /// File name of the PNG, relative to `gallery/`.
    pub file: String,
    /// What it shows.
    pub kind: GalleryKind,
    /// File name of the photograph, as in [`ImageRow`].
    pub image: String,
    /// Its breed.
    pub group: String,
    /// Name of the condition; empty for the truth.
    pub condition: String,
    /// Name of the arm; only predictions have one.
    pub arm: String,
    /// Name of the protocol; only predictions have one.
    pub protocol: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn per_image_rows_have_one_header_of_all_columns() {
        let place = ImagePrefix { arm: "ssl".into(), protocol: "corrected".into(), seed: 0, run: "ab".into() };
        let row: ImageRow = serde_json::from_value(serde_json::json!({
            "image": "a.jpg", "group": "Bengal", "split": "test", "predictor": "model", "condition": "blur-0", "dice": 0.5
        }))
        .unwrap();
        let text = String::from_utf8(per_image_csv(Path::new("x"), [&(place, row)]).unwrap()).unwrap();
        let mut lines = text.lines();
        assert!(
            lines
                .next()
                .unwrap()
                .starts_with("arm,protocol,seed,run,image,group,split,predictor,condition,batch,loss,soft")
        );
        assert_eq!(lines.next().unwrap(), "ssl,corrected,0,ab,a.jpg,Bengal,test,model,blur-0,,,,,,0.5,,,,,,,,,,,");
    }
}
