//! Fine-tuning: segmentation of labelled images.

use super::{Done, Folder, Workshop, keeper, train_failure, write_files};
use crate::{
    failure::{Failure, Outcome},
    plan::{Cut, Stage},
};
use harness_learn::{
    datasets::{Pictures, Purpose},
    protocol::Protocol,
    split::{Split, split},
    train::{FinetuneSpec, Schedule, Segmentation, fit},
};

/// The cut of the labelled images that `cut` asks for.
pub(super) fn cut_of(pictures: &Pictures, cut: &Cut) -> Outcome<Split> {
    split(pictures, cut.train, cut.validation, cut.seed).map_err(Failure::data)
}

impl Workshop<'_> {
    pub(super) fn finetune(
        &self,
        stage: &Stage,
        folder: &Folder,
        protocol: Protocol,
        pretrain: Option<&str>,
        cut: &Cut,
        spec: &FinetuneSpec,
    ) -> Outcome<Done> {
        let settings = &stage.settings;
        let pictures = self.pictures(stage, Purpose::Segmentation)?;
        let split = cut_of(&pictures, cut)?;
        write_files(folder, &split.files(&pictures))?;
        let model = self.model(settings)?;
        if let Some(key) = pretrain {
            self.load_parent(&model, "pretrain", key)?;
        }
        let task = Segmentation {
            pictures: &pictures,
            train: &split.train,
            validation: &split.validation,
            batch: spec.batch,
            protocol,
        };
        let schedule = Schedule {
            stage: "finetune",
            epochs: spec.epochs,
            batch: spec.batch,
            optimizer: &spec.optimizer,
            seed: settings.seed,
        };
        let progress = fit(&model, &task, schedule, &folder.file("checkpoint"), &mut keeper(folder), self.progress)
            .map_err(train_failure)?;
        model.save(&folder.file("weights.safetensors"), settings.size).map_err(Failure::run)?;
        Ok(Done { seconds: progress.seconds, parameters: model.parameter_count() })
    }
}
