//! The settings of pretraining and fine-tuning.

use super::schedule::ScheduleSpec;
use crate::{losses::LossesSpec, optimizer::OptimizerSpec};
use harness_images::augment::{AugmentationSpec, DistortionSpec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Reconstruction of unlabelled images from distorted ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PretrainSpec {
    /// Passes over the images; fewer if training stops early.
    pub epochs: u32,
    /// Images per step.
    pub batch: u32,
    /// The optimiser.
    pub optimizer: OptimizerSpec,
    /// How the learning rate changes from epoch to epoch.
    #[serde(default)]
    pub schedule: ScheduleSpec,
    /// Largest norm of a step's gradient over all weights. A longer gradient is scaled down to it.
    #[serde(default)]
    pub gradient_clip: Option<f64>,
    /// When to stop before the last epoch.
    #[serde(default)]
    pub early_stopping: Option<EarlyStoppingSpec>,
    /// The epoch whose weights are kept.
    #[serde(default)]
    pub keep: KeepSpec,
    /// The distortion of the images that the network must restore.
    pub distortion: DistortionSpec,
}

/// Segmentation of labelled images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FinetuneSpec {
    /// Passes over the images; fewer if training stops early.
    pub epochs: u32,
    /// Images per step.
    pub batch: u32,
    /// The optimiser.
    pub optimizer: OptimizerSpec,
    /// How the learning rate changes from epoch to epoch.
    #[serde(default)]
    pub schedule: ScheduleSpec,
    /// Largest norm of a step's gradient over all weights. A longer gradient is scaled down to it.
    #[serde(default)]
    pub gradient_clip: Option<f64>,
    /// When to stop before the last epoch.
    #[serde(default)]
    pub early_stopping: Option<EarlyStoppingSpec>,
    /// The epoch whose weights are kept.
    #[serde(default)]
    pub keep: KeepSpec,
    /// The loss for each protocol.
    #[serde(default)]
    pub losses: LossesSpec,
    /// Random changes of the training images, applied one after another; none if absent.
    #[serde(default)]
    pub augmentation: AugmentationSpec,
}

/// Stops training when the validation loss stops falling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EarlyStoppingSpec {
    /// Training stops after this many consecutive epochs in which the validation loss did not fall below its previous minimum.
    pub patience: u32,
}

impl EarlyStoppingSpec {
    /// Checks the setting. The error names the invalid field, below `early_stopping`, and the expected value.
    pub fn check(&self) -> Result<(), (String, String)> {
        if self.patience == 0 { Err(("patience".into(), "at least 1 epoch".into())) } else { Ok(()) }
    }

    /// The setting for people.
    pub fn describe(&self) -> String {
        format!("stops after {} epochs without a lower validation loss", self.patience)
    }
}

/// The epoch whose weights, and everything that belongs to them, a stage ends with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KeepSpec {
    /// The last epoch's.
    #[default]
    Last,
    /// The epoch with the lowest validation loss; of equal ones the first.
    Best,
}

impl KeepSpec {
    /// The setting for people.
    pub fn describe(&self) -> String {
        match self {
            Self::Last => "the last epoch's weights are kept",
            Self::Best => "the weights with the lowest validation loss are kept",
        }
        .to_owned()
    }
}

/// The settings of [`super::fit`]: how long, how fast, and what is kept.
#[derive(Debug, Clone, Copy)]
pub struct Training<'a> {
    /// Name of the stage. It seeds the shuffles.
    pub stage: &'a str,
    /// Seed of the study.
    pub seed: u64,
    /// Largest number of passes over the images.
    pub epochs: u32,
    /// Images per step.
    pub batch: u32,
    /// The optimiser.
    pub optimizer: &'a OptimizerSpec,
    /// How the optimiser's rate changes from epoch to epoch.
    pub schedule: &'a ScheduleSpec,
    /// Largest norm of a step's gradient.
    pub gradient_clip: Option<f64>,
    /// When to stop before the last epoch.
    pub early_stopping: Option<EarlyStoppingSpec>,
    /// The epoch whose weights are kept.
    pub keep: KeepSpec,
}

/// The largest number of epochs of a stage.
const MOST_EPOCHS: u32 = 100_000;
/// The largest number of images per step.
const MOST_BATCH: u32 = 65_536;

