//! The settings of both kinds of training.

use super::schedule::ScheduleSpec;
use crate::{losses::LossesSpec, optimizer::OptimizerSpec};
use harness_images::augment::{AugmentationSpec, DistortionSpec};
use harness_record::vocabulary::Stage;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Declares the settings of a kind of training: the fields that every kind has, then its own. serde can put shared fields into a
/// struct of their own (`flatten`), but then it no longer knows the path of a field that is wrong.
macro_rules! training_spec {
    ($(#[$about:meta])* $name:ident of $stage:expr => { $($(#[$of_field:meta])* $field:ident: $type:ty),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// Passes over the images; fewer where training stops early.
            pub epochs: u32,
            /// Images a step.
            pub batch: u32,
            /// The optimiser.
            pub optimizer: OptimizerSpec,
            /// How the learning rate goes from epoch to epoch.
            #[serde(default)]
            pub schedule: ScheduleSpec,
            /// Largest norm of a step's gradient over all weights: a longer one is shortened to it.
            #[serde(default)]
            pub gradient_clip: Option<f64>,
            /// When to stop before the last epoch.
            #[serde(default)]
            pub early_stopping: Option<EarlyStoppingSpec>,
            /// Which epoch's weights are kept.
            #[serde(default)]
            pub keep: KeepSpec,
            $($(#[$of_field])* pub $field: $type),+
        }

        impl $name {
            /// The part of it that [`super::fit`] takes.
            pub fn training(&self, seed: u64) -> Training<'_> {
                Training {
                    stage: $stage,
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

            /// Whether it cannot do without validation images.
            pub fn needs_validation(&self) -> bool {
                self.training(0).needs_validation()
            }
        }
    };
}

training_spec! {
    /// Reconstruction of unlabelled images from distorted ones.
    PretrainSpec of Stage::Pretrain => {
        /// What is done to the images that the network must restore.
        distortion: DistortionSpec,
    }
}

training_spec! {
    /// Segmentation of labelled images.
    FinetuneSpec of Stage::Finetune => {
        /// What is lowered, by protocol.
        #[serde(default)]
        losses: LossesSpec,
        /// Changes of the training images, one after the other; none if absent.
        #[serde(default)]
        augmentation: AugmentationSpec,
    }
}

/// Stops when the validation loss no longer falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EarlyStoppingSpec {
    /// Epochs in a row without a validation loss below the lowest before them, after which training stops.
    pub patience: u32,
}

impl EarlyStoppingSpec {
    /// What is impossible in it: the field, below `early_stopping`, and what was expected of it.
    pub fn check(&self) -> Result<(), (String, String)> {
        if self.patience == 0 { Err(("patience".into(), "at least 1 epoch".into())) } else { Ok(()) }
    }

    /// In words.
    pub fn describe(&self) -> String {
        format!("stops after {} epochs without a lower validation loss", self.patience)
    }
}

/// Which epoch's weights, with all that belongs to them, a stage ends with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KeepSpec {
    /// The last epoch's.
    #[default]
    Last,
    /// Those of the epoch with the lowest validation loss; of equal ones the first.
    Best,
}

impl KeepSpec {
    /// In words.
    pub fn describe(&self) -> String {
        match self {
            Self::Last => "the last epoch's weights are kept",
            Self::Best => "the weights with the lowest validation loss are kept",
        }
        .to_owned()
    }
}

/// What [`super::fit`] needs to know: how long, how fast, and what is kept.
#[derive(Debug, Clone, Copy)]
pub struct Training<'a> {
    /// The stage, which seeds its shuffles.
    pub stage: Stage,
    /// Seed of the study.
    pub seed: u64,
    /// Most passes over the images.
    pub epochs: u32,
    /// Images a step.
    pub batch: u32,
    /// The optimiser.
    pub optimizer: &'a OptimizerSpec,
    /// How its rate goes from epoch to epoch.
    pub schedule: &'a ScheduleSpec,
    /// Largest norm of a step's gradient.
    pub gradient_clip: Option<f64>,
    /// When to stop before the last epoch.
    pub early_stopping: Option<EarlyStoppingSpec>,
    /// Which epoch's weights are kept.
    pub keep: KeepSpec,
}

/// Most epochs of a stage.
const MOST_EPOCHS: u32 = 100_000;
/// Most images a step.
const MOST_BATCH: u32 = 65_536;

impl Training<'_> {
    /// Whether it cannot do without validation images.
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

/// Puts the name of a section before the field that is wrong in it.
fn below(section: &str) -> impl Fn((String, String)) -> (String, String) {
    move |(field, expected)| (format!("{section}.{field}"), expected)
}

impl PretrainSpec {
    /// What is impossible in it: the field and what was expected of it.
    pub fn check(&self) -> Result<(), (String, String)> {
        self.training(0).check()?;
        self.distortion.check().map_err(below("distortion"))
    }
}

impl FinetuneSpec {
    /// What is impossible in it: the field and what was expected of it.
    pub fn check(&self) -> Result<(), (String, String)> {
        self.training(0).check()?;
        self.losses.check().map_err(below("losses"))?;
        self.augmentation.check().map_err(|(field, expected)| (format!("augmentation{field}"), expected))
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
