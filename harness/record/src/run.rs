//! The record of a run: `run.json` holds all that decides its numbers and what came out, `host.json` what merely happened.

use crate::{
    RecordError, Result, files,
    vocabulary::{Key, Protocol, Stage},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{collections::BTreeMap, path::Path};

const LIMIT: u64 = 16 << 20;

/// Names of the files in a run's folder.
pub mod file {
    /// [`RunRecord`](super::RunRecord), JSON. It appears last: a run that has it is done.
    pub const RUN: &str = "run.json";
    /// [`HostRecord`](super::HostRecord), JSON. It appears first.
    pub const HOST: &str = "host.json";
    /// Rows are [`MetricRow`](crate::rows::MetricRow).
    pub const METRICS: &str = "metrics.csv";
    /// The network's scores of every image; rows are [`ImageRow`](crate::rows::ImageRow). Only of an evaluation, as all below.
    pub const PER_IMAGE: &str = "per_image.csv";
    /// The baselines' scores of every image; rows are [`ImageRow`](crate::rows::ImageRow).
    pub const BASELINES: &str = "baselines.csv";
    /// Rows are [`ConfusionRow`](crate::rows::ConfusionRow).
    pub const CONFUSION: &str = "confusion.csv";
    /// Rows are [`CalibrationRow`](crate::rows::CalibrationRow).
    pub const CALIBRATION: &str = "calibration.csv";
    /// Rows are [`PictureRow`](crate::rows::PictureRow): what the tiles of the two sheets are.
    pub const PICTURES: &str = "pictures.csv";
    /// Files that the stage read; rows are [`FileRow`](crate::rows::FileRow). It stays in the store.
    pub const FILES: &str = "files.csv";
}

/// All that decides the numbers of a run, and what came out: `run.json`. Equal settings on equal devices give equal bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Key of the stage: SHA-256 of `settings`.
    pub key: Key,
    /// The stage.
    pub stage: Stage,
    /// Keys of the stages it builds on.
    pub parents: Vec<Key>,
    /// Seed of the study that this run was made with.
    pub seed: u64,
    /// `None` where the stage is the same under both.
    pub protocol: Option<Protocol>,
    /// Kind of the device, and the precision where it is not f32: `cpu`, `cuda`, `cuda in bf16`.
    pub device: String,
    /// Whether the device promises the same bits on a second run.
    pub deterministic: bool,
    /// Digest of the data it read.
    pub data: String,
    /// Trainable parameters of the network.
    pub parameters: u64,
    /// Epochs that were trained; for a test those of the weights that were tested.
    pub epochs: u32,
    /// The epoch whose weights were kept.
    pub kept_epoch: u32,
    /// The algorithms that a library chose for convolutions up to the run's end, one line for each; none on the CPU.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub algorithms: Vec<String>,
    /// Versions that the numbers depend on: `recipe`, `candle`, `pixels`.
    pub versions: BTreeMap<String, String>,
    /// The canonical settings.
    pub settings: serde_json::Value,
    /// SHA-256 of each file that came out, by its name in the run's folder.
    pub files: BTreeMap<String, String>,
}

/// Where and when a run was made: `host.json`. None of it changes the numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HostRecord {
    /// Name of the machine; `None` where it was not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Its operating system and architecture: `linux x86_64`.
    pub system: String,
    /// The device in words: `cpu`, `cuda:0`.
    pub device: String,
    /// Threads used; `None` where that was not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<usize>,
    /// Version of this program.
    pub harness: String,
    /// Commit of the checkout it was run in, if it was one.
    pub commit: Option<String>,
    /// Whether that checkout had uncommitted changes.
    pub dirty: bool,
    /// The command line as typed. It stays in the store, because it names folders of the user's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Number of sittings: 1 for a run that was never interrupted.
    pub sittings: u32,
    /// Seconds of work, added up over all sittings.
    pub seconds: f64,
    /// Start of the first sitting, in seconds since 1970 (UTC); `None` where it was not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<u64>,
    /// End of the last sitting, likewise; `None` while it is not done as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<u64>,
}

impl RunRecord {
    /// Reads `run.json` of the run in `folder`.
    pub fn read(folder: &Path) -> Result<Self> {
        read(&folder.join(file::RUN))
    }

    /// Writes `run.json` into `folder`, whole or not at all.
    pub fn write(&self, folder: &Path) -> Result<()> {
        write(&folder.join(file::RUN), self)
    }
}

impl HostRecord {
    /// Reads `host.json` of the run in `folder`.
    pub fn read(folder: &Path) -> Result<Self> {
        read(&folder.join(file::HOST))
    }

    /// Writes `host.json` into `folder`, whole or not at all.
    pub fn write(&self, folder: &Path) -> Result<()> {
        write(&folder.join(file::HOST), self)
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let data = files::read(path, LIMIT)?;
    serde_json::from_slice(&data).map_err(|source| RecordError::Json { path: path.to_owned(), source })
}

fn write<T: Serialize>(path: &Path, record: &T) -> Result<()> {
    let mut text =
        serde_json::to_vec_pretty(record).map_err(|source| RecordError::Json { path: path.to_owned(), source })?;
    text.push(b'\n');
    files::write(path, &text)
}
