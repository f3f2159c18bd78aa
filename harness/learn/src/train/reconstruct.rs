//! Pretraining: restore a distorted image.

use super::{Batch, Step, Task, TrainError, images, metric_row, shown};
use crate::{
    augment::DistortionSpec,
    datasets::Pictures,
    models::{Mode, Model, Normalise, normalise_tensor},
    monitor::Monitor,
    ops,
    protocol::Protocol,
};
use candle_core::Device;
use harness_record::rows::MetricRow;

/// Reconstruction of the clean images from distorted ones: mean squared error plus the network's own penalty.
#[derive(Debug)]
pub struct Reconstruction<'a> {
    /// Where the images are.
    pub pictures: &'a Pictures,
    /// Places of the training images in `pictures`.
    pub train: &'a [u32],
    /// Places of held-out images, which are restored after each epoch; may be empty.
    pub validation: &'a [u32],
    /// What is done to an image.
    pub distortion: &'a DistortionSpec,
    /// The scale on which the network sees the images; it restores them on their own.
    pub normalise: Option<Normalise>,
    /// Images a step.
    pub batch: u32,
    /// Seed of the study.
    pub seed: u64,
    /// What becomes of the network's output. Of no account where [`crate::protocol::pretraining_protocol`] says so.
    pub protocol: Protocol,
}

impl Reconstruction<'_> {
    /// The images at `places` of the pictures, distorted and as they are.
    fn assembled(&self, places: &[u32], epoch: u32) -> Result<Batch, TrainError> {
        let target = images(self.pictures, places, &Device::Cpu)?;
        let pictures: Vec<&[u8]> = places.iter().map(|&place| self.pictures.rgb_of(place as usize)).collect();
        let side = self.pictures.size as usize;
        let images = self.distortion.apply(&pictures, side, places, self.seed, epoch, &Device::Cpu)?;
        Ok(Batch { epoch, images, target })
    }

    fn forward(&self, model: &Model, batch: &Batch, mode: Mode) -> Result<Step, TrainError> {
        let clean = batch.target.to_device(model.device())?;
        let distorted = batch.images.to_device(model.device())?;
        let out = model.forward(&normalise_tensor(&distorted, self.normalise)?, mode)?;
        let restored = self.protocol.finish(model.spec().name(), &out.channels)?;
        let error = ops::mse(&restored, &clean)?;
        let count = batch.images.dim(0)? as f64;
        let mut sums = vec![("loss", f64::from(error.to_scalar::<f32>()?) * count)];
        if let Some(commitment) = &out.commitment {
            sums.push(("commitment", f64::from(commitment.to_scalar::<f32>()?) * count));
        }
        if let Some(perplexity) = out.perplexity {
            sums.push(("perplexity", perplexity.value()? * count));
        }
        let loss = match out.penalty {
            Some(penalty) => (error + penalty)?,
            None => error,
        };
        Ok(Step { loss, sums })
    }
}

impl Task for Reconstruction<'_> {
    fn len(&self) -> usize {
        self.train.len()
    }

    fn validates(&self) -> bool {
        !self.validation.is_empty()
    }

    fn batch(&self, epoch: u32, places: &[u32]) -> Result<Batch, TrainError> {
        let places: Vec<u32> = places.iter().map(|&p| self.train[p as usize]).collect();
        self.assembled(&places, epoch)
    }

    fn step(&self, model: &Model, batch: &Batch) -> Result<Step, TrainError> {
        self.forward(model, batch, Mode::Train)
    }

    fn validate(&self, model: &Model, epoch: u32, monitor: &dyn Monitor) -> Result<Vec<MetricRow>, TrainError> {
        let mut sums = Vec::new();
        for places in self.validation.chunks(self.batch as usize) {
            if monitor.stopped() {
                return Err(TrainError::Interrupted);
            }
            // The same masks after every epoch, so that the curve shows the network and not the draw.
            super::add(&mut sums, self.forward(model, &self.assembled(places, 0)?, Mode::Evaluate)?.sums);
        }
        let count = self.validation.len() as f64;
        Ok(sums.into_iter().map(|(metric, sum)| metric_row(epoch, "validation", metric, sum / count)).collect())
    }

    fn summary(&self, _: &Model, rows: &[MetricRow]) -> String {
        let part = |split, label: &str| shown(rows, split, "loss").map(|v| format!("{label} {v}"));
        [part("train", "loss"), part("validation", "validation loss")]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" · ")
    }
}
