//! A folder with one folder of photographs for each class.

use super::{
    DataError, DataSet, Folder, Survey,
    class_folders::{self, Class, shuffle},
    digest_of,
    hashes::Hashes,
    known::FileHash,
    row,
};
use harness_record::{
    monitor::Monitor,
    rows::FileRow,
    vocabulary::{FileUse, Purpose},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::Path;

/// The default folder.
pub(super) const FOLDER: &str = "cats-and-dogs/PetImages";

const EXPECTED: &str = "one folder of pictures per class, like Cat/0.jpg and Dog/0.jpg";
const SOURCE: &str = "unpack \
                      https://download.microsoft.com/download/3/E/1/3E1C3F21-ECDB-4869-8368-6DEBA77B919F/kagglecatsanddogs_5340.zip, \
                      or put one folder of pictures per class there";

/// The location of a folder of classes, and the number of pictures to use.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct CatsAndDogs {
    /// Folder below the data folder whose sub-folders are the classes.
    #[serde(default = "cats_and_dogs_folder")]
    pub folder: String,
    /// Number of usable pictures to draw at random from every class. If absent, the number of the smallest class.
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
    FOLDER.into()
}

impl DataSet for CatsAndDogs {
    fn folders(&self) -> Vec<&str> {
        vec![&self.folder]
    }

    fn check(&self) -> Result<(), (String, String)> {
        match self.per_class {
            Some(0) => Err(("per_class".into(), "at least 1 picture of each class, or no value for all".into())),
            _ => Ok(()),
        }
    }

    fn describe(&self) -> String {
        match self.per_class {
            Some(n) => format!("cats and dogs in {}, {n} of each", self.folder),
            None => format!("cats and dogs in {}, the same number of each", self.folder),
        }
    }

    fn of_layout(layout: &str, folder: &str) -> Option<Self> {
        (layout == "class-folders").then(|| Self { folder: folder.to_owned(), per_class: None })
    }

    fn open(&self, data_dir: &Path) -> Result<Vec<Folder>, DataError> {
        Ok(vec![folder(self, data_dir)?])
    }

    /// Draws as many usable pictures of each class as the spec says, or as many as the smallest class has.
    ///
    /// Files are taken in a random order that depends only on the class's name and files, and decoded until there are
    /// enough. The results of decoding are remembered beside the hashes. Files after that point are not read.
    fn survey(&self, _: Purpose, data_dir: &Path, cache: &Path, monitor: &dyn Monitor) -> Result<Survey, DataError> {
        if self.per_class == Some(0) {
            let reason = "0 pictures; expected at least 1, or no value for as many as the smallest class has".into();
            return Err(DataError::Field { field: "cats-and-dogs.per_class", reason });
        }
        let folder = folder(self, data_dir)?;
        let (mut classes, mut left_out) = class_folders::classes(&folder, "", |absent| missing(folder.path(), absent))?;
        for Class { name, files } in &mut classes {
            shuffle(files, &["cats-and-dogs", name, "subset"]);
        }
        // The class with the fewest files comes first, so that no class is read beyond the number that it can set.
        classes.sort_by(|a, b| (a.files.len(), &a.name).cmp(&(b.files.len(), &b.name)));

        let mut hashes = Hashes::open(cache, &folder);
        let mut limit = self.per_class.map_or(usize::MAX, |n| n as usize);
        let mut drawn = Vec::new();
        for class in &classes {
            let (good, damaged) = draw(class, limit, &mut hashes, monitor)?;
            left_out.extend(damaged);
            match self.per_class {
                Some(wanted) if good.len() < wanted as usize => {
                    hashes.save()?;
                    let (usable, files) = (good.len(), class.files.len());
                    return Err(DataError::TooFew { path: folder.file(&class.name), wanted, usable, files });
                }
                _ => limit = limit.min(good.len()),
            }
            drawn.push((&class.name, good));
        }
        hashes.save()?;

        let mut sources = Vec::new();
        for (class, good) in drawn {
            sources.extend(good.into_iter().take(limit).map(|file| class_folders::source(class, file)));
        }
        sources.sort_by(|a, b| a.item.name.cmp(&b.item.name));
        let files: usize = classes.iter().map(|class| class.files.len()).sum();
        let skipped = left_out.iter().filter(|row| row.used == FileUse::Skipped).count();
        let digest = digest_of(&json!({ "cats-and-dogs": { "per_class": self.per_class } }), &sources, &[])?;
        let not_drawn = (files - skipped - sources.len()) as u64;
        Ok(Survey { left_out, not_drawn, ..Survey::of(digest, sources) })
    }
}

fn missing(folder: &Path, missing: Vec<String>) -> DataError {
    DataError::Missing { folder: folder.to_owned(), missing, expected: EXPECTED, source_of_data: SOURCE }
}

/// Opens its folder.
fn folder(spec: &CatsAndDogs, data_dir: &Path) -> Result<Folder, DataError> {
    Folder::open(data_dir, &spec.folder, FOLDER)?
        .ok_or_else(|| missing(&data_dir.join(&spec.folder), vec!["the folder".into()]))
}

/// The first `limit` files of a class that decode, and rows for the files before them that do not.
fn draw(
    class: &Class,
    limit: usize,
    hashes: &mut Hashes<'_>,
    monitor: &dyn Monitor,
) -> Result<(Vec<FileHash>, Vec<FileRow>), DataError> {
    let (mut good, mut damaged) = (Vec::new(), Vec::new());
    let mut rest = class.files.as_slice();
    while good.len() < limit && !rest.is_empty() {
        let candidates;
        (candidates, rest) = rest.split_at(rest.len().min(limit - good.len()));
        for (file, damage) in hashes.checked(candidates, monitor)? {
            match damage {
                None => good.push(file),
                Some(reason) => damaged.push(row(FileUse::Skipped, file.name, &class.name, reason)),
            }
        }
    }
    Ok((good, damaged))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_the_draw_never_changes() {
        let mut files: Vec<String> = (0..8).map(|n| n.to_string()).collect();
        shuffle(&mut files, &["cats-and-dogs", "Cat", "subset"]);
        assert_eq!(files.concat(), "56410237");
    }
}
