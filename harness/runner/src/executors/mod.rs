//! Running stages: each takes its lock, works, and leaves its record.

mod evaluate;
mod finetune;
mod origin;
mod pretrain;

use crate::{
    failure::{Failure, Outcome},
    plan::{Plan, Stage, Work},
    progress::Progress,
};
pub(crate) use evaluate::KeptPicture;
use harness_learn::{
    datasets::{self, DataError, Pictures, Purpose},
    device::Chosen,
    models::{InitSpec, Model},
    monitor::Monitor,
    train::{self, Task, TrainError, Training},
};
use harness_record::{
    digest, files,
    rows::{self, FileRow},
    run::{RunRecord, Status},
    store::{State, Store},
};
use origin::Origin;
use std::{
    cell::RefCell,
    collections::BTreeMap,
    path::{Path, PathBuf},
    rc::Rc,
    time::Duration,
};

/// How long to wait before looking again at stages that other processes work on.
const PATIENCE: Duration = Duration::from_millis(500);

/// What every stage needs.
pub(crate) struct Workshop<'a> {
    pub(crate) store: &'a Store,
    pub(crate) data: &'a Path,
    pub(crate) device: &'a Chosen,
    pub(crate) progress: &'a Progress,
    origin: Origin,
    loaded: RefCell<BTreeMap<(String, u32, bool), Rc<Pictures>>>,
}

/// Where a stage puts its files.
struct Folder {
    path: PathBuf,
}

impl Folder {
    fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

/// What a stage's work gave, for its record.
struct Done {
    seconds: f64,
    parameters: u64,
    /// Epochs that were trained.
    epochs: u32,
    /// The epoch whose weights are kept.
    kept_epoch: u32,
}

impl<'a> Workshop<'a> {
    pub(crate) fn new(
        store: &'a Store,
        data: &'a Path,
        root: &Path,
        device: &'a Chosen,
        progress: &'a Progress,
    ) -> Self {
        Self { store, data, device, progress, origin: Origin::of(root), loaded: RefCell::default() }
    }

    /// Runs what is missing of `plan`. Stages that another process holds are left to it and awaited.
    pub(crate) fn run(&self, plan: &Plan) -> Outcome {
        let mut waiting: Vec<&Stage> = Vec::new();
        for stage in &plan.stages {
            if self.state(stage)? != State::Done {
                waiting.push(stage);
            }
        }
        let total = waiting.len();
        let mut told = false;
        while !waiting.is_empty() {
            let mut left = Vec::new();
            let mut moved = false;
            for stage in waiting {
                if self.try_stage(stage, total)? {
                    moved = true;
                } else {
                    left.push(stage);
                }
            }
            waiting = left;
            if !waiting.is_empty() && !moved {
                if !told {
                    let names: Vec<String> = waiting.iter().map(|stage| stage.describe()).collect();
                    self.progress.log(&format!("waiting for another process: {}", names.join(", ")));
                    told = true;
                }
                std::thread::sleep(PATIENCE);
                if self.progress.stopped() {
                    return Err(Failure::Interrupted);
                }
            }
        }
        Ok(())
    }

    fn state(&self, stage: &Stage) -> Outcome<State> {
        Ok(self.store.state(stage.settings.work.kind(), &stage.key)?)
    }

    /// Runs a stage if its parent is done and no other process holds it; whether it is done now.
    fn try_stage(&self, stage: &Stage, total: usize) -> Outcome<bool> {
        let kind = stage.settings.work.kind();
        if let Some((parent_kind, parent)) = stage.settings.work.parent()
            && self.store.state(parent_kind, parent)? != State::Done
        {
            return Ok(false);
        }
        let Some(_lock) = self.store.lock(kind, &stage.key)? else { return Ok(false) };
        // Another process may have ended it since it was last looked at.
        let folder = Folder { path: self.store.run(kind, &stage.key) };
        let record = folder.file("run.json");
        if record.exists() && RunRecord::read(&record)?.status == Status::Done {
            return Ok(true);
        }
        let name = stage.describe();
        self.progress.begin(&name, 1);
        self.perform(stage, &folder).map_err(|failure| failure.during(format!("{name} ({total} stages to run)")))?;
        self.progress.advance(1);
        self.progress.end();
        Ok(true)
    }

