//! Tests a fine-tuned network on blurred images, together with the baselines.

use crate::{
    losses::LossSpec,
    metrics::{CLASSES, Outputs, Scored, means},
    models::{Model, Normalise, normalise_tensor},
    train::{TrainError, classes, tensor},
};
use harness_images::{
    datasets::Pictures,
    pixels::{self, Picture},
};
use harness_record::{
    metrics::{Confusion, Reliability},
    monitor::Monitor,
    rows::{CalibrationRow, ConfusionRow, ImageRow, MetricRow},
    vocabulary::{Baseline, Condition, Predictor, Protocol, Split},
};
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Raised when a test writes more or different results about the same numbers. Then tests run again, but training does
/// not.
pub const VERSION: u32 = 2;

/// Settings of the test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EvaluateSpec {
    /// Images per forward pass. Under the `published` protocol it can change the numbers: a VQ-VAE's codebook is
    /// updated in each pass, and a SegNet's output is divided by the largest value of each pass.
    pub batch: u32,
    /// Baselines shown beside the network in each table.
    #[serde(default = "usual_baselines")]
    pub baselines: Vec<Baseline>,
    /// Levels of blur in per cent, in the order of testing. Level ℓ is a Gaussian blur of ⌊ℓ/10⌋ pixels on images of
    /// 120 pixels a side. On other images the blur scales with the side.
    pub blur: Vec<u32>,
}

fn usual_baselines() -> Vec<Baseline> {
    vec![Baseline::AllBackground, Baseline::MajorityClass]
}

impl EvaluateSpec {
    /// Checks the settings. The error names the invalid field and the expected value.
    pub fn check(&self) -> Result<(), (String, String)> {
        if !(1..=65_536).contains(&self.batch) {
            return Err(("batch".into(), "a whole number in 1..=65536".into()));
        }
        if self.blur.is_empty() {
            return Err(("blur".into(), "at least one level, such as 0".into()));
        }
        for (i, level) in self.blur.iter().enumerate() {
            if *level > 1000 {
                return Err((format!("blur[{i}]"), "a level in 0..=1000 (per cent)".into()));
            }
            if self.blur[..i].contains(level) {
                return Err((format!("blur[{i}]"), format!("each level only once; {level} is repeated")));
            }
        }
        for (i, baseline) in self.baselines.iter().enumerate() {
            if self.baselines[..i].contains(baseline) {
                return Err((format!("baselines[{i}]"), "each baseline once".into()));
            }
        }
        Ok(())
    }

    /// The conditions, in order.
    pub fn conditions(&self) -> Vec<Condition> {
        self.blur.iter().map(|&level| Condition::Blur(level)).collect()
    }
}

/// Side in pixels of the published images, on which the levels of blur were defined.
const PUBLISHED_SIZE: f32 = 120.0;

/// Index of the class background.
const BACKGROUND: u8 = 1;

/// Radius in pixels of the Gaussian blur of a level on images of `size` pixels a side. A level hides details of the
/// same relative size at every image size.
pub fn radius(level: u32, size: u32) -> f32 {
    (level / 10) as f32 * (size as f32 / PUBLISHED_SIZE)
}

/// A test image kept for the report's gallery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// File name of the image.
    pub image: String,
    /// Its breed.
    pub group: String,
    /// The condition. `None` for the truth, which does not depend on it.
    pub condition: Option<Condition>,
    /// The content of the picture.
    pub content: Content,
}

/// The content of a kept picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Interleaved RGB bytes of the image as the network saw it.
    Image(Vec<u8>),
    /// True classes.
    Truth(Vec<u8>),
    /// Predicted classes.
    Prediction(Vec<u8>),
}

