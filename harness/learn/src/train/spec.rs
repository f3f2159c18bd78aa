//! The settings of both kinds of training.

use super::schedule::ScheduleSpec;
use crate::{losses::LossesSpec, optimizer::OptimizerSpec};
use harness_images::augment::{AugmentationSpec, DistortionSpec};
use harness_record::vocabulary::{Protocol, Stage};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Declares the settings of a kind of training: the fields that every kind has, then its own. serde can flatten shared
/// fields from another struct, but then it no longer knows the path of an invalid field.
macro_rules! training_spec {
    ($(#[$about:meta])* $name:ident of $stage:expr => { $($(#[$of_field:meta])* $field:ident: $type:ty),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// Number of epochs. Training may stop earlier.
            pub epochs: u32,
            /// Images per step.
            pub batch: u32,
            /// The optimiser.
            pub optimizer: OptimizerSpec,
            /// The change of the learning rate from epoch to epoch.
            #[serde(default)]
            pub schedule: ScheduleSpec,
            /// Maximum norm of a step's gradient over all weights. A longer gradient is shortened to it.
            #[serde(default)]
            pub gradient_clip: Option<f64>,
            /// The condition for stopping before the last epoch.
            #[serde(default)]
            pub early_stopping: Option<EarlyStoppingSpec>,
            $($(#[$of_field])* pub $field: $type),+
        }

        impl $name {
            fn with(&self, seed: u64, keep: KeepSpec) -> Training<'_> {
                Training {
                    stage: $stage,
                    seed,
                    epochs: self.epochs,
                    batch: self.batch,
                    optimizer: &self.optimizer,
                    schedule: &self.schedule,
                    gradient_clip: self.gradient_clip,
                    early_stopping: self.early_stopping,
                    keep,
                }
            }
        }
    };
}

training_spec! {
    /// Reconstruction of unlabelled images from distorted ones.
    PretrainSpec of Stage::Pretrain => {
        /// The epoch whose weights are kept.
        #[serde(default)]
        keep: KeepSpec,
        /// The distortion of the images that the network must restore.
        distortion: DistortionSpec,
    }
}

training_spec! {
    /// Segmentation of labelled images.
    FinetuneSpec of Stage::Finetune => {
        /// The epoch whose weights are kept under each protocol.
        #[serde(default)]
        keep: KeepsSpec,
        /// The loss that is lowered under each protocol.
        #[serde(default)]
        losses: LossesSpec,
        /// Random changes of the training images, applied in order. None if absent.
        #[serde(default)]
        augmentation: AugmentationSpec,
    }
}

/// Stops when the validation loss no longer falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EarlyStoppingSpec {
    /// Number of consecutive epochs without a validation loss below the lowest so far, after which training stops.
    pub patience: u32,
}

impl EarlyStoppingSpec {
    /// Checks the settings. The error names the invalid field, below `early_stopping`, and the expected value.
    pub fn check(&self) -> Result<(), (String, String)> {
        if self.patience == 0 { Err(("patience".into(), "at least 1 epoch".into())) } else { Ok(()) }
    }

    /// The settings in words.
    pub fn describe(&self) -> String {
        format!("stops after {} epochs without a lower validation loss", self.patience)
    }
}

/// The epoch whose weights a stage ends with. All state that belongs to the weights is kept with them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KeepSpec {
    /// The weights of the last epoch.
    #[default]
    Last,
    /// The weights of the epoch with the lowest validation loss; the first one if several are equal.
    Best,
}

impl KeepSpec {
    /// The choice in words.
    pub fn describe(&self) -> String {
        match self {
            Self::Last => "the last epoch's weights are kept",
            Self::Best => "the weights with the lowest validation loss are kept",
        }
        .to_owned()
    }
}

/// The epoch whose weights fine-tuning ends with under each protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KeepsSpec {
    /// Under the protocol `published`. If absent, the last epoch's.
    pub published: KeepSpec,
    /// Under the protocol `corrected`. If absent, those with the lowest validation loss: weights of a later epoch may fit the
    /// training images better and all others worse.
    pub corrected: KeepSpec,
}

impl Default for KeepsSpec {
    fn default() -> Self {
        Self { published: KeepSpec::Last, corrected: KeepSpec::Best }
    }
}

