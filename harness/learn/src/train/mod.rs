//! Training: epochs over a task, with a checkpoint after each.

mod batch;
mod checkpoint;
mod distort;
mod reconstruct;
mod segment;

use crate::{
    models::{Model, WeightsError},
    monitor::Monitor,
    optimizer::{Adam, OptimizerSpec},
    random,
};
use candle_core::Tensor;
use harness_record::{RecordError, rows::MetricRow};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{path::Path, time::Instant};

pub(crate) use batch::tensor;
pub use batch::{classes, images, pictures_tensor};
use checkpoint::Checkpoint;
pub use checkpoint::Progress;
pub use distort::DistortionSpec;
pub use reconstruct::Reconstruction;
pub use segment::Segmentation;

/// Masked reconstruction of unlabelled images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PretrainSpec {
    /// Passes over the images.
    pub epochs: u32,
    /// Images a step.
    pub batch: u32,
    /// The optimiser.
    pub optimizer: OptimizerSpec,
    /// What is done to the images that the network must restore.
    pub distortion: DistortionSpec,
}

/// Segmentation of labelled images; the last epoch's weights are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FinetuneSpec {
    /// Passes over the images.
    pub epochs: u32,
    /// Images a step.
    pub batch: u32,
    /// The optimiser.
    pub optimizer: OptimizerSpec,
}

/// Most epochs of a stage.
const MOST_EPOCHS: u32 = 100_000;
/// Most images a step.
const MOST_BATCH: u32 = 65_536;

fn check_schedule(epochs: u32, batch: u32, optimizer: &OptimizerSpec) -> Result<(), (String, String)> {
    if !(1..=MOST_EPOCHS).contains(&epochs) {
        return Err(("epochs".into(), format!("a whole number in 1..={MOST_EPOCHS}")));
    }
    if !(1..=MOST_BATCH).contains(&batch) {
        return Err(("batch".into(), format!("a whole number in 1..={MOST_BATCH}")));
    }
    optimizer.check().map_err(|(field, expected)| (format!("optimizer.{field}"), expected))
}

impl PretrainSpec {
    /// What is impossible in it: the field and what was expected of it.
    pub fn check(&self) -> Result<(), (String, String)> {
        check_schedule(self.epochs, self.batch, &self.optimizer)?;
        self.distortion.check().map_err(|(field, expected)| (format!("distortion.{field}"), expected))
    }
}

impl FinetuneSpec {
    /// What is impossible in it: the field and what was expected of it.
    pub fn check(&self) -> Result<(), (String, String)> {
        check_schedule(self.epochs, self.batch, &self.optimizer)
    }
}

