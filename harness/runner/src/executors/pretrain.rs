//! Pretraining: masked reconstruction of unlabelled images.

use super::{Done, Folder, Workshop, write_files};
use crate::{
    failure::{Failure, Outcome},
    plan::Stage,
};
use harness_learn::{
    datasets::Purpose,
    random,
    split::Split,
    train::{PretrainSpec, Reconstruction},
};

impl Workshop<'_> {
    pub(super) fn pretrain(
        &self,
        stage: &Stage,
        folder: &Folder,
        validation: u32,
        spec: &PretrainSpec,
    ) -> Outcome<Done> {
        let settings = &stage.settings;
        let pictures = self.pictures(stage, Purpose::Pretraining)?;
        let total = pictures.items.len() as u32;
        if validation >= total {
            let text = format!("{validation} images are to be held out, but the data has only {total}");
            return Err(Failure::Data(text.into()));
        }
        let mut train = random::shuffled(total, &mut random::generator(&["split", "pretraining"]));
        let held_out = train.split_off((total - validation) as usize);
        let split = Split { train, validation: held_out, test: Vec::new() };
        write_files(folder, &split.files(&pictures))?;
        let model = self.model(settings)?;
        let task = Reconstruction {
            pictures: &pictures,
            train: &split.train,
            validation: &split.validation,
            distortion: &spec.distortion,
            batch: spec.batch,
            seed: settings.seed,
        };
        self.train(stage, folder, &model, &task, (spec.epochs, spec.batch, &spec.optimizer))
    }
}
