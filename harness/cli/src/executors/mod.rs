//! Runs stages: each takes its lock, works, and leaves its record.

mod evaluate;
mod finetune;
mod origin;
mod pretrain;
mod side_by_side;

use crate::{
    failure::{Failure, Outcome},
    progress::Progress,
};
use harness_images::datasets::{self, DataError, Pictures, Purpose};
use harness_learn::{
    device::Chosen,
    models::{InitSpec, Model},
    train::{self, Task, TrainError, Training},
};
use harness_record::{
    RecordError, digest, files,
    monitor::Monitor,
    rows::FileRow,
    run::file,
    store::{State, Store},
    table,
    vocabulary::{self, Key, PictureSheet},
};
use harness_study::plan::{Plan, Stage, Work};
use origin::Origin;
pub(crate) use side_by_side::Jobs;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

/// Everything that a stage needs besides its own settings.
pub(crate) struct Workshop<'a> {
    pub(crate) store: &'a Store,
    pub(crate) data: &'a Path,
    pub(crate) device: &'a Chosen,
    pub(crate) jobs: Jobs,
    origin: Origin,
    /// Pictures by digest, size in pixels, and a flag that is true if they are for pretraining.
    loaded: Mutex<BTreeMap<(String, u32, bool), Arc<Pictures>>>,
}

/// The file of a trained network's weights.
const WEIGHTS: &str = "weights.safetensors";

/// A stage that is being run.
struct Sitting<'a> {
    workshop: &'a Workshop<'a>,
    stage: &'a Stage,
    folder: Folder,
    progress: Progress,
}

/// The folder in which a stage puts its files.
struct Folder {
    path: PathBuf,
}

impl Folder {
    fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

/// Names of the files that a stage leaves, whose digests its record holds.
fn outputs(stage: vocabulary::Stage) -> Vec<&'static str> {
    match stage {
        vocabulary::Stage::Pretrain | vocabulary::Stage::Finetune => vec![file::FILES, file::METRICS, WEIGHTS],
        vocabulary::Stage::Evaluate => vec![
            file::FILES,
            file::METRICS,
            file::PER_IMAGE,
            file::BASELINES,
            file::CONFUSION,
            file::CALIBRATION,
            file::PICTURES,
            PictureSheet::Images.name(),
            PictureSheet::Masks.name(),
        ],
    }
}

/// The results of a stage's work, for its record.
struct Done {
    seconds: f64,
    parameters: u64,
    /// Epochs that were trained.
    epochs: u32,
    /// The epoch whose weights are kept.
    kept_epoch: u32,
}

impl<'a> Workshop<'a> {
    pub(crate) fn new(store: &'a Store, data: &'a Path, root: &Path, device: &'a Chosen, jobs: Jobs) -> Self {
        Self { store, data, device, jobs, origin: Origin::of(root), loaded: Mutex::default() }
    }

    /// Runs the missing stages of `plan`, as many side by side as [`Jobs`] allows. Stages that another process holds
    /// are left to it and awaited. When one fails, the others stop after their current step; they can go on from their
    /// last epoch.
    ///
    /// Do not call this from one of rayon's threads: the stages need them.
    pub(crate) fn run(&self, plan: &Plan, progress: &Progress) -> Outcome {
        side_by_side::run(self, plan, progress)
    }

    fn is_done(&self, stage: &Stage) -> Outcome<bool> {
        Ok(self.store.state(stage.settings.work.stage(), &stage.key)? == State::Done)
    }

    /// Returns true if the stage that this one builds on is done.
    fn is_ready(&self, stage: &Stage) -> Outcome<bool> {
        let Some((parent, key)) = stage.settings.work.parent() else { return Ok(true) };
        Ok(self.store.state(parent, key)? == State::Done)
    }

    /// Removes the checkpoint of a stage that is done. The stage needs it no more, and it is three times as large as
    /// the weights.
    ///
    /// The checkpoint is still there if an earlier process was killed right after it had marked the stage as done.
    fn drop_checkpoint(&self, stage: &Stage) {
        let run = self.store.run(stage.settings.work.stage(), &stage.key);
        let _ = std::fs::remove_dir_all(run.join("checkpoint"));
    }

    /// Runs a stage whose lock the caller holds.
    fn run_stage(&self, stage: &Stage, progress: Progress) -> Outcome {
        let folder = Folder { path: self.store.run(stage.settings.work.stage(), &stage.key) };
        let sitting = Sitting { workshop: self, stage, folder, progress };
        let name = stage.describe();
        sitting.progress.begin(&name, 1);
        let result = sitting.perform();
        if result.is_ok() {
            sitting.progress.advance(1);
        }
        sitting.progress.end();
        result.map_err(|failure| failure.during(name))
    }

