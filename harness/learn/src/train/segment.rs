//! Fine-tuning: a class for every pixel.

use super::{Step, Task, TrainError, classes, images, shown};
use crate::{
    datasets::Pictures,
    metrics::{Outputs, Scored, means},
    models::{Mode, Model},
    monitor::Monitor,
    ops,
    protocol::Protocol,
};
use harness_record::rows::MetricRow;

/// Segmentation under a protocol's loss plus the network's own penalty.
#[derive(Debug)]
pub struct Segmentation<'a> {
    /// Where the images and their class maps are.
    pub pictures: &'a Pictures,
    /// Places of the training images in `pictures`.
    pub train: &'a [u32],
    /// Places of the validation images; may be empty.
    pub validation: &'a [u32],
    /// Images a step.
    pub batch: u32,
    /// Which loss, and in which mode validation runs.
    pub protocol: Protocol,
}

impl Task for Segmentation<'_> {
    fn len(&self) -> usize {
        self.train.len()
    }

    fn step(&self, model: &Model, _: u32, places: &[u32]) -> Result<Step, TrainError> {
        let places: Vec<u32> = places.iter().map(|&p| self.train[p as usize]).collect();
        let (target, truth) = classes(self.pictures, &places, model.device())?;
        let out = model.forward(&images(self.pictures, &places, model.device())?, Mode::Train)?;
        let error = ops::cross_entropy(&self.protocol.logits(&out.channels)?, &target)?;
        let scored = Outputs::new(&out.channels, self.protocol)?.score(&truth);
        let sum = |value: &dyn Fn(&Scored) -> Option<f64>| scored.iter().filter_map(value).sum::<f64>();
        let mut sums = vec![
            ("loss", sum(&|s| s.loss)),
            ("soft_dice", sum(&|s| Some(s.soft.dice()))),
            ("soft_iou", sum(&|s| Some(s.soft.iou()))),
            ("accuracy", sum(&|s| s.confusion.accuracy())),
            ("dice", sum(&|s| s.confusion.macro_mean(crate::metrics::Confusion::dice))),
            ("iou", sum(&|s| s.confusion.macro_mean(crate::metrics::Confusion::iou))),
        ];
        if let Some(commitment) = &out.commitment {
            sums.push(("commitment", f64::from(commitment.to_scalar::<f32>()?) * places.len() as f64));
        }
        let loss = match out.penalty {
            Some(penalty) => (error + penalty)?,
            None => error,
        };
        Ok(Step { loss, sums })
    }

    fn validate(&self, model: &Model, epoch: u32, monitor: &dyn Monitor) -> Result<Vec<MetricRow>, TrainError> {
        let mut rows = Vec::new();
        for places in self.validation.chunks(self.batch as usize) {
            if monitor.stopped() {
                return Err(TrainError::Interrupted);
            }
            let (_, truth) = classes(self.pictures, places, model.device())?;
            let out = model.forward(&images(self.pictures, places, model.device())?, self.protocol.test_mode())?;
            for (scored, &place) in Outputs::new(&out.channels, self.protocol)?.score(&truth).iter().zip(places) {
                let item = &self.pictures.items[place as usize];
                rows.push(scored.row(&item.name, &item.group, "validation", "model", "clean"));
            }
        }
        Ok(means(&rows, epoch))
    }

    fn summary(&self, rows: &[MetricRow]) -> String {
        let dice = if self.protocol == Protocol::Published { "soft_dice" } else { "dice" };
        let part = |split, metric, label: &str| shown(rows, split, metric).map(|v| format!("{label} {v}"));
        [part("train", "loss", "loss"), part("train", dice, "Dice"), part("validation", dice, "validation Dice")]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" · ")
    }
}
