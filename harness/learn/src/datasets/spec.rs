//! The `dataset` section of a spec.

use super::{DataError, Folder, cats_and_dogs, oxford};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Which data set: `dataset: {oxford-iiit-pet: {folder: pets-sample}}`.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum DatasetSpec {
    /// Oxford-IIIT Pet: photographs with trimaps, in the official layout.
    OxfordIiitPet(OxfordIiitPet),
    /// A folder of folders of photographs, one a class, as Microsoft's Cats & Dogs. Without trimaps.
    CatsAndDogs(CatsAndDogs),
    /// Drawn pictures with trimaps: nothing to download.
    SyntheticPets(SyntheticPets),
}

impl DatasetSpec {
    /// Its name in specs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::OxfordIiitPet(_) => "oxford-iiit-pet",
            Self::CatsAndDogs(_) => "cats-and-dogs",
            Self::SyntheticPets(_) => "synthetic-pets",
        }
    }

    /// Its folder below the data folder, if it has one.
    pub fn folder(&self) -> Option<&str> {
        match self {
            Self::OxfordIiitPet(spec) => Some(&spec.folder),
            Self::CatsAndDogs(spec) => Some(&spec.folder),
            Self::SyntheticPets(_) => None,
        }
    }

    /// What is impossible in it: the field, below `dataset`, and what was expected of it.
    pub fn check(&self) -> Result<(), (String, String)> {
        if let Some(folder) = self.folder()
            && let Err(DataError::Folder { reason, example, .. }) = Folder::check(folder, "")
        {
            let expected = format!("a relative path below the data folder; this one {reason}{example}");
            return Err((format!("{}.folder", self.name()), expected));
        }
        let most = 99_999;
        match self {
            Self::CatsAndDogs(CatsAndDogs { per_class: Some(0), .. }) => {
                Err(("cats-and-dogs.per_class".into(), "at least 1 picture of each class, or nothing for all".into()))
            }
            Self::SyntheticPets(spec) => {
                let counts = [("trainval", spec.trainval), ("test", spec.test), ("unlabelled", spec.unlabelled)];
                match counts.iter().find(|(_, count)| *count > most) {
                    Some((name, _)) => Err((format!("synthetic-pets.{name}"), format!("at most {most} pictures"))),
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    /// Opens its folder.
    pub(super) fn open(&self, data_dir: &Path) -> Result<Folder, DataError> {
        match self {
            Self::OxfordIiitPet(spec) => oxford::open(spec, data_dir),
            Self::CatsAndDogs(spec) => cats_and_dogs::open(spec, data_dir),
            Self::SyntheticPets(_) => Err(DataError::Folder {
                folder: String::new(),
                reason: "is not read: the pictures are drawn",
                example: oxford::FOLDER,
            }),
        }
    }
}

/// Where Oxford-IIIT Pet lies.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct OxfordIiitPet {
    /// Folder below the data folder that holds `images/` and `annotations/`.
    #[serde(default = "oxford_folder")]
    pub folder: String,
}

impl Default for OxfordIiitPet {
    fn default() -> Self {
        Self { folder: oxford_folder() }
    }
}

fn oxford_folder() -> String {
    oxford::FOLDER.into()
}

/// Where a folder of classes lies, and how much of it is used.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct CatsAndDogs {
    /// Folder below the data folder whose sub-folders are the classes.
    #[serde(default = "cats_and_dogs_folder")]
    pub folder: String,
    /// Draw that many usable pictures of every class at random; by default as many as the smallest class has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub per_class: Option<u32>,
}

impl Default for CatsAndDogs {
    fn default() -> Self {
        Self { folder: cats_and_dogs_folder(), per_class: None }
    }
}

fn cats_and_dogs_folder() -> String {
    cats_and_dogs::FOLDER.into()
}

/// How many pictures are drawn.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct SyntheticPets {
    /// Pictures with trimaps for training and validation.
    #[schemars(range(max = 99_999))]
    pub trainval: u32,
    /// Pictures with trimaps for testing.
    #[schemars(range(max = 99_999))]
    pub test: u32,
    /// Pictures for pretraining.
    #[schemars(range(max = 99_999))]
    pub unlabelled: u32,
    /// Other seeds give other pictures. Not the study's seed: its repetitions share one data set.
    #[serde(default)]
    pub seed: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_is_the_name_of_a_data_set_with_its_options() {
        let read = |text: &str| serde_json::from_str::<DatasetSpec>(text);
        assert_eq!(
            read(r#"{"oxford-iiit-pet": {}}"#).unwrap(),
            DatasetSpec::OxfordIiitPet(OxfordIiitPet { folder: "oxford-iiit-pet".into() })
        );
        assert_eq!(
            read(r#"{"cats-and-dogs": {"per_class": 50}}"#).unwrap(),
            DatasetSpec::CatsAndDogs(CatsAndDogs { folder: "cats-and-dogs/PetImages".into(), per_class: Some(50) })
        );
        let error = read(r#"{"synthetic-pets": {"trainval": 1, "test": 1, "unlabeled": 1}}"#).unwrap_err();
        assert!(error.to_string().contains("unlabelled"), "{error}");
    }
}
