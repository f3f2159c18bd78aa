//! The settings of the data set `pets-corpus`.

use crate::datasets::{cats_and_dogs, cats_and_dogs_filtered, cifar_10, stanford_dogs};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The published pretraining corpus: cats of three data sets and dogs of two. The larger class is cut at random to the
/// size of the smaller one.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct PetsCorpus {
    /// The locations of its parts.
    #[serde(default)]
    pub folders: CorpusFolders,
    /// The number of pictures that each part must have.
    #[serde(default)]
    pub counts: Counts,
    /// The treatment of pictures that equal another one, pixel for pixel. If absent, the protocol decides: `published`
    /// keeps them and `corrected` removes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicates: Option<Duplicates>,
}

/// Folders below the data folder. Each has the layout of the data set after which it is named.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct CorpusFolders {
    /// CIFAR-10. Its cats and dogs for training are used.
    #[serde(rename = "cifar-10")]
    pub cifar_10: String,
    /// Kaggle's filtered set. Its cats for training are used.
    pub cats_and_dogs_filtered: String,
    /// Microsoft's set. All usable pictures of its folder `Cat` are used.
    pub cats_and_dogs: String,
    /// Stanford Dogs. All of its pictures are used.
    pub stanford_dogs: String,
}

impl Default for CorpusFolders {
    fn default() -> Self {
        Self {
            cifar_10: cifar_10::FOLDER.into(),
            cats_and_dogs_filtered: cats_and_dogs_filtered::FOLDER.into(),
            cats_and_dogs: cats_and_dogs::FOLDER.into(),
            stanford_dogs: stanford_dogs::FOLDER.into(),
        }
    }
}

impl CorpusFolders {
    /// All folders, in the order of [`NAMES`].
    pub(super) fn all(&self) -> [&str; 4] {
        [&self.cifar_10, &self.cats_and_dogs_filtered, &self.cats_and_dogs, &self.stanford_dogs]
    }
}

/// Names of the parts. They name the fields above, and prefix the names of their pictures.
pub(super) const NAMES: [&str; 4] = ["cifar-10", "cats-and-dogs-filtered", "cats-and-dogs", "stanford-dogs"];

/// The number of pictures that each part must have.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Counts {
    /// The number in the published work. Any other number is an error.
    #[default]
    Published,
    /// The number that the folders hold.
    AsFound,
}

/// The treatment of pictures that equal another one.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Duplicates {
    /// Keeps them and counts them.
    Keep,
    /// Keeps only the first by name of several equal pictures.
    Remove,
}
