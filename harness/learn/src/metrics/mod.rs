//! From a network's outputs to the counts of which [`harness_record::metrics`] makes scores.

use crate::losses::LossSpec;
use candle_core::{Device, Result, Tensor};
use harness_record::{
    metrics::{Confusion, Counts, METRICS, Metric, SoftSums},
    rows::{self, ImageRow, MetricRow, Scores},
};
use rayon::prelude::*;

pub use harness_record::metrics::{CLASS_NAMES, CLASSES};

/// A batch of network outputs on the host.
#[derive(Debug)]
pub struct Outputs {
    channels: Vec<f32>,
    pixels: usize,
}

/// What is known of one predicted image.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// Arg-max class of every pixel.
    pub prediction: Vec<u8>,
    /// Its confusion counts.
    pub confusion: Confusion,
    /// Its soft sums.
    pub soft: SoftSums,
    /// The stage's loss of it; `None` for baselines.
    pub loss: Option<f64>,
    /// Confusion counts of all images of its batch; `None` for baselines.
    pub batch: Option<Confusion>,
}

impl Outputs {
    /// Brings `channels` `[B, 3, S, S]` to the host, as the protocol hands them on.
    pub fn new(channels: &Tensor) -> Result<Self> {
        let (_, _, h, w) = channels.dims4()?;
        let channels = channels.detach().to_device(&Device::Cpu)?.flatten_all()?.to_vec1::<f32>()?;
        Ok(Self { channels, pixels: h * w })
    }

    /// Scores of every image against `truth` (`B·S·S` class indices), in order. The images are one batch.
    pub fn score(&self, truth: &[u8], loss: &LossSpec) -> Vec<Scored> {
        let mut scored: Vec<Scored> = self
            .channels
            .par_chunks(CLASSES * self.pixels)
            .zip(truth.par_chunks(self.pixels))
            .map(|(channels, truth)| {
                let prediction = argmax(channels, self.pixels);
                Scored {
                    confusion: Confusion::of(truth, &prediction),
                    prediction,
                    soft: SoftSums::of(truth, channels),
                    loss: Some(loss.of_image(channels, truth)),
                    batch: None,
                }
            })
            .collect();
        let batch = scored.iter().map(|image| image.confusion).sum();
        for image in &mut scored {
            image.batch = Some(batch);
        }
        scored
    }

    /// Arg-max class of every pixel of every image.
    pub fn predictions(&self) -> Vec<Vec<u8>> {
        self.channels.par_chunks(CLASSES * self.pixels).map(|image| argmax(image, self.pixels)).collect()
    }
}

/// First of the largest channels, for every pixel of an image `[3, pixels]`.
fn argmax(image: &[f32], pixels: usize) -> Vec<u8> {
    let largest = |p: usize| {
        (1..CLASSES).fold(0, |best, k| if image[k * pixels + p] > image[best * pixels + p] { k } else { best }) as u8
    };
    (0..pixels).map(largest).collect()
}

impl Scored {
    /// Scores of a baseline that gives every pixel `class`.
    pub fn constant(truth: &[u8], class: u8) -> Self {
        let prediction = vec![class; truth.len()];
        Self {
            confusion: Confusion::of(truth, &prediction),
            soft: SoftSums::of_certain(truth, &prediction),
            prediction,
            loss: None,
            batch: None,
        }
    }

    /// Scores of the truth itself, given as outputs of 1 for the true class and 0 for the others.
    pub fn perfect_in_unit_range(truth: &[u8]) -> Self {
        let pixels = truth.len();
        let mut channels = vec![0.0; CLASSES * pixels];
        truth.iter().enumerate().for_each(|(pixel, &class)| channels[usize::from(class) * pixels + pixel] = 1.0);
        Self {
            confusion: Confusion::of(truth, truth),
            soft: SoftSums::of(truth, &channels),
            prediction: truth.to_vec(),
            loss: None,
            batch: None,
        }
    }

    /// The value of a metric; for a metric of batches, that of the image's batch.
    pub fn value(&self, metric: &Metric) -> Option<f64> {
        metric.value(&self.counts())
    }

    /// The row of `per_image.csv`; `batch` is the batch's place in its condition.
    pub fn row(
        &self,
        [image, group]: [&str; 2],
        split: &str,
        predictor: &str,
        condition: &str,
        batch: Option<u32>,
    ) -> ImageRow {
        ImageRow {
            image: image.to_owned(),
            group: group.to_owned(),
            split: split.to_owned(),
            predictor: predictor.to_owned(),
            condition: condition.to_owned(),
            batch,
            scores: Scores::of(&self.counts()),
        }
    }

