//! Fine-tuning: predicts a class for every pixel.

use super::{Batch, Feed, Measured, Step, Task, TrainError, TrainingImages, ledger::Ledger, shown};
use crate::{
    losses::LossSpec,
    metrics::{batch_counts, image_counts, image_row, means},
    models::{Mode, Model, Normalise, Output, normalise_tensor},
};
use candle_core::Tensor;
use harness_images::{
    augment::{AugmentationSpec, Drawn, Target, Visit},
    datasets::Pictures,
};
use harness_record::{
    metrics::{
        Counts, Metric, accuracy::ACCURACY, batch_dice::BATCH_DICE, batch_iou::BATCH_IOU, dice, iou, loss::LOSS,
        soft_dice::SOFT_DICE, soft_iou::SOFT_IOU,
    },
    monitor::Monitor,
    rows::MetricRow,
    vocabulary::{Condition, Predictor, Protocol, Split},
};

/// The metrics tracked in training, in the order of their rows.
const FOLLOWED: [Metric; 8] = [LOSS, SOFT_DICE, SOFT_IOU, ACCURACY, dice::MACRO, iou::MACRO, BATCH_DICE, BATCH_IOU];

/// Name of the counts of each image of a step.
const SCORES: &str = "scores";
/// Name of the network's commitment loss in a step.
const COMMITMENT: &str = "commitment";

/// Segmentation with a protocol's loss plus the network's own penalty.
#[derive(Debug)]
pub struct Segmentation<'a> {
    /// The images and their class maps.
    pub pictures: &'a Pictures,
    /// The training images.
    pub train: TrainingImages<'a>,
    /// Places of the validation images; may be empty.
    pub validation: &'a [u32],
    /// The scale on which the network sees the images.
    pub normalise: Option<Normalise>,
    /// Random changes of the training images.
    pub augmentation: &'a AugmentationSpec,
    /// Images per step.
    pub batch: u32,
    /// The modes of training and validation, and the treatment of the network's output.
    pub protocol: Protocol,
    /// The loss, applied to the output after the protocol's treatment.
    pub loss: &'a LossSpec,
    /// Seed of the study.
    pub seed: u64,
}

impl Segmentation<'_> {
    /// The network's output, and its channels after the protocol's treatment.
    fn forward(&self, model: &Model, images: &Tensor, mode: Mode) -> Result<(Output, Tensor), TrainError> {
        let out = model.forward(&normalise_tensor(images, self.normalise)?, mode)?;
        let channels = model.spec().procedure(self.protocol).finish.of(&out.channels)?;
        Ok((out, channels))
    }
}

impl Task for Segmentation<'_> {
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
        Target::Classes
    }

    fn draw(&self, epoch: u32, visits: &[Visit]) -> Vec<Drawn> {
        self.augmentation.draw(self.pictures.size, visits, self.seed, epoch)
    }

    fn step(&self, model: &Model, batch: &Batch) -> Result<Step, TrainError> {
        let batch = batch.to_device(model.device())?;
        let mode = model.spec().procedure(self.protocol).training_mode(batch.epoch);
        let (out, channels) = self.forward(model, &batch.images, mode)?;
        let mut measured = vec![(SCORES, image_counts(&channels, &batch.target, self.loss)?)];
        if let Some(commitment) = &out.commitment {
            measured.push((COMMITMENT, commitment.detach()));
        }
        let loss = out.loss(&self.loss.of(&channels, &batch.target)?)?;
        Ok(Step { loss, measured })
    }

    fn sums(&self, step: &Measured) -> Vec<(&'static str, f64)> {
        let images = self.train.an_epoch;
        let usual = f64::from(images) / f64::from(images.div_ceil(self.batch));
        let scored = batch_counts(step.find(SCORES).unwrap_or_default());
        let mut sums: Vec<_> = FOLLOWED.iter().map(|metric| (metric.name, sum(&scored, metric, usual))).collect();
        sums.extend(step.scalar(COMMITMENT).map(|mean| (COMMITMENT, mean * step.images as f64)));
        sums
    }

    fn validate(
        &self,
        model: &Model,
        feed: &Feed<'_>,
        epoch: u32,
        monitor: &dyn Monitor,
    ) -> Result<Vec<MetricRow>, TrainError> {
        let mut ledger = Ledger::default();
        let mode = model.spec().procedure(self.protocol).test;
        let batches = || self.validation.chunks(self.batch as usize);
        let draw = |places: &[u32]| places.iter().map(|&place| Drawn::unchanged(place)).collect();
        feed.each(0, batches(), self.target(), draw, |batch| {
            if monitor.stopped() {
                return Err(TrainError::Interrupted);
            }
            let batch = batch.to_device(model.device())?;
            let (_, channels) = self.forward(model, &batch.images, mode)?;
            ledger.note(batch.images.dim(0)?, [(SCORES, image_counts(&channels, &batch.target, self.loss)?)]);
            Ok(())
        })?;
        let mut rows = Vec::new();
        for (batch, (step, places)) in ledger.read()?.iter().zip(batches()).enumerate() {
            for (counts, &place) in batch_counts(step.find(SCORES).unwrap_or_default()).iter().zip(places) {
                let item = &self.pictures.items[place as usize];
                let batch = Some(batch as u32);
                rows.push(image_row(
                    counts,
                    [&item.name, &item.group],
                    Split::Validation,
                    Predictor::Model,
                    Condition::Clean,
                    batch,
                ));
            }
        }
        Ok(means(&rows, epoch))
    }

    fn summary(&self, model: &Model, rows: &[MetricRow]) -> String {
        let dice = model.spec().dice(self.protocol);
        let part = |split, metric, label: &str| shown(rows, split, metric).map(|v| format!("{label} {v}"));
        [
            part(Split::Train, "loss", "loss"),
            part(Split::Train, dice, "Dice"),
            part(Split::Validation, dice, "validation Dice"),
        ]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" · ")
    }
}

/// Sum of a metric over the images of a batch. The sums of an epoch are divided by its number of images, so a metric of batches
/// is multiplied by the average number of images per batch, `usual`. The result is its mean over batches.
fn sum(scored: &[Counts], metric: &Metric, usual: f64) -> f64 {
    if metric.is_of_batch() {
        return scored.first().and_then(|image| metric.value(image)).unwrap_or_default() * usual;
    }
    scored.iter().filter_map(|image| metric.value(image)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Scored;

    #[test]
    fn a_metric_of_batches_is_averaged_over_batches() {
        // Two batches, of three images and of one.
        let batch = |truths: &[[u8; 2]]| {
            let mut scored: Vec<_> = truths.iter().map(|truth| Scored::constant(truth, 1).counts()).collect();
            let together = scored.iter().map(|image| image.confusion).sum();
            for image in &mut scored {
                image.batch = Some(together);
            }
            scored
        };
        let batches = [batch(&[[1, 1], [1, 0], [0, 0]]), batch(&[[1, 1]])];
        let mean = |metric| batches.iter().map(|scored| sum(scored, metric, 4.0 / 2.0)).sum::<f64>() / 4.0;
        // The first batch has 3 of 6 pixels right: pet 0, background 2·3/(3 + 6).
        assert!((mean(&BATCH_DICE) - f64::midpoint(1.0 / 3.0, 1.0)).abs() < 1e-15);
        assert!((mean(&ACCURACY) - 2.5 / 4.0).abs() < 1e-15);
    }
}
