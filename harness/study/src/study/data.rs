//! The section `data` of a study.

use harness_images::{
    datasets::DatasetSpec,
    split::{Selection, SplitSpec},
};
use harness_learn::models::Normalise;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is trained and tested on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataSpec {
    /// Side of the images as the network sees them, in pixels.
    pub size: u32,
    /// Makes of a value v in 0..1 what the network sees, (v − mean) / std; as it is if absent.
    #[serde(default)]
    pub normalise: Option<Normalise>,
    /// Images without labels.
    pub pretraining: PretrainingData,
    /// Images with trimaps.
    pub segmentation: SegmentationData,
}

/// Images without labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PretrainingData {
    /// Where they come from.
    pub dataset: DatasetSpec,
    /// How many are held out, to see how well unseen images are restored.
    #[serde(default)]
    pub validation: u32,
    /// Share of the others that train, balanced over the classes; above 0 and at most 1.
    #[serde(default = "whole")]
    pub fraction: f64,
}

fn whole() -> f64 {
    1.0
}

/// Images with trimaps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SegmentationData {
    /// Where they come from.
    pub dataset: DatasetSpec,
    /// How they are cut into train, validation and test, the same for all seeds of the study.
    pub split: SplitSpec,
    /// Which of the training part train; all if absent. Validation and test stay whole.
    #[serde(default)]
    pub train: Selection,
}

impl SegmentationData {
    /// Whether no image validates.
    pub fn has_no_validation(&self) -> bool {
        use harness_images::split::{Amount, OfficialSplit};
        matches!(self.split, SplitSpec::Official(OfficialSplit { validation: Amount::Images(0), .. }))
            || matches!(&self.split, SplitSpec::Official(OfficialSplit { validation: Amount::Share(share), .. }) if *share == 0.0)
    }
}