    fn perform(&self, stage: &Stage, folder: &Folder) -> Outcome {
        files::sweep(&folder.path)?;
        let path = folder.file("run.json");
        let mut record = self.origin.begin(stage, self.device, &path)?;
        record.write(&path)?;
        let spec = serde_yaml::to_string(&stage.settings).map_err(Failure::run)?;
        files::write(&folder.file("spec.yaml"), spec.as_bytes())?;
        self.progress.log_to(Some(&folder.file("log.txt"))).map_err(Failure::run)?;
        self.progress.log(&format!("{}: sitting {} on {}", stage.describe(), record.sittings, record.device));
        self.progress.detail(&format!("key {}, in {}", stage.key, folder.path.display()));
        let result = match &stage.settings.work {
            Work::Pretrain { .. } => self.pretrain(stage, folder),
            Work::Finetune { .. } => self.finetune(stage, folder),
            Work::Evaluate { .. } => self.evaluate(stage, folder),
        };
        match &result {
            Ok(done) => self.progress.log(&format!("done in {:.1} s of work", done.seconds)),
            Err(failure) => self.progress.log(&format!("stopped: {failure}")),
        }
        self.progress.log_to(None).map_err(Failure::run)?;
        let done = result?;
        record.seconds = done.seconds;
        record.parameters = done.parameters;
        record.epochs = Some(done.epochs);
        record.kept_epoch = Some(done.kept_epoch);
        record.algorithms = harness_learn::ops::chosen_algorithms();
        record.status = Status::Done;
        record.ended = Some(origin::now());
        record.write(&path)?;
        // Of no use to a stage that is done, and as large as its weights three times over.
        let _ = std::fs::remove_dir_all(folder.file("checkpoint"));
        Ok(())
    }

    /// The pictures that a stage reads, decoded once in this process.
    fn pictures(&self, stage: &Stage, purpose: Purpose) -> Outcome<Rc<Pictures>> {
        let size = stage.settings.size;
        let id = (stage.settings.data.clone(), size, purpose == Purpose::Pretraining);
        if let Some(pictures) = self.loaded.borrow().get(&id) {
            return Ok(Rc::clone(pictures));
        }
        let cache = self.store.cache();
        let survey =
            datasets::survey(&stage.dataset, purpose, self.data, &cache, self.progress).map_err(data_failure)?;
        if survey.digest != stage.settings.data {
            return Err(Failure::Data("the data changed while the study was running; start it again".into()));
        }
        let pictures = datasets::load(&stage.dataset, purpose, &survey, self.data, &cache, size, self.progress)
            .map_err(data_failure)?;
        let (count, left_out) = (pictures.items.len(), pictures.left_out.len());
        self.progress.detail(&format!("{}: {count} pictures, {left_out} files left out", stage.dataset.name()));
        let pictures = Rc::new(pictures);
        self.loaded.borrow_mut().insert(id, Rc::clone(&pictures));
        Ok(pictures)
    }

    /// Trains `model` on `task` and saves it.
    fn train(
        &self,
        stage: &Stage,
        folder: &Folder,
        model: &Model,
        task: &dyn Task,
        training: Training<'_>,
    ) -> Outcome<Done> {
        let settings = &stage.settings;
        let progress =
            train::fit(model, task, training, &folder.file("checkpoint"), &mut keeper(folder), self.progress)
                .map_err(train_failure)?;
        let weights = folder.file("weights.safetensors");
        model.save(&weights, settings.size, settings.normalise).map_err(Failure::run)?;
        Ok(Done {
            seconds: progress.seconds,
            parameters: model.parameter_count(),
            epochs: progress.epoch,
            kept_epoch: progress.kept_epoch,
        })
    }

    /// The network of a stage with its first weights: drawn, or read from a file.
    fn model(&self, stage: &Stage) -> Outcome<Model> {
        let settings = &stage.settings;
        let model = Model::new(&settings.model, settings.seed, &self.device.device).map_err(Failure::run)?;
        if let (Some((path, init)), Some(expected)) = (&stage.weights, &settings.init) {
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

    /// Puts the weights of a finished stage into `model`.
    fn load_parent(&self, model: &Model, kind: &str, key: &str) -> Outcome {
        model.load(&self.store.run(kind, key).join("weights.safetensors")).map_err(Failure::data)
    }
}

/// The failure that a data set's error is.
pub(crate) fn data_failure(error: DataError) -> Failure {
    match error {
        DataError::Interrupted => Failure::Interrupted,
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

/// Writes the metric rows after every epoch.
fn keeper(folder: &Folder) -> impl FnMut(&train::Progress) -> Result<(), TrainError> {
    let path = folder.file("metrics.csv");
    move |progress| Ok(rows::write(&path, &progress.rows)?)
}

fn write_files(folder: &Folder, files: &[FileRow]) -> Outcome {
    Ok(rows::write(&folder.file("files.csv"), files)?)
}
