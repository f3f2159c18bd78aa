//! Training: epochs over a task, with a checkpoint after each.

mod ahead;
mod batch;
mod checkpoint;
mod clip;
mod fit;
mod reconstruct;
mod schedule;
mod segment;
mod session;
mod spec;

use crate::{
    models::{Model, WeightsError},
    monitor::Monitor,
};
use candle_core::Tensor;
use harness_record::{RecordError, rows::MetricRow};

pub(crate) use batch::tensor;
pub use batch::{classes, images, pictures_tensor};
pub use checkpoint::Progress;
pub use clip::clip_gradients;
pub use fit::fit;
pub use reconstruct::Reconstruction;
pub use schedule::{CosineSpec, LearningRate, PlateauSpec, ScheduleSpec};
pub use segment::Segmentation;
pub use spec::{EarlyStoppingSpec, FinetuneSpec, KeepSpec, PretrainSpec, Training};

/// Why training ended early.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The user asked to stop; the last finished epoch is kept.
    #[error("interrupted")]
    Interrupted,
    /// The loss or its gradient left the numbers.
    #[error("the {what} is {value} in epoch {epoch}: training diverged; try a lower learning rate")]
    Diverged {
        /// What it is that left them: `loss of batch 3`.
        what: String,
        /// Its value.
        value: f64,
        /// Epoch, from 1.
        epoch: u32,
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

/// The images of a step, as they lie in the host's memory before the step brings them to the network's device.
#[derive(Debug)]
pub struct Batch {
    /// Epoch, from 1.
    pub epoch: u32,
    /// What the network is given, before it is brought to the scale on which the network sees images: `[B, 3, S, S]` in 0..1.
    pub images: Tensor,
    /// What it is to make of them: images `[B, 3, S, S]` in 0..1, or classes `[B, S, S]` of u8.
    pub target: Tensor,
}

/// What is learnt in an epoch.
pub trait Task: Sync {
    /// Number of training images.
    fn len(&self) -> usize;
    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Whether there are validation images.
    fn validates(&self) -> bool;
    /// The training images at `places` (each below `len`), changed by that epoch's draws. Made while the step before computes, so
    /// nothing of it may depend on the network.
    fn batch(&self, epoch: u32, places: &[u32]) -> Result<Batch, TrainError>;
    /// Loss and scores of a batch.
    fn step(&self, model: &Model, batch: &Batch) -> Result<Step, TrainError>;
    /// Scores of the validation images after an epoch.
    fn validate(&self, model: &Model, epoch: u32, monitor: &dyn Monitor) -> Result<Vec<MetricRow>, TrainError>;
    /// A few words on the epoch for a person: `loss 0.512 · Dice 0.771`.
    fn summary(&self, model: &Model, rows: &[MetricRow]) -> String;
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
