//! Computes the counts from a network's outputs. [`harness_record::metrics`] computes scores from them.

use crate::losses::LossSpec;
use crate::ops;
use candle_core::{Device, Result, Tensor};
use harness_record::{
    metrics::{Confusion, Counts, METRICS, Metric, Reliability, SoftSums},
    rows::{self, ImageRow, MetricRow, Scores},
    vocabulary::{Condition, Predictor, Split},
};
use rayon::prelude::*;

pub use harness_record::metrics::{CLASS_NAMES, CLASSES};

/// A batch of network outputs on the host.
#[derive(Debug)]
pub struct Outputs {
    channels: Vec<f32>,
    pixels: usize,
}

/// The results for one predicted image.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// Arg-max class of every pixel.
    pub prediction: Vec<u8>,
    /// Its confusion counts.
    pub confusion: Confusion,
    /// Its soft sums.
    pub soft: SoftSums,
    /// Its loss, by the loss of the stage. `None` for baselines.
    pub loss: Option<f64>,
    /// Confusion counts of all images of its batch; `None` for baselines.
    pub batch: Option<Confusion>,
    /// The network's confidence in each pixel's class. `None` for baselines, which give no probabilities.
    pub reliability: Option<Reliability>,
}

impl Outputs {
    /// Copies `channels` `[B, 3, S, S]` to the host. They are the output after the protocol's treatment.
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
                    reliability: Some(loss.reliability(channels, &prediction, truth)),
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

/// The first of the largest channels, for every pixel of an image `[3, pixels]`.
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
            reliability: None,
        }
    }

    /// Scores of a mask that is given as outputs of 1 for its class and 0 for the others.
    pub fn in_unit_range(truth: &[u8], mask: Vec<u8>) -> Self {
        let pixels = truth.len();
        let mut channels = vec![0.0; CLASSES * pixels];
        mask.iter().enumerate().for_each(|(pixel, &class)| channels[usize::from(class) * pixels + pixel] = 1.0);
        Self {
            confusion: Confusion::of(truth, &mask),
            soft: SoftSums::of(truth, &channels),
            prediction: mask,
            loss: None,
            batch: None,
            reliability: None,
        }
    }

    /// The counts of the image.
    pub(crate) fn counts(&self) -> Counts {
        Counts { confusion: self.confusion, soft: self.soft, loss: self.loss, batch: self.batch }
    }

    /// The value of a metric. For a metric of batches, it is the value of the image's batch.
    pub fn value(&self, metric: &Metric) -> Option<f64> {
        metric.value(&self.counts())
    }

    /// The row of `per_image.csv`. `batch` is the index of the batch in its condition.
    pub fn row(
        &self,
        names: [&str; 2],
        split: Split,
        predictor: Predictor,
        condition: Condition,
        batch: Option<u32>,
    ) -> ImageRow {
        image_row(&self.counts(), names, split, predictor, condition, batch)
    }
}

/// The row of `per_image.csv` for an image with these counts. The names are those of the image and its group.
pub(crate) fn image_row(
    counts: &Counts,
    [image, group]: [&str; 2],
    split: Split,
    predictor: Predictor,
    condition: Condition,
    batch: Option<u32>,
) -> ImageRow {
    ImageRow {
        image: image.to_owned(),
        group: group.to_owned(),
        split,
        predictor,
        condition,
        batch,
        scores: Scores::of(counts),
    }
}

/// Number of values that hold the counts of an image: pixels by true and predicted class, the soft overlap, the soft
/// prediction, and the loss.
const COUNTED: usize = CLASSES * CLASSES + 3;