/// Why training ended early.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The user asked to stop; the last finished epoch is kept.
    #[error("interrupted")]
    Interrupted,
    /// The loss left the numbers.
    #[error("the loss is {loss} in epoch {epoch}, batch {batch}: training diverged; try a lower learning rate")]
    Diverged {
        /// Epoch, from 1.
        epoch: u32,
        /// Batch of the epoch, from 1.
        batch: usize,
        /// The loss.
        loss: f32,
    },
    /// A set of images is empty.
    #[error("there are no images to {0}")]
    NoImages(&'static str),
    /// candle refused.
    #[error("computing failed: {0}")]
    Compute(#[from] candle_core::Error),
    /// A file of the run cannot be read or written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// Weights or a checkpoint cannot be read or written.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A checkpoint is not one of this stage.
    #[error("{path} is not a checkpoint of this stage ({reason}); delete it to start the stage again")]
    Checkpoint {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// What one batch gave.
#[derive(Debug)]
pub struct Step {
    /// What the optimiser lowers (a scalar).
    pub loss: Tensor,
    /// Sums over the batch's images, by metric.
    pub sums: Vec<(&'static str, f64)>,
}

/// What is learnt in an epoch.
pub trait Task {
    /// Number of training images.
    fn len(&self) -> usize;
    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Loss and scores of the training images at `places` (each below `len`).
    fn step(&self, model: &Model, epoch: u32, places: &[u32]) -> Result<Step, TrainError>;
    /// Scores of the validation images after an epoch.
    fn validate(&self, model: &Model, epoch: u32, monitor: &dyn Monitor) -> Result<Vec<MetricRow>, TrainError>;
    /// A few words on the epoch for a person: `loss 0.512 · Dice 0.771`.
    fn summary(&self, rows: &[MetricRow]) -> String;
}

/// How long and how fast.
#[derive(Debug, Clone, Copy)]
pub struct Schedule<'a> {
    /// Name of the stage, which seeds its shuffles.
    pub stage: &'a str,
    /// Passes over the images.
    pub epochs: u32,
    /// Images a step.
    pub batch: u32,
    /// The optimiser.
    pub optimizer: &'a OptimizerSpec,
    /// Seed of the study.
    pub seed: u64,
}

/// Trains `model` on `task`. After every epoch a checkpoint goes to `folder` and all rows so far to `keep`. Starts from the
/// checkpoint in `folder` if there is one, and then ends with the same bytes as if it had never been stopped.
pub fn fit(
    model: &Model,
    task: &dyn Task,
    schedule: Schedule<'_>,
    folder: &Path,
    keep: &mut dyn FnMut(&Progress) -> Result<(), TrainError>,
    monitor: &dyn Monitor,
) -> Result<Progress, TrainError> {
    if task.is_empty() {
        return Err(TrainError::NoImages("train on"));
    }
    let OptimizerSpec::Adam(adam) = schedule.optimizer;
    let mut optimizer = Adam::new(adam, model.state())?;
    let checkpoint = Checkpoint::new(folder);
    let mut progress = checkpoint.restore(model, &mut optimizer)?.unwrap_or_default();
    if progress.epoch > 0 {
        keep(&progress)?; // the process before may have died between its checkpoint and its rows
        monitor.log(&format!("going on after epoch {} of {}", progress.epoch, schedule.epochs));
    }
    monitor.begin("epoch", u64::from(schedule.epochs));
    monitor.advance(u64::from(progress.epoch));
    while progress.epoch < schedule.epochs {
        let start = Instant::now();
        let epoch = progress.epoch + 1;
        let mut rows = train_epoch(model, task, &mut optimizer, schedule, epoch, monitor)?;
        rows.extend(task.validate(model, epoch, monitor)?);
        monitor.note(&task.summary(&rows));
        progress.rows.extend(rows);
        progress.epoch = epoch;
        progress.seconds += start.elapsed().as_secs_f64();
        checkpoint.save(model, &optimizer, &progress)?;
        keep(&progress)?;
        monitor.advance(1);
    }
    monitor.end();
    Ok(progress)
}

fn train_epoch(
    model: &Model,
    task: &dyn Task,
    optimizer: &mut Adam,
    schedule: Schedule<'_>,
    epoch: u32,
    monitor: &dyn Monitor,
) -> Result<Vec<MetricRow>, TrainError> {
    let words = [schedule.stage, "shuffle", &schedule.seed.to_string(), &epoch.to_string()];
    let order = random::shuffled(task.len() as u32, &mut random::generator(&words));
    let batches = order.chunks(schedule.batch as usize);
    monitor.begin("batch", batches.len() as u64);
    let mut sums: Vec<(&'static str, f64)> = Vec::new();
    for (i, places) in batches.enumerate() {
        if monitor.stopped() {
            return Err(TrainError::Interrupted);
        }
        let step = task.step(model, epoch, places)?;
        let loss = step.loss.to_scalar::<f32>()?;
        if !loss.is_finite() {
            return Err(TrainError::Diverged { epoch, batch: i + 1, loss });
        }
        optimizer.step(&step.loss.backward()?)?;
        add(&mut sums, step.sums);
        monitor.note(&format!("loss {loss:.4}"));
        monitor.advance(1);
    }
    monitor.end();
    let row = |(metric, sum): (&str, f64)| metric_row(epoch, "train", metric, sum / task.len() as f64);
    Ok(sums.into_iter().map(row).collect())
}

fn add(sums: &mut Vec<(&'static str, f64)>, more: Vec<(&'static str, f64)>) {
    for (name, value) in more {
        match sums.iter_mut().find(|(n, _)| *n == name) {
            Some((_, sum)) => *sum += value,
            None => sums.push((name, value)),
        }
    }
}

fn metric_row(epoch: u32, split: &str, metric: &str, value: f64) -> MetricRow {
    MetricRow {
        epoch,
        split: split.to_owned(),
        predictor: "model".to_owned(),
        condition: "clean".to_owned(),
        metric: metric.to_owned(),
        value,
    }
}

/// The value of a metric in the rows of an epoch, as text of three digits.
fn shown(rows: &[MetricRow], split: &str, metric: &str) -> Option<String> {
    let row = rows.iter().find(|r| r.split == split && r.metric == metric)?;
    Some(format!("{:.3}", row.value))
}