/// The results of a test.
#[derive(Debug, Default)]
pub struct Evaluation {
    /// Means over images or batches.
    pub metrics: Vec<MetricRow>,
    /// The network's scores of every image.
    pub images: Vec<ImageRow>,
    /// The baselines' scores of every image.
    pub baselines: Vec<ImageRow>,
    /// Pixels by true and predicted class.
    pub confusion: Vec<ConfusionRow>,
    /// Pixels by the confidence of the network.
    pub calibration: Vec<CalibrationRow>,
    /// Images for the gallery, evenly spaced over the test set.
    pub gallery: Vec<Shown>,
}

/// The results under one condition.
#[derive(Default)]
struct Found {
    rows: Vec<ImageRow>,
    confusion: Confusion,
    reliability: Reliability,
}

/// A test: the images, the settings and the protocol.
#[derive(Debug)]
pub struct Test<'a> {
    /// The images and their class maps.
    pub pictures: &'a Pictures,
    /// Places of the training images. Their most frequent class is a baseline.
    pub train: &'a [u32],
    /// Places of the test images.
    pub test: &'a [u32],
    /// The scale on which the network sees the images.
    pub normalise: Option<Normalise>,
    /// Levels and batch size.
    pub spec: &'a EvaluateSpec,
    /// The protocol, which decides the network's mode and the treatment of its output.
    pub protocol: Protocol,
    /// The loss that is reported beside the scores. It is the loss of the fine-tuning.
    pub loss: &'a LossSpec,
    /// Epochs that the network was trained for.
    pub epoch: u32,
    /// Number of images to keep for the gallery.
    pub gallery: usize,
}