/// The counts of each image of a batch, `[B, 12]` of f64 on the network's device. `channels` `[B, 3, S, S]` are the
/// output after the protocol's treatment, and `target` is `[B, S, S]` of u8. On CUDA nothing waits for the device.
pub(crate) fn image_counts(channels: &Tensor, target: &Tensor, loss: &LossSpec) -> Result<Tensor> {
    if !channels.device().is_cpu()
        && let Some(weights) = loss.weights()
        && let Some(counts) = ops::image_scores(channels, target, weights)?
    {
        return Ok(counts);
    }
    let truth: Vec<u8> = target.flatten_all()?.to_vec1()?;
    let scored = Outputs::new(channels)?.score(&truth, loss);
    let numbers = |image: &Scored| {
        let confusion = image.confusion.counts().into_iter().flatten().map(|n| n as f64);
        confusion.chain([image.soft.overlap, image.soft.predicted, image.loss.unwrap_or(f64::NAN)])
    };
    let numbers: Vec<f64> = scored.iter().flat_map(numbers).collect();
    Tensor::from_vec(numbers, (scored.len(), COUNTED), channels.device())
}

/// Decodes the values of [`image_counts`] on the host. The images are one batch.
pub(crate) fn batch_counts(values: &[f64]) -> Vec<Counts> {
    let image = |numbers: &[f64; COUNTED]| {
        let counts = |class: usize| std::array::from_fn(|k| numbers[class * CLASSES + k] as u64);
        let confusion = Confusion::from_counts(std::array::from_fn(counts));
        let [.., overlap, predicted, loss] = *numbers;
        let soft = SoftSums { overlap, truth: confusion.pixels() as f64, predicted };
        Counts { confusion, soft, loss: Some(loss), batch: None }
    };
    let mut images: Vec<Counts> = values.as_chunks().0.iter().map(image).collect();
    let batch = images.iter().map(|image| image.confusion).sum();
    for image in &mut images {
        image.batch = Some(batch);
    }
    images
}

