//! The sections of a study that decide its numbers.

use harness_images::{
    datasets::DatasetSpec,
    split::{Selection, SplitSpec},
};
use harness_learn::{
    evaluate::EvaluateSpec,
    models::{InitSpec, ModelSpec, Normalise},
    train::{FinetuneSpec, PretrainSpec},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Names of an experiment's sections.
pub(crate) const SECTIONS: [&str; 6] = ["data", "model", "init", "pretraining", "finetuning", "evaluation"];

/// What an arm does: the study's sections with the arm's variants laid over them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Experiment {
    /// What is trained and tested on.
    pub(crate) data: DataSpec,
    /// The network.
    pub(crate) model: ModelSpec,
    /// What its weights are before the first training.
    #[serde(default)]
    pub(crate) init: InitSpec,
    /// Training without labels.
    pub(crate) pretraining: PretrainSpec,
    /// Training with labels.
    pub(crate) finetuning: FinetuneSpec,
    /// Testing.
    pub(crate) evaluation: EvaluateSpec,
}

/// What is trained and tested on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DataSpec {
    /// Side of the images as the network sees them, in pixels.
    pub(crate) size: u32,
    /// Makes of a value v in 0..1 what the network sees, (v − mean) / std; as it is if absent.
    #[serde(default)]
    pub(crate) normalise: Option<Normalise>,
    /// Images without labels.
    pub(crate) pretraining: PretrainingData,
    /// Images with trimaps.
    pub(crate) segmentation: SegmentationData,
}

/// Images without labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PretrainingData {
    /// Where they come from.
    pub(crate) dataset: DatasetSpec,
    /// How many are held out, to see how well unseen images are restored.
    #[serde(default)]
    pub(crate) validation: u32,
    /// Share of the others that train, balanced over the classes; above 0 and at most 1.
    #[serde(default = "whole")]
    pub(crate) fraction: f64,
}

fn whole() -> f64 {
    1.0
}

/// Images with trimaps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SegmentationData {
    /// Where they come from.
    pub(crate) dataset: DatasetSpec,
    /// How they are cut into train, validation and test, the same for all seeds of the study.
    pub(crate) split: SplitSpec,
    /// Which of the training part train; all if absent. Validation and test stay whole.
    #[serde(default)]
    pub(crate) train: Selection,
}

impl SegmentationData {
    /// Whether no image validates.
    pub(crate) fn has_no_validation(&self) -> bool {
        use harness_images::split::{Amount, OfficialSplit};
        matches!(self.split, SplitSpec::Official(OfficialSplit { validation: Amount::Images(0), .. }))
            || matches!(&self.split, SplitSpec::Official(OfficialSplit { validation: Amount::Share(share), .. }) if *share == 0.0)
    }
}