    fn counts(&self) -> Counts {
        Counts { confusion: self.confusion, soft: self.soft, loss: self.loss, batch: self.batch }
    }
}

/// Mean of every metric over the images, or the batches, for which it is defined, as rows of `metrics.csv`. All rows must be
/// of one split, predictor and condition.
pub fn means(images: &[ImageRow], epoch: u32) -> Vec<MetricRow> {
    let Some(first) = images.first() else { return Vec::new() };
    let mean = |metric: &Metric| {
        rows::mean(images, metric).map(|value| MetricRow {
            epoch,
            split: first.split.clone(),
            predictor: first.predictor.clone(),
            condition: first.condition.clone(),
            metric: metric.name.to_owned(),
            value,
        })
    };
    METRICS.iter().filter_map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_perfect_mask_in_the_unit_range_has_a_soft_dice_of_little_more_than_a_half() {
        let scored = Scored::perfect_in_unit_range(&[0, 1, 2, 1]);
        let value = |name: &str| scored.value(Metric::find(name).unwrap()).unwrap();
        assert_eq!(value("accuracy"), 1.0);
        // σ(1) = 0.731 and σ(0) = 0.5: 2·0.731 / (1 + 0.731 + 2·0.5)
        assert!((value("soft_dice") - 0.5353).abs() < 1e-4, "{}", value("soft_dice"));
    }

    fn loss() -> LossSpec {
        LossSpec::new([(crate::losses::Term::CrossEntropy, 1.0)])
    }

    /// Outputs of `classes` (a class a pixel, `pixels` an image) that are certain.
    fn outputs(classes: &[u8], pixels: usize) -> Outputs {
        let mut data = vec![-9.0f32; classes.len() * CLASSES];
        for (i, &class) in classes.iter().enumerate() {
            data[(i / pixels * CLASSES + usize::from(class)) * pixels + i % pixels] = 9.0;
        }
        let shape = (classes.len() / pixels, CLASSES, 1, pixels);
        let channels = Tensor::from_vec(data, shape, &Device::Cpu).unwrap();
        Outputs::new(&channels).unwrap()
    }

    #[test]
    fn the_images_scored_together_are_a_batch() {
        let (first, second) = (([0, 0, 1, 1], [0, 1, 1, 1]), ([2, 2, 1, 1], [2, 2, 2, 1]));
        let truth = [first.0, second.0].concat();
        let scored = outputs(&[first.1, second.1].concat(), 4).score(&truth, &loss());
        let value = |i: usize, name: &str| scored[i].value(Metric::find(name).unwrap()).unwrap();
        assert_eq!([0, 1].map(|i| value(i, "accuracy")), [0.75, 0.75]);
        // Together: pet 2·1/(2 + 1), background 2·3/(4 + 4), border 2·2/(2 + 3).
        let dice = (2.0 / 3.0 + 0.75 + 0.8) / 3.0;
        assert!([0, 1].iter().all(|&i| (value(i, "batch_dice") - dice).abs() < 1e-15));
        assert!((value(0, "dice") - f64::midpoint(2.0 / 3.0, 0.8)).abs() < 1e-15);
        assert_eq!(scored[0].prediction, first.1);
    }

    #[test]
    fn means_are_over_batches_where_the_metric_is_of_batches() {
        let batches = [([0, 0, 1, 1], [0, 0, 1, 1]), ([0, 1, 2, 2], [1, 0, 2, 2])];
        let mut rows = Vec::new();
        // Two images of two pixels in the first batch, one of them in the second.
        for (i, (truth, prediction)) in batches.iter().enumerate() {
            let images = 2 - i;
            for scored in outputs(&prediction[..2 * images], 2).score(&truth[..2 * images], &loss()) {
                rows.push(scored.row(["a", "g"], "test", "model", "clean", Some(i as u32)));
            }
        }
        let means = means(&rows, 7);
        let mean = |name: &str| means.iter().find(|row| row.metric == name).map(|row| row.value).unwrap();
        assert_eq!((mean("batch_dice"), mean("accuracy")), (0.5, 2.0 / 3.0));
        assert!(means.iter().all(|row| row.epoch == 7 && row.metric != "dice_border"));
    }

    #[test]
    fn a_baseline_has_neither_loss_nor_batch() {
        let scored = Scored::constant(&[0, 1, 1, 2], 1);
        let row = scored.row(["a", "g"], "test", "all-background", "clean", None);
        assert_eq!(["loss", "batch_dice", "batch_iou"].map(|name| row.score(name)), [None; 3]);
        assert_eq!((row.score("accuracy"), row.score("dice_micro")), (Some(0.5), Some(0.5)));
        assert_eq!(row.score("dice_border"), Some(0.0));
    }
}