/// Mean of every metric over the images, or the batches, for which it is defined, as rows of `metrics.csv`. All rows must be
/// of one split, predictor and condition.
pub fn means(images: &[ImageRow], epoch: u32) -> Vec<MetricRow> {
    let Some(first) = images.first() else { return Vec::new() };
    let mean = |metric: &Metric| {
        rows::mean(images, metric).map(|value| MetricRow {
            epoch,
            split: first.split,
            predictor: first.predictor,
            condition: first.condition,
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
    fn masks_in_the_unit_range_have_soft_dice_of_about_a_half() {
        let truth = [0, 1, 2, 1];
        let value = |mask: [u8; 4], name: &str| {
            let scored = Scored::in_unit_range(&truth, mask.to_vec());
            scored.value(Metric::find(name).unwrap()).unwrap()
        };
        assert_eq!((value(truth, "accuracy"), value([1; 4], "accuracy")), (1.0, 0.5));
        // σ(1) = 0.731 and σ(0) = 0.5. Perfect: 2·0.731 / (1 + 0.731 + 2·0.5)
        assert!((value(truth, "soft_dice") - 0.5353).abs() < 1e-4, "{}", value(truth, "soft_dice"));
        // Half of the pixels are background: 2·(0.731 + 0.5) / 2 / (1 + 0.731 + 2·0.5)
        assert!((value([1; 4], "soft_dice") - 0.4508).abs() < 1e-4, "{}", value([1; 4], "soft_dice"));
    }

    fn loss() -> LossSpec {
        LossSpec::new([(crate::losses::Term::CrossEntropy, 1.0)])
    }

    /// Certain outputs for `classes` (one class per pixel, `pixels` per image).
    fn outputs(classes: &[u8], pixels: usize) -> Outputs {
        let mut data = vec![-9.0f32; classes.len() * CLASSES];
        for (i, &class) in classes.iter().enumerate() {
            data[(i / pixels * CLASSES + usize::from(class)) * pixels + i % pixels] = 9.0;
        }
        let shape = (classes.len() / pixels, CLASSES, 1, pixels);
        let channels = Tensor::from_vec(data, shape, &Device::Cpu).unwrap();
        Outputs::new(&channels).unwrap()
    }

    // `reference/scores.py` makes these numbers with torchmetrics.
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
                rows.push(scored.row(["a", "g"], Split::Test, Predictor::Model, Condition::Clean, Some(i as u32)));
            }
        }
        let means = means(&rows, 7);
        let mean = |name: &str| means.iter().find(|row| row.metric == name).map(|row| row.value).unwrap();
        assert_eq!((mean("batch_dice"), mean("accuracy")), (0.5, 2.0 / 3.0));
        assert!(means.iter().all(|row| row.epoch == 7 && row.metric != "dice_border"));
    }

    #[test]
    fn a_baseline_has_neither_loss_nor_batch() {
        use harness_record::vocabulary::Baseline;
        let scored = Scored::constant(&[0, 1, 1, 2], 1);
        let row =
            scored.row(["a", "g"], Split::Test, Predictor::Baseline(Baseline::AllBackground), Condition::Clean, None);
        assert_eq!(["loss", "batch_dice", "batch_iou"].map(|name| row.score(name)), [None; 3]);
        assert_eq!((row.score("accuracy"), row.score("dice_micro")), (Some(0.5), Some(0.5)));
        assert_eq!(row.score("dice_border"), Some(0.0));
    }

    /// Outputs, true classes and losses for comparisons.
    fn examples() -> (Tensor, Vec<u8>, Vec<LossSpec>) {
        use crate::losses::Term;
        use harness_record::random;
        let (batch, side) = (3, 19);
        let mut rng = random::generator(&["outputs"]);
        let values = (0..batch * 3 * side * side).map(|_| 8.0 * random::unit(&mut rng) - 4.0).collect();
        let channels = Tensor::from_vec(values, (batch, 3, side, side), &Device::Cpu).unwrap();
        let truth = (0..batch * side * side).map(|_| random::below(&mut rng, 3) as u8).collect();
        let terms: Vec<Term> =
            Term::ALL.into_iter().filter(|term| LossSpec::new([(*term, 1.0)]).weights().is_some()).collect();
        let mut losses: Vec<LossSpec> = terms.iter().map(|&term| LossSpec::new([(term, 2.0)])).collect();
        losses.push(LossSpec::new(terms.into_iter().map(|term| (term, 0.5))));
        (channels, truth, losses)
    }

    /// Asserts that the counts are equal, and that sums of probabilities and losses are equal up to rounding in f32.
    fn assert_alike(ours: &[f64], theirs: &[f64]) {
        assert_eq!(ours.len(), theirs.len());
        for (ours, theirs) in ours.chunks(COUNTED).zip(theirs.chunks(COUNTED)) {
            assert_eq!(ours[..9], theirs[..9]);
            assert!(ours.iter().zip(theirs).all(|(x, y)| (x - y).abs() < 2e-6 * y.abs()), "{ours:?} {theirs:?}");
        }
    }

    #[test]
    fn what_is_counted_comes_back() {
        let (channels, truth, losses) = examples();
        let target = Tensor::from_vec(truth.clone(), (3, 19, 19), &Device::Cpu).unwrap();
        let numbers: Vec<f64> =
            image_counts(&channels, &target, &losses[4]).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        let scored = Outputs::new(&channels).unwrap().score(&truth, &losses[4]);
        let counts: Vec<Counts> = scored.iter().map(Scored::counts).collect();
        assert_eq!(batch_counts(&numbers), counts);
    }

    #[test]
    fn the_kernel_for_gpus_counts_as_the_host() {
        use crate::ops::{SOFT_DICE_SMOOTH, on_host};
        let (channels, truth, losses) = examples();
        let target = Tensor::from_vec(truth.clone(), (3, 19, 19), &Device::Cpu).unwrap();
        let values: Vec<f32> = channels.flatten_all().unwrap().to_vec1().unwrap();
        for loss in &losses {
            let mut input = on_host::bytes(&loss.weights().unwrap(), f64::to_le_bytes);
            input.extend(SOFT_DICE_SMOOTH.to_le_bytes());
            input.extend(on_host::bytes(&values, f32::to_le_bytes));
            input.extend(&truth);
            let Some(made) = on_host::run("image_scores", &[3, 19 * 19], &input) else { return };
            let made: Vec<f64> = made.as_chunks().0.iter().map(|&bytes| f64::from_le_bytes(bytes)).collect();
            let expected = image_counts(&channels, &target, loss).unwrap().flatten_all().unwrap().to_vec1().unwrap();
            assert_alike(&made, &expected);
        }
    }
}
