//! `checkpoint/`: one file an epoch with all that going on needs. Only the newest is kept.

use super::TrainError;
use crate::{
    models::{Model, weights},
    optimizer::Adam,
};
use harness_record::{files, rows::MetricRow};
use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// The most that is read of a checkpoint, in bytes.
const LIMIT: u64 = 16 << 30;

/// How far a stage has come.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Epochs finished.
    pub epoch: u32,
    /// Rows of `metrics.csv` so far.
    pub rows: Vec<MetricRow>,
    /// Seconds of work so far.
    pub seconds: f64,
}

#[derive(Serialize, Deserialize)]
struct Header {
    progress: Progress,
    steps: u64,
    counters: BTreeMap<String, u64>,
}

/// The checkpoint of a stage.
pub(super) struct Checkpoint {
    folder: PathBuf,
}

impl Checkpoint {
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Writes the state after an epoch; an older state is deleted only when the new one is on the disk.
    pub(super) fn save(&self, model: &Model, optimizer: &Adam, progress: &Progress) -> Result<(), TrainError> {
        let path = self.folder.join(format!("epoch-{:06}.safetensors", progress.epoch));
        let header = Header { progress: progress.clone(), steps: optimizer.steps(), counters: model.counters() };
        let text = serde_json::to_string(&header).map_err(|e| wrong(&path, &e))?;
        let mut tensors = optimizer.tensors();
        tensors.extend(model.tensors().into_iter().map(|(name, tensor)| (format!("model.{name}"), tensor)));
        let older = self.files()?;
        files::write(&path, &weights::to_bytes(&path, &tensors, ("checkpoint", text))?)?;
        for file in older.iter().filter(|f| **f != path) {
            let _ = fs::remove_file(file); // a leftover is only space: the newest is what counts
        }
        Ok(())
    }

    /// Puts the newest state into model and optimiser; `None` where there is none.
    pub(super) fn restore(&self, model: &Model, optimizer: &mut Adam) -> Result<Option<Progress>, TrainError> {
        let Some(path) = self.files()?.pop() else { return Ok(None) };
        let bytes = files::read(&path, LIMIT)?;
        let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(|e| wrong(&path, &e))?;
        let text = metadata.metadata().as_ref().and_then(|m| m.get("checkpoint"));
        let text = text.ok_or_else(|| wrong(&path, &"it has no header"))?;
        let header: Header = serde_json::from_str(text).map_err(|e| wrong(&path, &e))?;
        let (mut weights, mut moments) = (BTreeMap::new(), BTreeMap::new());
        for (name, tensor) in weights::from_bytes(&path, &bytes)? {
            match name.strip_prefix("model.") {
                Some(rest) => weights.insert(rest.to_owned(), tensor),
                None => moments.insert(name, tensor),
            };
        }
        model.set_tensors(&path, &weights)?;
        model.set_counters(&header.counters);
        optimizer.restore(&moments, header.steps).map_err(|e| wrong(&path, &e))?;
        Ok(Some(header.progress))
    }

    /// Checkpoint files, oldest first.
    fn files(&self) -> Result<Vec<PathBuf>, TrainError> {
        if !self.folder.exists() {
            return Ok(Vec::new());
        }
        let io = |source| harness_record::RecordError::Io { action: "read", path: self.folder.clone(), source };
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(io)? {
            let path = entry.map_err(io)?.path();
            if path.extension().is_some_and(|x| x == "safetensors") {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }
}

fn wrong(path: &Path, reason: &dyn std::fmt::Display) -> TrainError {
    TrainError::Checkpoint { path: path.to_owned(), reason: reason.to_string() }
}