    /// The pictures that a stage reads, each set decoded once in this process.
    fn pictures(&self, stage: &Stage, purpose: Purpose, progress: &Progress) -> Outcome<Arc<Pictures>> {
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
        let survey = datasets::survey(&stage.dataset, purpose, self.data, &cache, progress).map_err(data_failure)?;
        if survey.digest != stage.settings.data {
            return Err(Failure::Data("the data changed while the study was running; start it again".into()));
        }
        let pictures = datasets::load(&stage.dataset, purpose, &survey, self.data, &cache, size, progress)
            .map_err(data_failure)?;
        let (count, left_out) = (pictures.items.len(), pictures.left_out.len());
        let seconds = start.elapsed().as_secs_f64();
        let name = stage.dataset.name();
        progress.detail(&format!("{name}: {count} pictures ready after {seconds:.2} s, {left_out} files left out"));
        let pictures = Arc::new(pictures);
        loaded.insert(id, Arc::clone(&pictures));
        Ok(pictures)
    }
}

impl Sitting<'_> {
    fn perform(&self) -> Outcome {
        let Self { workshop, stage, folder, progress } = self;
        files::sweep(&folder.path)?;
        let mut host = workshop.origin.begin(workshop.device, &folder.path)?;
        host.write(&folder.path)?;
        progress.log_to(Some(&folder.file("log.txt"))).map_err(Failure::run)?;
        progress.log(&format!("{}: sitting {} on {}", stage.describe(), host.sittings, host.device));
        progress.detail(&format!("key {}, in {}", stage.key, folder.path.display()));
        let result = match &stage.settings.work {
            Work::Pretrain { .. } => self.pretrain(),
            Work::Finetune { .. } => self.finetune(),
            Work::Evaluate { .. } => self.evaluate(),
        };
        match &result {
            Ok(done) => progress.log(&format!("{}: done in {:.1} s of work", stage.describe(), done.seconds)),
            Err(failure) => progress.log(&format!("{}: stopped: {failure}", stage.describe())),
        }
        progress.log_to(None).map_err(Failure::run)?;
        let done = result?;
        host.seconds = done.seconds;
        host.ended = Some(origin::now());
        host.write(&folder.path)?;
        let mut record = origin::record(stage, workshop.device, &done)?;
        for name in outputs(stage.settings.work.stage()) {
            record.files.insert(name.to_owned(), digest::of_file(&folder.file(name))?);
        }
        // The record is written last: a run that has it is done.
        record.write(&folder.path)?;
        workshop.drop_checkpoint(stage);
        Ok(())
    }

    fn pictures(&self, purpose: Purpose) -> Outcome<Arc<Pictures>> {
        self.workshop.pictures(self.stage, purpose, &self.progress)
    }

    /// Trains `model` on `task` and saves it.
    fn train(&self, model: &Model, task: &dyn Task, training: Training<'_>) -> Outcome<Done> {
        let (settings, folder) = (&self.stage.settings, &self.folder);
        let checkpoint = folder.file("checkpoint");
        let progress = train::fit(model, task, training, &checkpoint, &mut keeper(folder), &self.progress)
            .map_err(train_failure)?;
        let weights = folder.file(WEIGHTS);
        model.save(&weights, settings.size, settings.normalise).map_err(Failure::run)?;
        Ok(Done {
            seconds: progress.seconds,
            parameters: model.parameter_count(),
            epochs: progress.epoch,
            kept_epoch: progress.kept_epoch,
        })
    }

    /// The network of the stage with its initial weights, drawn at random or read from a file.
    fn model(&self) -> Outcome<Model> {
        let settings = &self.stage.settings;
        let model = Model::new(&settings.model, settings.seed, &self.workshop.device.device).map_err(Failure::run)?;
        if let (Some((path, init)), Some(expected)) = (&self.stage.weights, &settings.init) {
            if digest::of_file(path)? != *expected {
                let text = format!("{} changed while the study was running; start it again", path.display());
                return Err(Failure::Data(text.into()));
            }
            let read = match init {
                InitSpec::Encoder(_) => model.load_encoder(path),
                InitSpec::Random | InitSpec::Checkpoint(_) => model.load(path),
            };
            read.map_err(Failure::data)?;
        }
        Ok(model)
    }

    /// Loads the weights of a finished stage into `model`.
    fn load_parent(&self, model: &Model, stage: vocabulary::Stage, key: &Key) -> Outcome {
        model.load(&self.workshop.store.run(stage, key).join(WEIGHTS)).map_err(Failure::data)
    }
}

/// Turns an error of a data set into a failure.
pub(crate) fn data_failure(error: DataError) -> Failure {
    match error {
        DataError::Interrupted => Failure::Interrupted,
        // The data are sound; something made from them, a pack or the cache, cannot be written.
        DataError::Record(error @ RecordError::Io { action: "write", .. }) => Failure::Record(error),
        other => Failure::data(other),
    }
}

fn train_failure(error: TrainError) -> Failure {
    match error {
        TrainError::Interrupted => Failure::Interrupted,
        TrainError::Record(error) => Failure::Record(error),
        damaged @ (TrainError::Weights(_) | TrainError::Checkpoint { .. }) => Failure::data(damaged),
        other => Failure::run(other),
    }
}

/// Returns a function that writes the metric rows after every epoch.
fn keeper(folder: &Folder) -> impl FnMut(&train::Progress) -> Result<(), TrainError> {
    let path = folder.file(file::METRICS);
    move |progress| Ok(table::write(&path, &progress.rows)?)
}

fn write_files(folder: &Folder, files: &[FileRow]) -> Outcome {
    Ok(table::write(&folder.file(file::FILES), files)?)
}
