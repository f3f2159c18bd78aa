//! Fine-tunes a network to segment labelled images.

use super::{
    origin::Done,
    sitting::{Sitting, write_files},
};
use crate::failure::{Failure, Outcome};
use harness_images::{
    datasets::Pictures,
    split::{Partition, split},
};
use harness_learn::train::{Segmentation, TrainingImages};
use harness_record::vocabulary::{Purpose, Stage};
use harness_study::plan::{Cut, Work};

/// The split of the labelled images that `cut` asks for.
pub(super) fn cut_of(pictures: &Pictures, cut: &Cut) -> Outcome<Partition> {
    split(&pictures.items, &cut.split, &cut.train, cut.redraw).map_err(Failure::data)
}

impl Sitting<'_> {
    pub(super) fn finetune(&self) -> Outcome<Done> {
        let settings = &self.stage.settings;
        let Work::Finetune { protocol, pretrain, cut, epoch, spec } = &settings.work else {
            return Err(Failure::Run("this stage is not a fine-tuning".into()));
        };
        let pictures = self.pictures(Purpose::Segmentation)?;
        let split = cut_of(&pictures, cut)?;
        write_files(&self.folder, &split.files(&pictures))?;
        let model = self.model()?;
        if let Some(key) = pretrain {
            self.load_parent(&model, Stage::Pretrain, key)?;
        }
        let task = Segmentation {
            pictures: &pictures,
            train: TrainingImages { places: &split.train, an_epoch: epoch.images(&split) },
            validation: &split.validation,
            normalise: settings.normalise,
            augmentation: &spec.augmentation,
            loss: spec.losses.under(*protocol),
            batch: spec.batch,
            protocol: *protocol,
            seed: settings.seed,
        };
        self.train(&model, &task, spec.training(settings.seed, *protocol))
    }
}
