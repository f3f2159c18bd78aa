//! Fine-tuning: segmentation of labelled images.

use super::{Done, Folder, Workshop, write_files};
use crate::{
    failure::{Failure, Outcome},
    plan::{Cut, Stage, Work},
};
use harness_learn::{
    datasets::{Pictures, Purpose},
    split::{Split, split},
    train::Segmentation,
};

/// The cut of the labelled images that `cut` asks for.
pub(super) fn cut_of(pictures: &Pictures, cut: &Cut) -> Outcome<Split> {
    split(&pictures.items, &cut.split, &cut.train).map_err(Failure::data)
}

impl Workshop<'_> {
    pub(super) fn finetune(&self, stage: &Stage, folder: &Folder) -> Outcome<Done> {
        let settings = &stage.settings;
        let Work::Finetune { protocol, pretrain, cut, spec } = &settings.work else {
            return Err(Failure::Run("this stage is no fine-tuning".into()));
        };
        let pictures = self.pictures(stage, Purpose::Segmentation)?;
        let split = cut_of(&pictures, cut)?;
        write_files(folder, &split.files(&pictures))?;
        let model = self.model(stage)?;
        if let Some(key) = pretrain {
            self.load_parent(&model, "pretrain", key)?;
        }
        let task = Segmentation {
            pictures: &pictures,
            train: &split.train,
            validation: &split.validation,
            normalise: settings.normalise,
            augmentation: &spec.augmentation,
            loss: spec.losses.under(*protocol),
            batch: spec.batch,
            protocol: *protocol,
            seed: settings.seed,
        };
        self.train(stage, folder, &model, &task, spec.training(settings.seed))
    }
}
