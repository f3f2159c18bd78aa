//! `checkpoint/`: one file per epoch with everything needed to resume. Only the newest is kept.

use super::{
    TrainError,
    schedule::Plateau,
    session::{Best, Progress, Session, Weights},
    spec::KeepSpec,
};
use crate::models::weights;
use candle_core::Tensor;
use harness_record::files;
use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// The largest checkpoint that is read, in bytes.
const LIMIT: u64 = 16 << 30;

#[derive(Serialize, Deserialize)]
struct Header {
    progress: Progress,
    steps: u64,
    counters: BTreeMap<String, u64>,
    plateau: Plateau,
    best_epoch: u32,
    best_loss: Option<f64>,
    /// Counters of the best weights, if the file contains those weights.
    best_counters: Option<BTreeMap<String, u64>>,
}

/// The checkpoints of a stage.
pub(super) struct Checkpoint {
    folder: PathBuf,
}

impl Checkpoint {
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Writes the state after an epoch. The previous state is deleted only when the new one is on disk.
    pub(super) fn save(&self, session: &Session<'_>) -> Result<(), TrainError> {
        let Session { model, optimizer, rate, best, progress, .. } = session;
        let path = self.folder.join(format!("epoch-{:06}.safetensors", progress.epoch));
        // If this epoch is the best, its weights are the model's and need no second copy.
        let earlier = best.weights.as_ref().filter(|_| best.epoch < progress.epoch);
        let header = Header {
            progress: progress.clone(),
            steps: optimizer.steps(),
            counters: model.counters(),
            plateau: rate.plateau.clone(),
            best_epoch: best.epoch,
            best_loss: best.loss,
            best_counters: earlier.map(|weights| weights.counters.clone()),
        };
        let text = serde_json::to_string(&header).map_err(|e| wrong(&path, &e))?;
        let mut tensors = optimizer.tensors();
        let named = |prefix: &'static str| move |(name, tensor)| (format!("{prefix}.{name}"), tensor);
        tensors.extend(model.tensors().into_iter().map(named("model")));
        tensors.extend(earlier.into_iter().flat_map(|weights| weights.tensors.clone()).map(named("best")));
        let older = self.files()?;
        files::write(&path, &weights::to_bytes(&path, &tensors, ("checkpoint", text))?)?;
        for file in older.iter().filter(|f| **f != path) {
            let _ = fs::remove_file(file); // a leftover only takes space, because the newest counts
        }
        Ok(())
    }

    /// Restores `session` from the newest state; returns true if there is one.
    pub(super) fn restore(&self, session: &mut Session<'_>) -> Result<bool, TrainError> {
        let Some(path) = self.files()?.pop() else { return Ok(false) };
        let bytes = files::read(&path, LIMIT)?;
        let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(|e| wrong(&path, &e))?;
        let text = metadata.metadata().as_ref().and_then(|m| m.get("checkpoint"));
        let text = text.ok_or_else(|| wrong(&path, &"it has no header"))?;
        let header: Header = serde_json::from_str(text).map_err(|e| wrong(&path, &e))?;
        let mut tensors = Groups::of(weights::from_bytes(&path, &bytes)?);
        let now = Weights { tensors: tensors.take("model"), counters: header.counters };
        now.put_into(session.model, &path)?;
        let earlier = tensors.take("best");
        session.optimizer.restore(&tensors.0, header.steps).map_err(|e| wrong(&path, &e))?;
        session.rate.plateau = header.plateau;
        let best = match header.best_counters {
            Some(counters) => Some(Weights { tensors: earlier, counters }),
            None => Some(now).filter(|_| session.training.keep == KeepSpec::Best),
        };
        session.best = Best { epoch: header.best_epoch, loss: header.best_loss, weights: best };
        session.progress = header.progress;
        Ok(true)
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

/// The tensors of a checkpoint: the model's under `model.`, its best state's under `best.`, and the optimiser's.
struct Groups(BTreeMap<String, Tensor>);

impl Groups {
    fn of(tensors: BTreeMap<String, Tensor>) -> Self {
        Self(tensors)
    }

    /// Removes and returns the tensors under `prefix.`, by the rest of their names.
    fn take(&mut self, prefix: &str) -> BTreeMap<String, Tensor> {
        let start = format!("{prefix}.");
        let (taken, left) = std::mem::take(&mut self.0).into_iter().partition(|(name, _)| name.starts_with(&start));
        self.0 = left;
        let taken: BTreeMap<String, Tensor> = taken;
        taken.into_iter().map(|(name, tensor)| (name[start.len()..].to_owned(), tensor)).collect()
    }
}

fn wrong(path: &Path, reason: &dyn std::fmt::Display) -> TrainError {
    TrainError::Checkpoint { path: path.to_owned(), reason: reason.to_string() }
}
