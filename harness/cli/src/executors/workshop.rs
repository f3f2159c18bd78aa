//! The workshop: everything that a stage needs besides its own settings.

use super::origin::Origin;
use crate::{
    failure::{Failure, Outcome},
    progress::Progress,
};
use harness_images::datasets::{self, Pictures};
use harness_learn::device::Chosen;
use harness_record::{
    store::{State, Store},
    vocabulary::Purpose,
};
use harness_study::plan::PlannedStage;
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

/// Everything that a stage needs besides its own settings.
pub(crate) struct Workshop<'a> {
    pub(crate) store: &'a Store,
    pub(crate) data: &'a Path,
    pub(crate) device: &'a Chosen,
    pub(super) origin: Origin,
    /// Pictures by digest, size in pixels, and a flag that is true if they are for pretraining.
    loaded: Mutex<BTreeMap<(String, u32, bool), Arc<Pictures>>>,
}

impl<'a> Workshop<'a> {
    pub(crate) fn new(store: &'a Store, data: &'a Path, root: &Path, device: &'a Chosen) -> Self {
        Self { store, data, device, origin: Origin::of(root), loaded: Mutex::default() }
    }

    pub(super) fn is_done(&self, stage: &PlannedStage) -> Outcome<bool> {
        Ok(self.store.state(stage.settings.work.stage(), &stage.key)? == State::Done)
    }

    /// Returns true if the stage that this one builds on is done.
    pub(super) fn is_ready(&self, stage: &PlannedStage) -> Outcome<bool> {
        let Some((parent, key)) = stage.settings.work.parent() else { return Ok(true) };
        Ok(self.store.state(parent, key)? == State::Done)
    }

    /// Removes the checkpoint of a stage that is done. The stage needs it no more, and it is three times as large as
    /// the weights.
    ///
    /// The checkpoint is still there if an earlier process was killed right after it had marked the stage as done.
    pub(super) fn drop_checkpoint(&self, stage: &PlannedStage) {
        let run = self.store.run(stage.settings.work.stage(), &stage.key);
        let _ = std::fs::remove_dir_all(run.join("checkpoint"));
    }

    /// The pictures that a stage reads, each set decoded once in this process.
    pub(super) fn pictures(
        &self,
        stage: &PlannedStage,
        purpose: Purpose,
        progress: &Progress,
    ) -> Outcome<Arc<Pictures>> {
        let size = stage.settings.size;
        let id = (stage.settings.data.clone(), size, purpose == Purpose::Pretraining);
        // The lock is held while they are loaded: whoever wants the same pictures waits for them instead of decoding
        // them again.
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pictures) = loaded.get(&id) {
            return Ok(Arc::clone(pictures));
        }
        let start = Instant::now();
        let cache = self.store.cache();
        let survey = datasets::survey(&stage.dataset, purpose, self.data, &cache, progress)?;
        if survey.digest != stage.settings.data {
            return Err(Failure::Data("the data changed while the study was running; start it again".into()));
        }
        let pictures = datasets::load(&stage.dataset, purpose, &survey, self.data, &cache, size, progress)?;
        let (count, left_out) = (pictures.items.len(), pictures.left_out.len());
        let seconds = start.elapsed().as_secs_f64();
        let name = stage.dataset.name();
        progress.detail(&format!("{name}: {count} pictures ready after {seconds:.2} s, {left_out} files left out"));
        let pictures = Arc::new(pictures);
        loaded.insert(id, Arc::clone(&pictures));
        Ok(pictures)
    }
}
