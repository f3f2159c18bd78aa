//! The `dataset` section of a spec.

use super::{
    DataError, Folder, PetsCorpus, cats_and_dogs, cats_and_dogs_filtered, check_below, cifar_10, oxford, pets_corpus,
    stanford_dogs,
};
use harness_record::vocabulary::Protocol;
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
    /// The part of Kaggle's Dogs vs. Cats that TensorFlow's tutorials use, as its archive unpacks. Without trimaps.
    CatsAndDogsFiltered(CatsAndDogsFiltered),
    /// CIFAR-10, as its binary archive or the hub has it: of its ten classes' pictures for training all, or some. Without trimaps.
    #[serde(rename = "cifar-10")]
    Cifar10(Cifar10),
    /// Stanford Dogs in its official layout. Without trimaps.
    StanfordDogs(StanfordDogs),
    /// The published pretraining corpus, composed of the four above. Without trimaps.
    PetsCorpus(PetsCorpus),
    /// Drawn pictures with trimaps: nothing to download.
    SyntheticPets(SyntheticPets),
}

impl DatasetSpec {
    /// Its name in specs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::OxfordIiitPet(_) => "oxford-iiit-pet",
            Self::CatsAndDogs(_) => "cats-and-dogs",
            Self::CatsAndDogsFiltered(_) => "cats-and-dogs-filtered",
            Self::Cifar10(_) => "cifar-10",
            Self::StanfordDogs(_) => "stanford-dogs",
            Self::PetsCorpus(_) => "pets-corpus",
            Self::SyntheticPets(_) => "synthetic-pets",
        }
    }

    /// Whether something can be segmented in it.
    pub fn has_trimaps(&self) -> bool {
        matches!(self, Self::OxfordIiitPet(_) | Self::SyntheticPets(_))
    }

    /// Its folders below the data folder: none, one, or those of its parts.
    pub fn folders(&self) -> Vec<&str> {
        match self {
            Self::OxfordIiitPet(spec) => vec![&spec.folder],
            Self::CatsAndDogs(spec) => vec![&spec.folder],
            Self::CatsAndDogsFiltered(spec) => vec![&spec.folder],
            Self::Cifar10(spec) => vec![&spec.folder],
            Self::StanfordDogs(spec) => vec![&spec.folder],
            Self::PetsCorpus(spec) => spec.folders.all().to_vec(),
            Self::SyntheticPets(_) => Vec::new(),
        }
    }

    /// The same, with what the protocol decides written out: what is surveyed and loaded.
    #[must_use]
    pub fn under(&self, protocol: Protocol) -> Self {
        match self {
            Self::PetsCorpus(spec) => Self::PetsCorpus(spec.under(protocol)),
            other => other.clone(),
        }
    }

    /// Whether the protocol decides which pictures there are.
    pub fn depends_on_protocol(&self) -> bool {
        self.under(Protocol::Published) != self.under(Protocol::Corrected)
    }

    /// What is impossible in it: the field, below `dataset`, and what was expected of it.
    pub fn check(&self) -> Result<(), (String, String)> {
        self.check_folders()?;
        match self {
            Self::CatsAndDogs(CatsAndDogs { per_class: Some(0), .. }) => {
                Err(("cats-and-dogs.per_class".into(), "at least 1 picture of each class, or nothing for all".into()))
            }
            Self::CatsAndDogsFiltered(spec) => each_once("cats-and-dogs-filtered.splits", &spec.splits, "split"),
            Self::Cifar10(Cifar10 { classes: Some(classes), .. }) => each_once("cifar-10.classes", classes, "class"),
            Self::SyntheticPets(spec) => spec.check(),
            _ => Ok(()),
        }
    }

    fn check_folders(&self) -> Result<(), (String, String)> {
        for (place, folder) in self.folders().into_iter().enumerate() {
            if let Err(DataError::Folder { reason, example, .. }) = check_below(folder, "") {
                let field = match self {
                    Self::PetsCorpus(_) => format!("folders.{}", pets_corpus::NAMES[place]),
                    _ => "folder".to_owned(),
                };
                let expected = format!("a relative path below the data folder; this one {reason}{example}");
                return Err((format!("{}.{field}", self.name()), expected));
            }
        }
        Ok(())
    }

    /// Opens its folders.
    pub(super) fn open(&self, data_dir: &Path) -> Result<Vec<Folder>, DataError> {
        match self {
            Self::OxfordIiitPet(spec) => oxford::open(spec, data_dir).map(|folder| vec![folder]),
            Self::CatsAndDogs(spec) => cats_and_dogs::open(spec, data_dir).map(|folder| vec![folder]),
            Self::CatsAndDogsFiltered(spec) => cats_and_dogs_filtered::open(spec, data_dir).map(|folder| vec![folder]),
            Self::Cifar10(spec) => cifar_10::open(spec, data_dir).map(|folder| vec![folder]),
            Self::StanfordDogs(spec) => stanford_dogs::open(spec, data_dir).map(|folder| vec![folder]),
            Self::PetsCorpus(spec) => pets_corpus::open(spec, data_dir),
            Self::SyntheticPets(_) => Ok(Vec::new()),
        }
    }
}

/// Refuses a list that is empty or names something twice.
fn each_once<T: PartialEq>(field: &str, items: &[T], what: &str) -> Result<(), (String, String)> {
    if items.is_empty() {
        return Err((field.to_owned(), format!("at least one {what}")));
    }
    match (0..items.len()).find(|&i| items[..i].contains(&items[i])) {
        Some(i) => Err((format!("{field}[{i}]"), format!("each {what} once"))),
        None => Ok(()),
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

/// Where the filtered set lies, and which parts of it are used.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct CatsAndDogsFiltered {
    /// Folder below the data folder that holds `cats_and_dogs_filtered/`.
    pub folder: String,
    /// Its parts that are used; both by default.
    pub splits: Vec<FilteredSplit>,
}

impl Default for CatsAndDogsFiltered {
    fn default() -> Self {
        let splits = vec![FilteredSplit::Train, FilteredSplit::Validation];
        Self { folder: cats_and_dogs_filtered::FOLDER.into(), splits }
    }
}

/// A part of the filtered set.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "kebab-case")]
pub enum FilteredSplit {
    /// 1,000 cats and 1,000 dogs.
    Train,
    /// 500 cats and 500 dogs.
    Validation,
}

/// Where CIFAR-10 lies, and which classes of it are used.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Cifar10 {
    /// Folder below the data folder that holds `cifar-10-batches-bin/`, or `plain_text/` with the hub's Parquet files.
    pub folder: String,
    /// Names of the classes that are used, such as `[cat, dog]`; all ten by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classes: Option<Vec<String>>,
}

impl Default for Cifar10 {
    fn default() -> Self {
        Self { folder: cifar_10::FOLDER.into(), classes: None }
    }
}

/// Where Stanford Dogs lies.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct StanfordDogs {
    /// Folder below the data folder that holds `Images/`.
    pub folder: String,
}

impl Default for StanfordDogs {
    fn default() -> Self {
        Self { folder: stanford_dogs::FOLDER.into() }
    }
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

impl SyntheticPets {
    fn check(&self) -> Result<(), (String, String)> {
        let most = 99_999;
        let counts = [("trainval", self.trainval), ("test", self.test), ("unlabelled", self.unlabelled)];
        match counts.iter().find(|(_, count)| *count > most) {
            Some((name, _)) => Err((format!("synthetic-pets.{name}"), format!("at most {most} pictures"))),
            None => Ok(()),
        }
    }
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
