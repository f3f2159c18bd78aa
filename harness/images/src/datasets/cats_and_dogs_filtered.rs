//! The part of Kaggle's "Dogs vs. Cats" that TensorFlow's tutorials use: `cats_and_dogs_filtered.zip`.

use super::{DataError, DataSet, Folder, Survey, class_folders, each_once, known::Kind};
use harness_record::{monitor::Monitor, vocabulary::Purpose};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::Path;

/// The default folder.
pub(super) const FOLDER: &str = "cats-and-dogs-filtered";

const EXPECTED: &str = "cats_and_dogs_filtered/train/cats/cat.0.jpg and so on, with folders `train` and `validation`, each with `cats` and `dogs`";
const SOURCE: &str = "`harness data fetch cats-and-dogs-filtered`, or unpack \
    https://storage.googleapis.com/mledu-datasets/cats_and_dogs_filtered.zip there";

/// The location of the filtered set, and the parts to use.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct CatsAndDogsFiltered {
    /// Folder below the data folder that holds `cats_and_dogs_filtered/`.
    pub folder: String,
    /// The parts to use. Both if absent.
    pub splits: Vec<FilteredSplit>,
}

impl Default for CatsAndDogsFiltered {
    fn default() -> Self {
        let splits = vec![FilteredSplit::Train, FilteredSplit::Validation];
        Self { folder: FOLDER.into(), splits }
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

impl FilteredSplit {
    fn root(self) -> &'static str {
        match self {
            Self::Train => "cats_and_dogs_filtered/train",
            Self::Validation => "cats_and_dogs_filtered/validation",
        }
    }
}

impl DataSet for CatsAndDogsFiltered {
    fn folders(&self) -> Vec<&str> {
        vec![&self.folder]
    }

    fn check(&self) -> Result<(), (String, String)> {
        each_once("splits", &self.splits, "split")
    }

    fn describe(&self) -> String {
        let part = match self.splits[..] {
            [FilteredSplit::Train] => ", the part train",
            [FilteredSplit::Validation] => ", the part validation",
            _ => "",
        };
        format!("filtered cats and dogs in {}{part}", self.folder)
    }

    fn of_layout(layout: &str, folder: &str) -> Option<Self> {
        (layout == "cats-and-dogs-filtered").then(|| Self { folder: folder.to_owned(), ..Self::default() })
    }

    fn open(&self, data_dir: &Path) -> Result<Vec<Folder>, DataError> {
        Ok(vec![folder(self, data_dir)?])
    }

    /// Takes all pictures of the parts that the spec names.
    fn survey(&self, _: Purpose, data_dir: &Path, cache: &Path, monitor: &dyn Monitor) -> Result<Survey, DataError> {
        let folder = folder(self, data_dir)?;
        let (mut all, mut left_out) = (Vec::new(), Vec::new());
        for &split in &self.splits {
            let missing = |absent| missing(folder.path(), absent);
            let (classes, rows) = class_folders::classes(&folder, split.root(), missing)?;
            all.extend(classes);
            left_out.extend(rows);
        }
        let mut splits = self.splits.clone();
        splits.sort_unstable();
        let options = json!({ "cats-and-dogs-filtered": { "splits": splits } });
        class_folders::survey_of(&folder, (all, left_out), &options, cache, monitor)
    }
}

fn missing(folder: &Path, missing: Vec<String>) -> DataError {
    DataError::Missing { folder: folder.to_owned(), missing, expected: EXPECTED, source_of_data: SOURCE }
}

/// Opens its folder.
fn folder(spec: &CatsAndDogsFiltered, data_dir: &Path) -> Result<Folder, DataError> {
    let required: Vec<(&str, Kind)> = spec.splits.iter().map(|split| (split.root(), Kind::Folder)).collect();
    let opened = Folder::holding(data_dir, &spec.folder, FOLDER, &required)?;
    opened.map_err(|absent| missing(&data_dir.join(&spec.folder), absent))
}
