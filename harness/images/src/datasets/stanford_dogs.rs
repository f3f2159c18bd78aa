//! Stanford Dogs in its official layout: a folder for each of 120 breeds.
//!
//! Khosla, Jayadevaprakash, Yao, Li: "Novel Dataset for Fine-Grained Image Categorization", CVPR workshop 2011.

use super::{
    DataError, DataSet, Folder, Survey,
    class_folders::{self, Class},
    known::Kind,
};
use harness_record::{monitor::Monitor, rows::FileRow, vocabulary::Purpose};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::Path;

/// The default folder.
pub(super) const FOLDER: &str = "stanford-dogs";

const IMAGES: &str = "Images";
const EXPECTED: &str = "Images/n02085620-Chihuahua/n02085620_10074.jpg and so on, one folder per breed";
const SOURCE: &str = "`harness data fetch stanford-dogs`, or unpack \
    http://vision.stanford.edu/aditya86/ImageNetDogs/images.tar there";

/// The location of Stanford Dogs.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct StanfordDogs {
    /// Folder below the data folder that holds `Images/`.
    pub folder: String,
}

impl Default for StanfordDogs {
    fn default() -> Self {
        Self { folder: FOLDER.into() }
    }
}

impl DataSet for StanfordDogs {
    fn folders(&self) -> Vec<&str> {
        vec![&self.folder]
    }

    fn describe(&self) -> String {
        format!("Stanford Dogs in {}", self.folder)
    }

    fn of_layout(layout: &str, folder: &str) -> Option<Self> {
        (layout == "stanford-dogs").then(|| Self { folder: folder.to_owned() })
    }

    fn open(&self, data_dir: &Path) -> Result<Vec<Folder>, DataError> {
        Ok(vec![folder(self, data_dir)?])
    }

    /// All its pictures.
    fn survey(&self, _: Purpose, data_dir: &Path, cache: &Path, monitor: &dyn Monitor) -> Result<Survey, DataError> {
        let folder = folder(self, data_dir)?;
        let breeds = breeds(&folder)?;
        class_folders::survey_of(&folder, breeds, &json!({ "stanford-dogs": {} }), cache, monitor)
    }
}

/// Opens its folder if it has the official layout. Otherwise lists the missing parts.
pub(super) fn look(folder: &str, data_dir: &Path) -> Result<Result<Folder, Vec<String>>, DataError> {
    Folder::holding(data_dir, folder, FOLDER, &[(IMAGES, Kind::Folder)])
}

fn missing(folder: &Path, missing: Vec<String>) -> DataError {
    DataError::Missing { folder: folder.to_owned(), missing, expected: EXPECTED, source_of_data: SOURCE }
}

/// Opens its folder.
fn folder(spec: &StanfordDogs, data_dir: &Path) -> Result<Folder, DataError> {
    look(&spec.folder, data_dir)?.map_err(|absent| missing(&data_dir.join(&spec.folder), absent))
}

/// The breeds, under their names without the synset, and rows for pictures that are not used.
pub(super) fn breeds(folder: &Folder) -> Result<(Vec<Class>, Vec<FileRow>), DataError> {
    let (mut breeds, left_out) = class_folders::classes(folder, IMAGES, |absent| missing(folder.path(), absent))?;
    for breed in &mut breeds {
        breed.name = without_synset(&breed.name).to_owned();
    }
    Ok((breeds, left_out))
}

/// `Chihuahua` for `n02085620-Chihuahua`. Any other folder name is the name of the breed.
fn without_synset(name: &str) -> &str {
    let synset =
        |text: &str| text.strip_prefix('n').is_some_and(|n| n.len() == 8 && n.bytes().all(|b| b.is_ascii_digit()));
    name.split_once('-').filter(|(first, breed)| synset(first) && !breed.is_empty()).map_or(name, |(_, breed)| breed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_breed_is_named_without_its_synset() {
        for (folder, breed) in [
            ("n02085620-Chihuahua", "Chihuahua"),
            ("n02086240-Shih-Tzu", "Shih-Tzu"),
            ("n02096177-cairn", "cairn"),
            ("mutts", "mutts"),
            ("n123-mutts", "n123-mutts"),
            ("n02085620-", "n02085620-"),
        ] {
            assert_eq!(without_synset(folder), breed);
        }
    }
}
