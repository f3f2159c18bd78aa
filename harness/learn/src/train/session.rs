//! The state of a stage in training beside its task: everything that a checkpoint holds.

use super::{
    TrainError,
    schedule::LearningRate,
    spec::{KeepSpec, Training},
};
use crate::{models::Model, optimizer::Optimizer};
use candle_core::{Result, Tensor};
use harness_record::rows::MetricRow;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::Path};

/// A copy of a model's tensors and counters that training does not change.
pub(super) struct Weights {
    pub(super) tensors: BTreeMap<String, Tensor>,
    pub(super) counters: BTreeMap<String, u64>,
}

impl Weights {
    pub(super) fn of(model: &Model) -> Result<Self> {
        let copy = |(name, tensor): (String, Tensor)| Ok((name, tensor.copy()?));
        Ok(Self { tensors: model.tensors().into_iter().map(copy).collect::<Result<_>>()?, counters: model.counters() })
    }

    /// Copies them into `model`; `path` is the checkpoint's, for errors.
    pub(super) fn put_into(&self, model: &Model, path: &Path) -> std::result::Result<(), TrainError> {
        model.set_tensors(path, &self.tensors)?;
        model.set_counters(&self.counters);
        Ok(())
    }
}

/// The progress of a stage.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Number of finished epochs.
    pub epoch: u32,
    /// The epoch whose weights would be kept if training ended now.
    pub kept_epoch: u32,
    /// Rows of `metrics.csv` so far.
    pub rows: Vec<MetricRow>,
    /// Seconds of work so far.
    pub seconds: f64,
}

/// The epoch with the lowest validation loss so far.
#[derive(Default)]
pub(super) struct Best {
    /// The epoch; 0 if no loss was observed.
    pub(super) epoch: u32,
    /// Its loss.
    pub(super) loss: Option<f64>,
    /// Its weights, if they are to be kept.
    pub(super) weights: Option<Weights>,
}

/// A stage in training.
pub(super) struct Session<'a> {
    pub(super) model: &'a Model,
    pub(super) training: Training<'a>,
    pub(super) optimizer: Optimizer,
    pub(super) rate: LearningRate,
    pub(super) best: Best,
    pub(super) progress: Progress,
}

impl<'a> Session<'a> {
    /// The state before the first epoch.
    pub(super) fn new(model: &'a Model, training: Training<'a>) -> Result<Self> {
        Ok(Self {
            model,
            training,
            optimizer: Optimizer::new(training.optimizer, model.state())?,
            rate: LearningRate::new(training.schedule, training.optimizer.learning_rate(), training.epochs),
            best: Best::default(),
            progress: Progress::default(),
        })
    }

    /// Records the validation loss of the epoch that just ended.
    pub(super) fn observe(&mut self, loss: f64) -> Result<()> {
        self.rate.observe(loss);
        if self.best.loss.is_none_or(|best| loss < best) {
            self.best.epoch = self.progress.epoch;
            self.best.loss = Some(loss);
            if self.training.keep == KeepSpec::Best {
                self.best.weights = Some(Weights::of(self.model)?);
            }
        }
        Ok(())
    }

    /// The epoch whose weights would be kept if training ended now.
    pub(super) fn kept_epoch(&self) -> u32 {
        match self.training.keep {
            KeepSpec::Last => self.progress.epoch,
            KeepSpec::Best => self.best.epoch,
        }
    }

    /// The reason to stop before the last epoch, if there is one.
    pub(super) fn stop_reason(&self) -> Option<String> {
        let patience = self.training.early_stopping?.patience;
        let (epoch, best) = (self.progress.epoch, self.best.epoch);
        (epoch < self.training.epochs && epoch - best >= patience).then(|| {
            let waited = epoch - best;
            format!(
                "stopped after epoch {epoch}: the validation loss has not been below that of epoch {best} \
                 for {waited} epochs"
            )
        })
    }
}