impl Training<'_> {
    /// Returns true if it needs validation images.
    pub fn needs_validation(&self) -> bool {
        self.schedule.needs_validation() || self.early_stopping.is_some() || self.keep == KeepSpec::Best
    }

    fn check(&self) -> Result<(), (String, String)> {
        if !(1..=MOST_EPOCHS).contains(&self.epochs) {
            return Err(("epochs".into(), format!("a whole number in 1..={MOST_EPOCHS}")));
        }
        if !(1..=MOST_BATCH).contains(&self.batch) {
            return Err(("batch".into(), format!("a whole number in 1..={MOST_BATCH}")));
        }
        self.optimizer.check().map_err(below("optimizer"))?;
        self.schedule.check(self.optimizer.learning_rate(), self.epochs).map_err(below("schedule"))?;
        if self.gradient_clip.is_some_and(|norm| !(norm > 0.0 && norm.is_finite())) {
            return Err(("gradient_clip".into(), "a norm above 0, or nothing".into()));
        }
        self.early_stopping.map_or(Ok(()), |spec| spec.check().map_err(below("early_stopping")))
    }
}

/// Prefixes the invalid field with the name of its section.
fn below(section: &str) -> impl Fn((String, String)) -> (String, String) {
    move |(field, expected)| (format!("{section}.{field}"), expected)
}

impl PretrainSpec {
    /// The settings that [`super::fit`] takes.
    pub fn training(&self, seed: u64) -> Training<'_> {
        Training {
            stage: "pretrain",
            seed,
            epochs: self.epochs,
            batch: self.batch,
            optimizer: &self.optimizer,
            schedule: &self.schedule,
            gradient_clip: self.gradient_clip,
            early_stopping: self.early_stopping,
            keep: self.keep,
        }
    }

    /// Checks the settings. The error names the invalid field and the expected value.
    pub fn check(&self) -> Result<(), (String, String)> {
        self.training(0).check()?;
        self.distortion.check().map_err(below("distortion"))
    }

    /// Returns true if it needs validation images.
    pub fn needs_validation(&self) -> bool {
        self.training(0).needs_validation()
    }
}

impl FinetuneSpec {
    /// The settings that [`super::fit`] takes.
    pub fn training(&self, seed: u64) -> Training<'_> {
        Training {
            stage: "finetune",
            seed,
            epochs: self.epochs,
            batch: self.batch,
            optimizer: &self.optimizer,
            schedule: &self.schedule,
            gradient_clip: self.gradient_clip,
            early_stopping: self.early_stopping,
            keep: self.keep,
        }
    }

    /// Checks the settings. The error names the invalid field and the expected value.
    pub fn check(&self) -> Result<(), (String, String)> {
        self.training(0).check()?;
        self.losses.check().map_err(below("losses"))?;
        self.augmentation.check().map_err(|(field, expected)| (format!("augmentation{field}"), expected))
    }

    /// Returns true if it needs validation images.
    pub fn needs_validation(&self) -> bool {
        self.training(0).needs_validation()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_impossible_is_named_with_its_place() {
        let of = |more: &str| {
            let common = r#""epochs": 5, "batch": 4, "optimizer": {"adam": {"learning_rate": 0.1}}"#;
            let finetune: FinetuneSpec = serde_json::from_str(&format!("{{{common}{more}}}")).unwrap();
            let text = format!(r#"{{{common}{more}, "distortion": {{"mask": {{}}}}}}"#);
            let pretrain: PretrainSpec = serde_json::from_str(&text).unwrap();
            assert_eq!(finetune.check(), pretrain.check());
            assert_eq!(finetune.needs_validation(), pretrain.needs_validation());
            finetune.check().map_err(|(field, _)| field)
        };
        assert_eq!(of(""), Ok(()));
        assert_eq!(of(r#", "gradient_clip": 1.0, "early_stopping": {"patience": 1}, "keep": "best""#), Ok(()));
        for (more, field) in [
            (r#", "schedule": {"cosine": {"warmup": 5}}"#, "schedule.cosine.warmup"),
            (r#", "gradient_clip": 0.0"#, "gradient_clip"),
            (r#", "early_stopping": {"patience": 0}"#, "early_stopping.patience"),
        ] {
            assert_eq!(of(more), Err(field.to_owned()));
        }
        let text =
            r#"{"epochs": 5, "batch": 4, "optimizer": {"adam": {"learning_rate": 0.1}}, "losses": {"corrected": {}}}"#;
        let spec: FinetuneSpec = serde_json::from_str(text).unwrap();
        assert_eq!(spec.check().unwrap_err().0, "losses.corrected");
    }
}
