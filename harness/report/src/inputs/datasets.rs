//! `study.json`, `datasets`: the data as the study used them.

use harness_record::{
    rows::FileRow,
    vocabulary::{Protocol, Split},
};
use serde::{Deserialize, Serialize};

/// A data set as the study used it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetInput {
    /// `segmentation` or `pretraining`.
    pub role: String,
    /// Name of the data set.
    pub dataset: String,
    /// Names of the arms that used it in this way; empty where all arms did.
    #[serde(default)]
    pub arms: Vec<String>,
    /// Protocols under which it was used in this way; empty where it was under all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub protocols: Vec<Protocol>,
    /// Pictures that show the same as another one; absent where that was not looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeated: Option<RepeatedInput>,
    /// Digest of its files.
    pub digest: String,
    /// Height and width of the images as the model saw them, in pixels.
    pub size: u32,
    /// Licence in words.
    pub licence: String,
    /// Whom to cite.
    pub citation: String,
    /// Images in each split that was used.
    pub splits: Vec<SplitCount>,
    /// Images of each breed or class in each split, by name; empty where that was not written down.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupCount>,
    /// Files that were skipped or not used, with the reason.
    #[serde(default)]
    pub left_out: Vec<FileRow>,
}

/// Pictures of a data set that show the same as another one, pixel for pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepeatedInput {
    /// How many; of equal ones the first by name is not counted.
    pub pictures: u64,
    /// Whether they were left out.
    pub removed: bool,
}

/// Number of images in a split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitCount {
    /// The split.
    pub split: Split,
    /// Number of images.
    pub images: u64,
}

/// Number of images of a breed or class in each split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupCount {
    /// Its name.
    pub group: String,
    /// Images that trained.
    pub train: u64,
    /// Images of validation.
    pub validation: u64,
    /// Images of the test.
    pub test: u64,
}
