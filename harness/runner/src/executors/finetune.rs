//! Fine-tuning: segmentation of labelled images.

use super::{Done, Folder, Workshop, write_files};
use crate::{
    failure::{Failure, Outcome},
    plan::{Cut, Stage},
};
use harness_learn::{
    datasets::{Pictures, Purpose},
    protocol::Protocol,
    split::{Split, split},
    train::{FinetuneSpec, Segmentation},
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
        self.train(stage, folder, &model, &task, (spec.epochs, spec.batch, &spec.optimizer))
    }
}
