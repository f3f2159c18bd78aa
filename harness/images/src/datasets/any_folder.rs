//! Reads all pictures below a folder like those of a data set. Used for benchmarks, not for training.

use super::{
    DataError, Folder, Pictures, Source, Survey, class_folders,
    decoded::{self, Made},
    digest_of,
    folder::picture_name,
    hashes::Hashes,
    row,
};
use harness_record::{
    monitor::Monitor,
    rows::FileRow,
    vocabulary::{FileUse, Purpose},
};
use serde_json::json;
use std::path::Path;
use walkdir::{DirEntry, WalkDir};

/// The pictures below a folder.
pub(crate) struct AnyFolder {
    folder: Folder,
    survey: Survey,
}

impl AnyFolder {
    /// Searches `folder` and everything below it, in the order of the names. Hidden files and folders, and files
    /// without the extension of a picture, are skipped. Symbolic links are followed. Hashes of the files are remembered
    /// below `cache`.
    pub(crate) fn survey(folder: &Path, cache: &Path, monitor: &dyn Monitor) -> Result<Self, DataError> {
        let (names, left_out) = names(folder)?;
        let folder = Folder::at(folder)?;
        let mut hashes = Hashes::open(cache, &folder);
        let files = hashes.of(&names, monitor)?;
        hashes.save()?;
        let sources: Vec<Source> = files.into_iter().map(|file| class_folders::source("", file)).collect();
        let digest = digest_of(&json!("any folder"), &sources, &[])?;
        Ok(Self { folder, survey: Survey { left_out, ..Survey::of(digest, sources) } })
    }

    /// Files that cannot be read because of their names.
    pub(crate) fn left_out(&self) -> &[FileRow] {
        &self.survey.left_out
    }

    /// Reads, decodes and resizes all pictures.
    pub(crate) fn decode(&self, size: u32, monitor: &dyn Monitor) -> Result<Made, DataError> {
        decoded::make(std::slice::from_ref(&self.folder), &self.survey, Purpose::Pretraining, size, monitor)
    }

    /// Puts the decoded pictures into the cache.
    pub(crate) fn keep(&self, made: Made, cache: &Path, size: u32) -> Result<Pictures, DataError> {
        decoded::write(&decoded::path(cache, &self.survey.digest, Purpose::Pretraining, size), made)
    }

    /// The pictures, if the cache has them.
    pub(crate) fn cached(&self, cache: &Path, size: u32, monitor: &dyn Monitor) -> Option<Pictures> {
        let path = decoded::path(cache, &self.survey.digest, Purpose::Pretraining, size);
        decoded::read(&path, &self.survey, Purpose::Pretraining, size, monitor)
    }
}

/// `/`-separated names of the pictures below `folder`, and rows for those whose names are not Unicode.
fn names(folder: &Path) -> Result<(Vec<String>, Vec<FileRow>), DataError> {
    let (mut names, mut left_out) = (Vec::new(), Vec::new());
    let seen = |entry: &DirEntry| entry.depth() == 0 || !entry.file_name().to_string_lossy().starts_with('.');
    for entry in WalkDir::new(folder).follow_links(true).sort_by_file_name().into_iter().filter_entry(seen) {
        let entry = entry.map_err(|error| {
            let path = error.path().unwrap_or(folder).to_owned();
            DataError::io("list", path)(error.into())
        })?;
        let below = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
        let name = parts.join("/");
        if !entry.file_type().is_file() || picture_name(&name).is_none() {
            continue;
        }
        if below.to_str().is_some() {
            names.push(name);
        } else {
            left_out.push(row(FileUse::Skipped, name, "", "its name is not Unicode"));
        }
    }
    Ok((names, left_out))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels;
    use harness_record::monitor::Silent;
    use std::fs;

    #[test]
    fn pictures_are_found_below_read_and_read_back() {
        let home = tempfile::tempdir().unwrap();
        let (folder, cache) = (home.path().join("pictures"), home.path().join("cache"));
        let png = |grey: u8| pixels::encode_rgb(&[grey; 12], (2, 2)).unwrap();
        fs::create_dir_all(folder.join("b/.hidden")).unwrap();
        fs::write(folder.join("c.JPG"), png(30)).unwrap(); // the content tells the format, not the name
        fs::write(folder.join("b/a.png"), png(10)).unwrap();
        fs::write(folder.join("b/damaged.png"), &png(0)[..30]).unwrap();
        for passed_over in ["b/.hidden/x.png", "._c.jpg", "notes.txt", "b/png"] {
            fs::write(folder.join(passed_over), "no picture").unwrap();
        }
        let found = AnyFolder::survey(&folder, &cache, &Silent).unwrap();
        assert!(found.cached(&cache, 4, &Silent).is_none());
        let made = found.keep(found.decode(4, &Silent).unwrap(), &cache, 4).unwrap();
        let names: Vec<&str> = made.items.iter().map(|item| item.name.as_str()).collect();
        assert_eq!(names, ["b/a.png", "c.JPG"]);
        assert_eq!(*made.rgb, *[[10; 48], [30; 48]].concat());
        assert_eq!((made.left_out.len(), made.left_out[0].file.as_str()), (1, "b/damaged.png"));
        assert!(made.left_out[0].reason.contains("PNG"), "{}", made.left_out[0].reason);
        assert_eq!(found.cached(&cache, 4, &Silent), Some(made));
        assert!(found.cached(&cache, 5, &Silent).is_none());
        assert!(AnyFolder::survey(&home.path().join("nowhere"), &cache, &Silent).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_name_that_is_not_unicode_is_reported() {
        use std::os::unix::ffi::OsStrExt as _;
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join(std::ffi::OsStr::from_bytes(b"\xff.png")), "x").unwrap();
        let (names, left_out) = names(home.path()).unwrap();
        assert!(names.is_empty() && left_out.len() == 1 && left_out[0].reason.contains("Unicode"));
    }
}
