//! Pretraining: restores distorted images.

use super::{Batch, Feed, Measured, Step, Task, TrainError, TrainingImages, ledger::Ledger, metric_row, shown};
use crate::{
    models::{Mode, Model, Normalise, normalise_tensor},
    ops,
};
use harness_images::{
    augment::{DistortionSpec, Drawn, Target, Visit},
    datasets::Pictures,
};
use harness_record::{
    monitor::Monitor,
    rows::MetricRow,
    vocabulary::{Protocol, Split},
};

/// Names of the measurements of a step.
const MEASURED: [&str; 3] = ["loss", "commitment", "perplexity"];

/// Reconstruction of clean images from distorted ones, with mean squared error plus the network's own penalty.
#[derive(Debug)]
pub struct Reconstruction<'a> {
    /// The images.
    pub pictures: &'a Pictures,
    /// The training images.
    pub train: TrainingImages<'a>,
    /// Places of held-out images, which are reconstructed after each epoch; may be empty.
    pub validation: &'a [u32],
    /// The distortion of the images.
    pub distortion: &'a DistortionSpec,
    /// The scale on which the network sees the images. It also reconstructs them on that scale.
    pub normalise: Option<Normalise>,
    /// Images per step.
    pub batch: u32,
    /// Seed of the study.
    pub seed: u64,
    /// Decides the treatment of the network's output, if [`crate::models::ModelSpec::pretrains_by_protocol`].
    pub protocol: Protocol,
}

impl Reconstruction<'_> {
    /// The pictures `visits`, distorted.
    fn distorted(&self, epoch: u32, visits: &[impl Into<Visit> + Copy]) -> Vec<Drawn> {
        self.distortion.draw(self.pictures.size as usize, visits, self.seed, epoch)
    }

    fn forward(&self, model: &Model, batch: &Batch, mode: Mode) -> Result<Step, TrainError> {
        let batch = batch.to_device(model.device())?;
        let out = model.forward(&normalise_tensor(&batch.images, self.normalise)?, mode)?;
        let restored = model.spec().procedure(self.protocol).finish.of(&out.channels)?;
        let error = ops::mse(&restored, &batch.target)?;
        let mut measured = vec![("loss", error.detach())];
        if let Some(commitment) = &out.commitment {
            measured.push(("commitment", commitment.detach()));
        }
        if let Some(codes) = &out.code_counts {
            measured.push(("perplexity", ops::perplexity(codes)?));
        }
        Ok(Step { loss: out.loss(&error)?, measured })
    }
}

impl Task for Reconstruction<'_> {
    fn images(&self) -> TrainingImages<'_> {
        self.train
    }

    fn validates(&self) -> bool {
        !self.validation.is_empty()
    }

    fn pictures(&self) -> &Pictures {
        self.pictures
    }

    fn target(&self) -> Target {
        Target::Images
    }

    fn draw(&self, epoch: u32, visits: &[Visit]) -> Vec<Drawn> {
        self.distorted(epoch, visits)
    }

    fn step(&self, model: &Model, batch: &Batch) -> Result<Step, TrainError> {
        self.forward(model, batch, Mode::Train)
    }

    /// Every measurement is a mean over the images of the step.
    fn sums(&self, step: &Measured) -> Vec<(&'static str, f64)> {
        let mean = |(name, values): &(&'static str, Vec<f64>)| Some((*name, values.first()? * step.images as f64));
        let ours = step.values.iter().filter(|(name, _)| MEASURED.contains(name));
        ours.filter_map(mean).collect()
    }

    fn validate(
        &self,
        model: &Model,
        feed: &Feed<'_>,
        epoch: u32,
        monitor: &dyn Monitor,
    ) -> Result<Vec<MetricRow>, TrainError> {
        let mut ledger = Ledger::default();
        // Uses the same masks after every epoch, so that the curve reflects the network and not the draw.
        let draw = |places: &[u32]| self.distorted(0, places);
        feed.each(0, self.validation.chunks(self.batch as usize), self.target(), draw, |batch| {
            if monitor.stopped() {
                return Err(TrainError::Interrupted);
            }
            let step = self.forward(model, &batch, Mode::Evaluate)?;
            ledger.note(batch.images.dim(0)?, step.measured);
            Ok(())
        })?;
        let mut sums = Vec::new();
        for step in ledger.read()? {
            super::add(&mut sums, self.sums(&step));
        }
        let count = self.validation.len() as f64;
        Ok(sums.into_iter().map(|(metric, sum)| metric_row(epoch, Split::Validation, metric, sum / count)).collect())
    }

    fn summary(&self, _: &Model, rows: &[MetricRow]) -> String {
        let part = |split, label: &str| shown(rows, split, "loss").map(|v| format!("{label} {v}"));
        [part(Split::Train, "loss"), part(Split::Validation, "validation loss")]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" · ")
    }
}