impl KeepsSpec {
    /// The choice under a protocol.
    pub fn under(&self, protocol: Protocol) -> KeepSpec {
        match protocol {
            Protocol::Published => self.published,
            Protocol::Corrected => self.corrected,
        }
    }
}

/// The settings of [`super::fit`]: the length of training, the learning rates, and the weights to keep.
#[derive(Debug, Clone, Copy)]
pub struct Training<'a> {
    /// The stage, which seeds its shuffles.
    pub stage: Stage,
    /// Seed of the study.
    pub seed: u64,
    /// Maximum number of epochs.
    pub epochs: u32,
    /// Images per step.
    pub batch: u32,
    /// The optimiser.
    pub optimizer: &'a OptimizerSpec,
    /// The change of its rate from epoch to epoch.
    pub schedule: &'a ScheduleSpec,
    /// Maximum norm of a step's gradient.
    pub gradient_clip: Option<f64>,
    /// The condition for stopping before the last epoch.
    pub early_stopping: Option<EarlyStoppingSpec>,
    /// The epoch whose weights are kept.
    pub keep: KeepSpec,
}

/// Maximum number of epochs of a stage.
const MOST_EPOCHS: u32 = 100_000;
/// Maximum number of images per step.
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

/// Prefixes the name of an invalid field with the name of its section.
fn below(section: &str) -> impl Fn((String, String)) -> (String, String) {
    move |(field, expected)| (format!("{section}.{field}"), expected)
}

impl PretrainSpec {
    /// The settings for [`super::fit`].
    pub fn training(&self, seed: u64) -> Training<'_> {
        self.with(seed, self.keep)
    }

    /// Checks the settings. The error names the invalid field and the expected value.
    pub fn check(&self) -> Result<(), (String, String)> {
        self.training(0).check()?;
        self.distortion.check().map_err(below("distortion"))
    }
}

impl FinetuneSpec {
    /// The settings for [`super::fit`] under a protocol.
    pub fn training(&self, seed: u64, protocol: Protocol) -> Training<'_> {
        self.with(seed, self.keep.under(protocol))
    }

    /// Checks the settings. The error names the invalid field and the expected value.
    pub fn check(&self) -> Result<(), (String, String)> {
        self.with(0, self.keep.published).check()?;
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
            finetune.check().map_err(|(field, _)| field)
        };
        assert_eq!(of(""), Ok(()));
        assert_eq!(of(r#", "gradient_clip": 1.0, "early_stopping": {"patience": 1}"#), Ok(()));
        for (more, field) in [
            (r#", "schedule": {"cosine": {"warmup": 5}}"#, "schedule.cosine.warmup"),
            (r#", "gradient_clip": 0.0"#, "gradient_clip"),
            (r#", "early_stopping": {"patience": 0}"#, "early_stopping.patience"),
        ] {
            assert_eq!(of(more), Err(field.to_owned()));
        }
        assert_eq!(finetuning(r#""losses": {"corrected": {}}"#).check().unwrap_err().0, "losses.corrected");
    }

    fn finetuning(more: &str) -> FinetuneSpec {
        let common = r#""epochs": 5, "batch": 4, "optimizer": {"adam": {"learning_rate": 0.1}}"#;
        serde_json::from_str(&format!("{{{common}, {more}}}")).unwrap()
    }

    #[test]
    fn each_protocol_keeps_its_own_weights() {
        let kept = |more: &str| {
            let spec = finetuning(more);
            [Protocol::Published, Protocol::Corrected].map(|protocol| spec.training(0, protocol).keep)
        };
        assert_eq!(kept(r#""keep": {}"#), [KeepSpec::Last, KeepSpec::Best]);
        assert_eq!(kept(r#""keep": {"published": "best"}"#), [KeepSpec::Best, KeepSpec::Best]);
        assert_eq!(kept(r#""keep": {"corrected": "last"}"#), [KeepSpec::Last, KeepSpec::Last]);
        let of = |more: &str, protocol| finetuning(more).training(0, protocol).needs_validation();
        assert!(!of(r#""keep": {}"#, Protocol::Published) && of(r#""keep": {}"#, Protocol::Corrected));
    }
}
