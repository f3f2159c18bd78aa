//! The `datasets` of `study.json`: the data as the study used them.

use harness_record::{
    rows::FileRow,
    vocabulary::{Protocol, Purpose, Split},
};
use serde::{Deserialize, Serialize};

/// A data set as the study used it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetInput {
    /// The purpose for which the study used it.
    pub purpose: Purpose,
    /// The name of the data set.
    pub dataset: String,
    /// The names of the arms that used the data set in this way; empty if all arms did.
    #[serde(default)]
    pub arms: Vec<String>,
    /// The protocols under which it was used in this way; empty if it was used so under all protocols.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub protocols: Vec<Protocol>,
    /// The pictures that show the same as another one; absent if repeats were not looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeated: Option<RepeatedInput>,
    /// The digest of the files.
    pub digest: String,
    /// The height and width of the images at the input of the model, in pixels.
    pub size: u32,
    /// The licence, in words.
    pub licence: String,
    /// The work to cite.
    pub citation: String,
    /// The seed of the run whose images are counted by breed, if every seed draws its own cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The number of images in each split that was used.
    pub splits: Vec<SplitCount>,
    /// The number of images of each breed or class in each split, by name; empty if it was not recorded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupCount>,
    /// The files that were skipped or not used, with the reason.
    #[serde(default)]
    pub left_out: Vec<FileRow>,
}

/// Pictures of a data set that show the same as another one, pixel for pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepeatedInput {
    /// The number of repeated pictures. Of equal pictures, the first by name is not counted.
    pub pictures: u64,
    /// True if the repeated pictures were left out.
    pub removed: bool,
}

/// The number of images in a split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitCount {
    /// The split.
    pub split: Split,
    /// The number of images.
    pub images: u64,
}

/// The number of images of a breed or class in each split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupCount {
    /// The name of the breed or class.
    pub group: String,
    /// The number of training images.
    pub train: u64,
    /// The number of validation images.
    pub validation: u64,
    /// The number of test images.
    pub test: u64,
}
