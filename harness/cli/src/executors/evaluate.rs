//! Testing a fine-tuned network at every level of blur.

use super::{Done, Folder, Sitting, finetune::cut_of, train_failure, write_files};
use crate::failure::{Failure, Outcome};
use harness_images::{datasets::Purpose, pixels};
use harness_learn::evaluate::{Content, Shown, Test};
use harness_record::{files, rows, run::RunRecord};
use harness_study::{plan::Work, study::GALLERY};
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// A row of a run's `gallery/index.csv`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptPicture {
    /// File name of the PNG, beside the index.
    pub(crate) file: String,
    /// `image`, `truth` or `prediction`.
    pub(crate) kind: harness_report::inputs::GalleryKind,
    /// Number of the image, counted from 0 over the kept ones.
    pub(crate) number: usize,
    /// File name of the photograph.
    pub(crate) image: String,
    /// Its breed.
    pub(crate) group: String,
    /// Condition; empty for the truth.
    pub(crate) condition: String,
}

impl Sitting<'_> {
    pub(super) fn evaluate(&self) -> Outcome<Done> {
        let start = Instant::now();
        let settings = &self.stage.settings;
        let Work::Evaluate { protocol, finetune, cut, losses, spec, .. } = &settings.work else {
            return Err(Failure::Run("this stage is no test".into()));
        };
        let pictures = self.pictures(Purpose::Segmentation)?;
        let split = cut_of(&pictures, cut)?;
        write_files(&self.folder, &split.files(&pictures))?;
        let model = self.model()?;
        self.load_parent(&model, "finetune", finetune)?;
        let trained = RunRecord::read(&self.workshop.store.run("finetune", finetune).join("run.json"))?;
        let (epochs, kept_epoch) = (trained.epochs.unwrap_or(0), trained.kept_epoch.unwrap_or(0));
        let test = Test {
            pictures: &pictures,
            train: &split.train,
            test: &split.test,
            spec,
            loss: losses.under(*protocol),
            normalise: settings.normalise,
            protocol: *protocol,
            epoch: kept_epoch,
            gallery: GALLERY,
        };
        let result = test.run(&model, &self.progress).map_err(train_failure)?;
        keep_pictures(&self.folder, &result.gallery, settings.size)?;
        rows::write(&self.folder.file("per_image.csv"), &result.images)?;
        rows::write(&self.folder.file("confusion.csv"), &result.confusion)?;
        rows::write(&self.folder.file("calibration.csv"), &result.calibration)?;
        rows::write(&self.folder.file("metrics.csv"), &result.metrics)?;
        Ok(Done { seconds: start.elapsed().as_secs_f64(), parameters: model.parameter_count(), epochs, kept_epoch })
    }
}

fn keep_pictures(folder: &Folder, gallery: &[Shown], size: u32) -> Outcome {
    use harness_report::inputs::GalleryKind as Kind;
    let mut images: Vec<&str> = Vec::new();
    let mut index = Vec::new();
    for shown in gallery {
        let number = images.iter().position(|&image| image == shown.image).unwrap_or_else(|| {
            images.push(&shown.image);
            images.len() - 1
        });
        let condition = shown.condition.clone().unwrap_or_default();
        let (kind, png) = match &shown.content {
            Content::Image(rgb) => (Kind::Image, pixels::encode_rgb(rgb, (size, size))),
            Content::Truth(classes) => (Kind::Truth, pixels::encode_grey(classes, (size, size))),
            Content::Prediction(classes) => (Kind::Prediction, pixels::encode_grey(classes, (size, size))),
        };
        let name = match kind {
            Kind::Image => format!("{number:02}-image-{condition}.png"),
            Kind::Truth => format!("{number:02}-truth.png"),
            Kind::Prediction => format!("{number:02}-prediction-{condition}.png"),
        };
        files::write(&folder.path.join("gallery").join(&name), &png.map_err(Failure::run)?)?;
        let (image, group) = (shown.image.clone(), shown.group.clone());
        index.push(KeptPicture { file: name, kind, number, image, group, condition });
    }
    Ok(rows::write(&folder.path.join("gallery/index.csv"), &index)?)
}
