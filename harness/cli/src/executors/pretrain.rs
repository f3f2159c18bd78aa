//! Pretrains a network without labels, to restore distorted images.

use super::{
    origin::Done,
    sitting::{Sitting, write_files},
};
use crate::failure::{Failure, Outcome};
use harness_images::split;
use harness_learn::train::{Reconstruction, TrainingImages};
use harness_record::vocabulary::{Protocol, Purpose};
use harness_study::plan::Work;

impl Sitting<'_> {
    pub(super) fn pretrain(&self) -> Outcome<Done> {
        let settings = &self.stage.settings;
        let Work::Pretrain { protocol, validation, fraction, epoch, spec } = &settings.work else {
            return Err(Failure::Run("this stage is not a pretraining".into()));
        };
        let pictures = self.pictures(Purpose::Pretraining)?;
        let split =
            split::unlabelled(&pictures.items, *validation, *fraction, Some(settings.seed)).map_err(Failure::data)?;
        write_files(&self.folder, &split.files(&pictures))?;
        let model = self.model()?;
        let task = Reconstruction {
            pictures: &pictures,
            train: TrainingImages { places: &split.train, an_epoch: epoch.images(&split) },
            validation: &split.validation,
            distortion: &spec.distortion,
            normalise: settings.normalise,
            batch: spec.batch,
            seed: settings.seed,
            // If both protocols share the stage, it is the same under either.
            protocol: protocol.unwrap_or(Protocol::Corrected),
        };
        self.train(&model, &task, spec.training(settings.seed))
    }
}
