//! The section `data` of a study.

use harness_images::{
    datasets::DatasetSpec,
    split::{Selection, SplitSpec},
};
use harness_learn::models::Normalise;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The data that a study trains and tests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataSpec {
    /// Side of the images as the network sees them, in pixels.
    pub size: u32,
    /// Normalises each value v in 0..1 to (v − mean) / std for the network. If absent, values are left as they are.
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
    /// The data set of the images.
    pub dataset: DatasetSpec,
    /// Number of images held out, to measure how well unseen images are restored.
    #[serde(default)]
    pub validation: u32,
    /// Share of the remaining images that is used for training, balanced over the classes. Above 0 and at most 1.
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
    /// The data set of the images.
    pub dataset: DatasetSpec,
    /// The split into train, validation and test. It is the same for all seeds of the study.
    pub split: SplitSpec,
    /// The part of the training images to use; all of them if absent. Validation and test stay whole.
    #[serde(default)]
    pub train: Selection,
}

impl SegmentationData {
    /// Returns true if the split leaves no images for validation.
    pub fn has_no_validation(&self) -> bool {
        use harness_images::split::{Amount, OfficialSplit};
        matches!(self.split, SplitSpec::Official(OfficialSplit { validation: Amount::Images(0), .. }))
            || matches!(&self.split, SplitSpec::Official(OfficialSplit { validation: Amount::Share(share), .. }) if *share == 0.0)
    }
}
