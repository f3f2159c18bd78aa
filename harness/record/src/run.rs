//! `run.json`: the record of one execution of a stage.

use crate::{RecordError, Result, files};
use serde::{Deserialize, Serialize};
use std::path::Path;

const LIMIT: u64 = 16 << 20;

/// The state of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Started but not finished: running now, or interrupted and to be resumed.
    Running,
    /// Finished, with all files in place.
    Done,
}

/// The description of a run beside its numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Key of the stage: SHA-256 of its canonical settings.
    pub key: String,
    /// `pretrain`, `finetune` or `evaluate`.
    pub kind: String,
    /// Running or done.
    pub status: Status,
    /// Keys of the stages that it builds on.
    pub parents: Vec<String>,
    /// Seed of the study that this run was made with.
    pub seed: u64,
    /// `published` or `corrected`; `None` if the stage is the same under both.
    pub protocol: Option<String>,
    /// Device that it ran on, and the precision unless it is f32: `cpu`, `cuda:0`, `cuda:0 in bf16`.
    pub device: String,
    /// True if the device guarantees the same bits on a second run.
    pub deterministic: bool,
    /// Number of threads (does not affect the numbers).
    pub threads: usize,
    /// Digest of its data.
    pub data: String,
    /// Trainable parameters of the model.
    pub parameters: u64,
    /// Number of trained epochs; for a test, those of the tested weights.
    #[serde(default)]
    pub epochs: Option<u32>,
    /// The epoch whose weights were kept.
    #[serde(default)]
    pub kept_epoch: Option<u32>,
    /// Seconds of work, summed over all sittings.
    pub seconds: f64,
    /// Number of sittings: 1 for a run that was never interrupted.
    pub sittings: u32,
    /// Start of the first sitting and end of the last, seconds since 1970 (UTC).
    pub started: u64,
    /// See `started`; `None` while the run is running.
    pub ended: Option<u64>,
    /// Name of the machine.
    pub host: String,
    /// The command line, as typed.
    pub command: Vec<String>,
    /// Commit of the checkout, if it ran in one.
    pub commit: Option<String>,
    /// True if that checkout had uncommitted changes.
    pub dirty: bool,
    /// The algorithms that a library chose for convolutions until the end of the run, one line each; none on the CPU.
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

    /// Writes `run.json` atomically.
    pub fn write(&self, path: &Path) -> Result<()> {
        let mut text =
            serde_json::to_vec_pretty(self).map_err(|source| RecordError::Json { path: path.to_owned(), source })?;
        text.push(b'\n');
        files::write(path, &text)
    }
}
