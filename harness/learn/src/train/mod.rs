//! Training: epochs over a task, with a checkpoint after each epoch.

mod ahead;
mod batch;
mod checkpoint;
mod clip;
mod feed;
mod fit;
mod images;
mod ledger;
mod reconstruct;
mod schedule;
mod segment;
mod session;
mod spec;
#[cfg(test)]
mod tests;

use crate::{
    device,
    models::{Model, WeightsError},
};
use candle_core::Tensor;
use harness_images::{
    augment::{Drawn, Target, Visit},
    datasets::Pictures,
};
use harness_record::{
    RecordError,
    monitor::Monitor,
    rows::MetricRow,
    vocabulary::{Condition, Predictor, Split},
};

#[cfg(test)]
pub(crate) use batch::assembled;
pub(crate) use batch::tensor;
pub use batch::{Batch, classes, images, pictures_tensor};
pub use clip::clip_gradients;
pub use feed::Feed;
pub use fit::fit;
pub use images::TrainingImages;
pub use reconstruct::Reconstruction;
pub use schedule::{CosineSpec, LearningRate, PlateauSpec, ScheduleSpec};
pub use segment::Segmentation;
pub use session::Progress;
pub use spec::{EarlyStoppingSpec, FinetuneSpec, KeepSpec, KeepsSpec, PretrainSpec, Training};

/// The reason that training ended early.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The user asked to stop. The last finished epoch is kept.
    #[error("interrupted")]
    Interrupted,
    /// The loss or its gradient is no longer finite.
    #[error("the {what} is {value} in epoch {epoch}: training diverged; try a lower learning rate")]
    Diverged {
        /// The value that is not finite: `loss of batch 3`.
        what: String,
        /// Its value.
        value: f64,
        /// Epoch, counted from 1.
        epoch: u32,
    },
    /// A set of images is empty.
    #[error("there are no images to {0}")]
    NoImages(&'static str),
    /// The GPU has too little memory.
    #[error("the GPU has too little memory: set a smaller `batch` for this stage, or use a GPU with more memory ({0})")]
    OutOfMemory(#[source] candle_core::Error),
    /// candle reported another error.
    #[error("computing failed: {0}")]
    Compute(#[source] candle_core::Error),
    /// A file of the run cannot be read or written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// Weights or a checkpoint cannot be read or written.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A checkpoint does not belong to this stage.
    #[error("{path} is not a checkpoint of this stage ({reason}); delete it to start the stage again")]
    Checkpoint {
        /// The file.
        path: std::path::PathBuf,
        /// The problem of the file.
        reason: String,
    },
}

impl From<candle_core::Error> for TrainError {
    fn from(error: candle_core::Error) -> Self {
        if device::lacks_memory(&error) { Self::OutOfMemory(error) } else { Self::Compute(error) }
    }
}

/// The results of one batch, on the network's device. Nobody has waited for them yet.
#[derive(Debug)]
pub struct Step {
    /// The loss that the optimiser lowers (a scalar).
    pub loss: Tensor,
    /// Measurements of the task, by name, in f32 or f64.
    pub measured: Vec<(&'static str, Tensor)>,
}

/// The measurements of a step, on the host.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Number of its images.
    pub images: usize,
    /// The values of [`Step::measured`].
    pub values: Vec<(&'static str, Vec<f64>)>,
}

/// The task that is trained.
pub trait Task: Sync {
    /// The training images.
    fn images(&self) -> TrainingImages<'_>;
    /// Returns true if there are validation images.
    fn validates(&self) -> bool;
    /// All images of the task.
    fn pictures(&self) -> &Pictures;
    /// The kind of target that the network learns.
    fn target(&self) -> Target;
    /// The training images of one batch, with the random changes drawn for that epoch. They are drawn before the step, so
    /// they must not depend on the network.
    fn draw(&self, epoch: u32, visits: &[Visit]) -> Vec<Drawn>;
    /// The loss and the measurements of a batch. Must not wait for the network's device.
    fn step(&self, model: &Model, batch: &Batch) -> Result<Step, TrainError>;
    /// Sums over the images of a step, by metric.
    fn sums(&self, step: &Measured) -> Vec<(&'static str, f64)>;
    /// Scores of the validation images after an epoch. `feed` makes batches of [`Task::pictures`].
    fn validate(
        &self,
        model: &Model,
        feed: &Feed<'_>,
        epoch: u32,
        monitor: &dyn Monitor,
    ) -> Result<Vec<MetricRow>, TrainError>;
    /// A short summary of the epoch for people: `loss 0.512 · Dice 0.771`.
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

fn metric_row(epoch: u32, split: Split, metric: &str, value: f64) -> MetricRow {
    MetricRow {
        epoch,
        split,
        predictor: Predictor::Model,
        condition: Condition::Clean,
        metric: metric.to_owned(),
        value,
    }
}

/// The value of a metric in the rows of an epoch, as text with three decimals.
fn shown(rows: &[MetricRow], split: Split, metric: &str) -> Option<String> {
    let row = rows.iter().find(|r| r.split == split && r.metric == metric)?;
    Some(format!("{:.3}", row.value))
}
