//! `runs.json`: the runs of a study, and the places that they take in it.

use super::lines::json;
use crate::error::ReportError;
use harness_record::{digest, run::RunRecord};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::Path};

/// The protocol of a run that is the same under every protocol.
pub const ANY_PROTOCOL: &str = "any";

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

/// The runs of a study, whose keys name files.
pub(crate) fn read_runs(path: &Path) -> Result<Vec<RunInput>, ReportError> {
    let runs: Vec<RunInput> = json(path)?;
    match runs.iter().find(|run| !is_key(&run.record.key)) {
        Some(run) => Err(ReportError::Key { path: path.to_owned(), key: run.record.key.clone() }),
        None => Ok(runs),
    }
}

/// Whether a key could be that of a run: what names a file must not lead out of its folder.
pub(crate) fn is_key(key: &str) -> bool {
    key.len() == digest::of_bytes(b"").len() && key.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_digest_is_a_key() {
        assert!(is_key(&digest::of_bytes(b"a")));
        assert!(!is_key("../../x") && !is_key(""));
    }
}
