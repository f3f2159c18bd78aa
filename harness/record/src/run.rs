//! `run.json`: the record of one execution of a stage.

use crate::{RecordError, Result, files};
use serde::{Deserialize, Serialize};
use std::path::Path;

const LIMIT: u64 = 16 << 20;

/// Whether a run has ended, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Started and not ended: running now, or interrupted and to be resumed.
    Running,
    /// Ended with all of its files in place.
    Done,
}

/// What is known of a run beside its numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Key of the stage: SHA-256 of its canonical settings.
    pub key: String,
    /// `pretrain`, `finetune` or `evaluate`.
    pub kind: String,
    /// Running or done.
    pub status: Status,
    /// Keys of the stages it builds on.
    pub parents: Vec<String>,
    /// Seed of the study that this run was made with.
    pub seed: u64,
    /// `published` or `corrected`; `None` where the stage is the same under both.
    pub protocol: Option<String>,
    /// Device it ran on, in words, and the precision where it is not f32: `cpu`, `cuda:0`, `cuda:0 in bf16`.
    pub device: String,
    /// Whether the device promises the same bits on a second run.
    pub deterministic: bool,
    /// Threads used (never changes the numbers).
    pub threads: usize,
    /// Digest of the data it read.
    pub data: String,
    /// Trainable parameters of the model.
    pub parameters: u64,
    /// Epochs that were trained; for a test those of the weights that were tested.
    #[serde(default)]
    pub epochs: Option<u32>,
    /// The epoch whose weights were kept.
    #[serde(default)]
    pub kept_epoch: Option<u32>,
    /// Seconds of work, added up over all sittings.
    pub seconds: f64,
    /// Number of sittings: 1 for a run that was never interrupted.
    pub sittings: u32,
    /// Start of the first sitting and end of the last, seconds since 1970 (UTC).
    pub started: u64,
    /// See `started`; `None` while running.
    pub ended: Option<u64>,
    /// Name of the machine.
    pub host: String,
    /// The command line as typed.
    pub command: Vec<String>,
    /// Commit of the checkout it was run in, if it was one.
    pub commit: Option<String>,
    /// Whether that checkout had uncommitted changes.
    pub dirty: bool,
    /// The algorithms that a library has chosen for convolutions up to the run's end, one line for each; none on the CPU.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub algorithms: Vec<String>,
    /// Versions that the numbers depend on: `harness`, `recipe`, `candle`, `decoder`, `os`, `arch`.
    pub versions: std::collections::BTreeMap<String, String>,
}

impl RunRecord {
    /// Reads `run.json`.
    pub fn read(path: &Path) -> Result<Self> {
        let data = files::read(path, LIMIT)?;
        serde_json::from_slice(&data).map_err(|source| RecordError::Json { path: path.to_owned(), source })
    }

    /// Writes `run.json`, whole or not at all.
    pub fn write(&self, path: &Path) -> Result<()> {
        let mut text =
            serde_json::to_vec_pretty(self).map_err(|source| RecordError::Json { path: path.to_owned(), source })?;
        text.push(b'\n');
        files::write(path, &text)
    }
}