impl Test<'_> {
    /// Tests `model` at every level, in order, and then the baselines.
    pub fn run(&self, model: &Model, monitor: &dyn Monitor) -> Result<Evaluation, TrainError> {
        if self.test.is_empty() {
            return Err(TrainError::NoImages("test on"));
        }
        let mut result = Evaluation::default();
        let kept = self.kept();
        for &place in &kept {
            let truth = self.pictures.classes_of(place as usize).to_vec();
            result.gallery.push(self.shown(place, None, Content::Truth(truth)));
        }
        let batches = self.test.len().div_ceil(self.spec.batch as usize);
        monitor.begin("test batch", (batches * self.spec.blur.len()) as u64);
        for &level in &self.spec.blur {
            let found = self.level(model, level, &kept, &mut result.gallery, monitor)?;
            let metrics = means(&found.rows, self.epoch);
            if let Some(accuracy) = metrics.iter().find(|m| m.metric == "accuracy") {
                monitor.note(&format!("blur {level} %: accuracy {:.3}", accuracy.value));
            }
            result.metrics.extend(metrics);
            let condition = Condition::Blur(level);
            result.confusion.extend(ConfusionRow::of(&found.confusion, Split::Test, Predictor::Model, condition));
            result.calibration.extend(CalibrationRow::of(&found.reliability, Split::Test, condition));
            result.images.extend(found.rows);
        }
        monitor.end();
        for baseline in &self.spec.baselines {
            let (rows, confusion) = match baseline {
                Baseline::AllBackground => self.baseline(*baseline, |truth| Scored::constant(truth, BACKGROUND)),
                Baseline::MajorityClass => {
                    let class = self.majority();
                    self.baseline(*baseline, move |truth| Scored::constant(truth, class))
                }
                Baseline::BackgroundInUnitRange => {
                    self.baseline(*baseline, |truth| Scored::in_unit_range(truth, vec![BACKGROUND; truth.len()]))
                }
                Baseline::PerfectInUnitRange => {
                    self.baseline(*baseline, |truth| Scored::in_unit_range(truth, truth.to_vec()))
                }
            };
            result.metrics.extend(means(&rows, self.epoch));
            result.confusion.extend(ConfusionRow::of(
                &confusion,
                Split::Test,
                Predictor::Baseline(*baseline),
                Condition::Clean,
            ));
            result.baselines.extend(rows);
        }
        Ok(result)
    }

    fn level(
        &self,
        model: &Model,
        level: u32,
        kept: &[u32],
        gallery: &mut Vec<Shown>,
        monitor: &dyn Monitor,
    ) -> Result<Found, TrainError> {
        let condition = Condition::Blur(level);
        let mut found = Found::default();
        for (batch, places) in self.test.chunks(self.spec.batch as usize).enumerate() {
            if monitor.stopped() {
                return Err(TrainError::Interrupted);
            }
            let blurred = self.blurred(places, level);
            let side = self.pictures.size as usize;
            let input = tensor(blurred.iter().map(AsRef::as_ref), side, model.device())?;
            let (_, truth) = classes(self.pictures, places, model.device())?;
            let procedure = model.spec().procedure(self.protocol);
            let input = normalise_tensor(&input, self.normalise)?;
            let out = model.forward(&input, procedure.test)?;
            let channels = procedure.finish.of(&out.channels)?;
            let scores = Outputs::new(&channels)?.score(&truth, self.loss);
            for ((scored, &place), rgb) in scores.into_iter().zip(places).zip(&blurred) {
                let item = &self.pictures.items[place as usize];
                found.rows.push(scored.row(
                    [&item.name, &item.group],
                    Split::Test,
                    Predictor::Model,
                    condition,
                    Some(batch as u32),
                ));
                found.confusion = [found.confusion, scored.confusion].into_iter().sum();
                found.reliability = [Some(found.reliability), scored.reliability].into_iter().flatten().sum();
                if kept.contains(&place) {
                    let image = Content::Image(rgb.to_vec());
                    gallery.push(self.shown(place, Some(condition), image));
                    gallery.push(self.shown(place, Some(condition), Content::Prediction(scored.prediction)));
                }
            }
            monitor.advance(1);
        }
        Ok(found)
    }

    fn blurred(&self, places: &[u32], level: u32) -> Vec<Cow<'_, [u8]>> {
        let size = self.pictures.size;
        let blur = |&place: &u32| {
            let rgb = self.pictures.rgb_of(place as usize);
            if level < 10 {
                return Cow::Borrowed(rgb);
            }
            let picture = Picture { width: size, height: size, data: rgb.to_vec() };
            Cow::Owned(pixels::gaussian_blur(&picture, radius(level, size)).data)
        };
        places.par_iter().map(blur).collect()
    }

    fn baseline(&self, baseline: Baseline, score: impl Fn(&[u8]) -> Scored + Sync) -> (Vec<ImageRow>, Confusion) {
        let row = |&place: &u32| {
            let item = &self.pictures.items[place as usize];
            let scored = score(self.pictures.classes_of(place as usize));
            (
                scored.row(
                    [&item.name, &item.group],
                    Split::Test,
                    Predictor::Baseline(baseline),
                    Condition::Clean,
                    None,
                ),
                scored.confusion,
            )
        };
        let (rows, counts): (Vec<_>, Vec<_>) = self.test.par_iter().map(row).unzip();
        (rows, counts.into_iter().sum())
    }

    /// The most frequent class among the training images' pixels.
    fn majority(&self) -> u8 {
        let mut counts = [0u64; CLASSES];
        for &place in self.train {
            self.pictures.classes_of(place as usize).iter().for_each(|&c| counts[usize::from(c)] += 1);
        }
        (1..CLASSES).fold(0, |best, c| if counts[c] > counts[best] { c } else { best }) as u8
    }

    /// Places of the images for the gallery. They are evenly spaced, so that nobody can pick favourable ones.
    fn kept(&self) -> Vec<u32> {
        let n = self.gallery.min(self.test.len());
        (0..n).map(|i| self.test[(2 * i + 1) * self.test.len() / (2 * n)]).collect()
    }

    fn shown(&self, place: u32, condition: Option<Condition>, content: Content) -> Shown {
        let item = &self.pictures.items[place as usize];
        Shown { image: item.name.clone(), group: item.group.clone(), condition, content }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_size_has_the_published_radii() {
        assert_eq!([0, 25, 50, 75, 100].map(|level| radius(level, 120)), [0.0, 2.0, 5.0, 7.0, 10.0]);
        assert_eq!(radius(100, 60), 5.0);
    }
}
