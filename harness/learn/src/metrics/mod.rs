//! Scores of predicted masks: hard ones from confusion counts, soft ones from sums of probabilities.

mod hard;
mod soft;

use crate::{ops, protocol::Protocol};
use candle_core::{Device, Result, Tensor};
use harness_record::rows::{ImageRow, MetricRow, SCORES};
use rayon::prelude::*;

pub use hard::Confusion;
pub use soft::SoftSums;

/// Number of classes: pet, background, border.
pub const CLASSES: usize = 3;

/// Names of the classes, by index.
pub const CLASS_NAMES: [&str; CLASSES] = ["pet", "background", "border"];

/// A batch of network outputs on the host, with the loss's view of them.
#[derive(Debug)]
pub struct Outputs {
    channels: Vec<f32>,
    logits: Vec<f32>,
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
    /// Mean loss of its pixels (nats); `None` for baselines.
    pub loss: Option<f64>,
}

impl Outputs {
    /// Brings `channels` `[B, 3, S, S]` to the host.
    pub fn new(channels: &Tensor, protocol: Protocol) -> Result<Self> {
        let (_, _, h, w) = channels.dims4()?;
        let channels = channels.detach();
        let host = |t: &Tensor| t.to_device(&Device::Cpu)?.flatten_all()?.to_vec1::<f32>();
        Ok(Self { logits: host(&protocol.logits(&channels)?)?, channels: host(&channels)?, pixels: h * w })
    }

    /// Scores of every image against `truth` (`B·S·S` class indices), in order.
    pub fn score(&self, truth: &[u8]) -> Vec<Scored> {
        let size = CLASSES * self.pixels;
        self.channels
            .par_chunks(size)
            .zip(self.logits.par_chunks(size))
            .zip(truth.par_chunks(self.pixels))
            .map(|((channels, logits), truth)| {
                let prediction = argmax(channels, self.pixels);
                Scored {
                    confusion: Confusion::of(truth, &prediction),
                    prediction,
                    soft: SoftSums::of(truth, channels),
                    loss: Some(ops::image_cross_entropy(logits, truth, self.pixels) / self.pixels as f64),
                }
            })
            .collect()
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
        }
    }

    /// The row of `per_image.csv`.
    pub fn row(&self, image: &str, group: &str, split: &str, predictor: &str, condition: &str) -> ImageRow {
        let narrow = |value: Option<f64>| value.map(|v| v as f32);
        let dice = |class| narrow(self.confusion.dice(class));
        let iou = |class| narrow(self.confusion.iou(class));
        ImageRow {
            image: image.to_owned(),
            group: group.to_owned(),
            split: split.to_owned(),
            predictor: predictor.to_owned(),
            condition: condition.to_owned(),
            loss: narrow(self.loss),
            soft_dice: Some(self.soft.dice() as f32),
            soft_iou: Some(self.soft.iou() as f32),
            accuracy: narrow(self.confusion.accuracy()),
            dice: narrow(self.confusion.macro_mean(Confusion::dice)),
            iou: narrow(self.confusion.macro_mean(Confusion::iou)),
            dice_pet: dice(0),
            dice_background: dice(1),
            dice_border: dice(2),
            iou_pet: iou(0),
            iou_background: iou(1),
            iou_border: iou(2),
        }
    }
}

/// Mean of every score over the images for which it is defined, as rows of `metrics.csv`. All rows must be of one split,
/// predictor and condition.
pub fn means(rows: &[ImageRow], epoch: u32) -> Vec<MetricRow> {
    let Some(first) = rows.first() else { return Vec::new() };
    let mean = |metric: &&str| {
        let values: Vec<f64> = rows.iter().filter_map(|r| r.score(metric).map(f64::from)).collect();
        (!values.is_empty()).then(|| MetricRow {
            epoch,
            split: first.split.clone(),
            predictor: first.predictor.clone(),
            condition: first.condition.clone(),
            metric: (*metric).to_owned(),
            value: values.iter().sum::<f64>() / values.len() as f64,
        })
    };
    SCORES.iter().filter_map(mean).collect()
}
