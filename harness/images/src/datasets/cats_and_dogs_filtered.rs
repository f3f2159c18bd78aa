//! The part of Kaggle's "Dogs vs. Cats" that TensorFlow's tutorials use: `cats_and_dogs_filtered.zip`.

use super::{CatsAndDogsFiltered, DataError, FilteredSplit, Folder, Survey, class_folders, folder::Kind};
use harness_record::monitor::Monitor;
use serde_json::json;
use std::path::Path;

/// Its folder, where a spec names none.
pub(super) const FOLDER: &str = "cats-and-dogs-filtered";

const EXPECTED: &str = "cats_and_dogs_filtered/train/cats/cat.0.jpg and so on, with folders `train` and `validation`, each with `cats` and `dogs`";
const SOURCE: &str = "`harness data fetch cats-and-dogs-filtered`, or unpack \
    https://storage.googleapis.com/mledu-datasets/cats_and_dogs_filtered.zip there";

impl FilteredSplit {
    fn root(self) -> &'static str {
        match self {
            Self::Train => "cats_and_dogs_filtered/train",
            Self::Validation => "cats_and_dogs_filtered/validation",
        }
    }
}

fn missing(folder: &Path, missing: Vec<String>) -> DataError {
    DataError::Missing { folder: folder.to_owned(), missing, expected: EXPECTED, source_of_data: SOURCE }
}

/// Opens its folder.
pub(super) fn open(spec: &CatsAndDogsFiltered, data_dir: &Path) -> Result<Folder, DataError> {
    let required: Vec<(&str, Kind)> = spec.splits.iter().map(|split| (split.root(), Kind::Folder)).collect();
    let opened = Folder::holding(data_dir, &spec.folder, FOLDER, &required)?;
    opened.map_err(|absent| missing(&data_dir.join(&spec.folder), absent))
}

/// All pictures of the parts that the spec names.
pub(super) fn survey(
    spec: &CatsAndDogsFiltered,
    data_dir: &Path,
    cache: &Path,
    monitor: &dyn Monitor,
) -> Result<Survey, DataError> {
    let folder = open(spec, data_dir)?;
    let (mut all, mut left_out) = (Vec::new(), Vec::new());
    for &split in &spec.splits {
        let missing = |absent| missing(folder.path(), absent);
        let (classes, rows) = class_folders::classes(&folder, split.root(), missing)?;
        all.extend(classes);
        left_out.extend(rows);
    }
    let mut splits = spec.splits.clone();
    splits.sort_unstable();
    let options = json!({ "cats-and-dogs-filtered": { "splits": splits } });
    class_folders::survey_of(&folder, (all, left_out), &options, cache, monitor)
}
