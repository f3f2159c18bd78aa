//! The `pets-corpus` of a spec.

use crate::datasets::{cats_and_dogs, cats_and_dogs_filtered, cifar_10, stanford_dogs};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The published pretraining corpus: cats of three data sets, dogs of two, the more numerous cut at random to the number of the
/// others.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct PetsCorpus {
    /// Where its parts lie.
    #[serde(default)]
    pub folders: CorpusFolders,
    /// Whether each part must have as many pictures as in the published work.
    #[serde(default)]
    pub counts: Counts,
    /// What becomes of pictures that show the same as another, pixel for pixel; by default the protocol `published` keeps them and
    /// `corrected` removes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicates: Option<Duplicates>,
}

/// Folders below the data folder, each laid out as the data set of its name.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct CorpusFolders {
    /// CIFAR-10, of which the cats and dogs for training are taken.
    #[serde(rename = "cifar-10")]
    pub cifar_10: String,
    /// Kaggle's filtered set, of which the cats for training are taken.
    pub cats_and_dogs_filtered: String,
    /// Microsoft's set, of whose folder `Cat` all usable pictures are taken.
    pub cats_and_dogs: String,
    /// Stanford Dogs, of which all is taken.
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
    /// All of them, in the order of [`NAMES`].
    pub(super) fn all(&self) -> [&str; 4] {
        [&self.cifar_10, &self.cats_and_dogs_filtered, &self.cats_and_dogs, &self.stanford_dogs]
    }
}

/// Names of the parts: of the fields above, and in front of the names of their pictures.
pub(super) const NAMES: [&str; 4] = ["cifar-10", "cats-and-dogs-filtered", "cats-and-dogs", "stanford-dogs"];

/// How many pictures each part must have.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Counts {
    /// As many as in the published work; anything else is an error.
    #[default]
    Published,
    /// As many as there are.
    AsFound,
}

/// What becomes of pictures that another one equals.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Duplicates {
    /// They stay, and are counted.
    Keep,
    /// Of equal pictures the first by name stays.
    Remove,
}
