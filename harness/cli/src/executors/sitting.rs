//! A stage that is being run: its folder, its network and its training.

use super::{origin::Done, workshop::Workshop};
use crate::{
    failure::{Failure, Outcome},
    progress::Progress,
};
use harness_images::datasets::Pictures;
use harness_learn::{
    models::{InitSpec, Model},
    train::{self, Task, TrainError, Training},
};
use harness_record::{
    digest,
    rows::FileRow,
    run::file,
    table,
    vocabulary::{Key, Purpose, Stage},
};
use harness_study::plan::PlannedStage;
use std::{path::PathBuf, sync::Arc};

/// The file of a trained network's weights.
pub(super) const WEIGHTS: &str = "weights.safetensors";

/// A stage that is being run.
pub(super) struct Sitting<'a> {
    pub(super) workshop: &'a Workshop<'a>,
    pub(super) stage: &'a PlannedStage,
    pub(super) folder: Folder,
    pub(super) progress: Progress,
}

/// The folder in which a stage puts its files.
pub(super) struct Folder {
    pub(super) path: PathBuf,
}

impl Folder {
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

impl Sitting<'_> {
    pub(super) fn pictures(&self, purpose: Purpose) -> Outcome<Arc<Pictures>> {
        self.workshop.pictures(self.stage, purpose, &self.progress)
    }

    /// Trains `model` on `task` and saves it.
    pub(super) fn train(&self, model: &Model, task: &dyn Task, training: Training<'_>) -> Outcome<Done> {
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
    pub(super) fn model(&self) -> Outcome<Model> {
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
    pub(super) fn load_parent(&self, model: &Model, stage: Stage, key: &Key) -> Outcome {
        model.load(&self.workshop.store.run(stage, key).join(WEIGHTS)).map_err(Failure::data)
    }
}

pub(super) fn train_failure(error: TrainError) -> Failure {
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

pub(super) fn write_files(folder: &Folder, files: &[FileRow]) -> Outcome {
    Ok(table::write(&folder.file(file::FILES), files)?)
}
