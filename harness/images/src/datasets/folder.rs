//! A data set's folder: lists its files and checks that they lie inside it.

use super::{
    DataError,
    known::Kind,
    pack::{self, Packed},
};
use harness_record::files;
use std::{
    fs::{self, File},
    io::{Read as _, Seek as _, SeekFrom},
    path::{Component, Path, PathBuf},
    sync::Arc,
};

/// A folder that paths from specs and list files must not leave.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    path: PathBuf,
    /// The path without symbolic links.
    real: PathBuf,
    /// The pack that holds its files, if they are not below `path`.
    packed: Option<Arc<Packed>>,
}

impl Folder {
    /// Opens the folder that a spec names, below the data folder or in a pack there. `None` if there is no such folder.
    pub(super) fn open(data_dir: &Path, folder: &str, example: &'static str) -> Result<Option<Self>, DataError> {
        check_below(folder, example)?;
        let path = data_dir.join(folder);
        if !path.is_dir() {
            let packed = pack::open(data_dir, folder)?;
            return Ok(packed.map(|packed| Self { real: path.clone(), path, packed: Some(Arc::new(packed)) }));
        }
        let real = path.canonicalize().map_err(DataError::io("open", &path))?;
        Ok(Some(Self { path, real, packed: None }))
    }

    /// Opens the folder that a spec names, if it has everything in `required`. Otherwise lists what is missing:
    /// `the folder` if it does not exist.
    pub(super) fn holding(
        data_dir: &Path,
        folder: &str,
        example: &'static str,
        required: &[(&str, Kind)],
    ) -> Result<Result<Self, Vec<String>>, DataError> {
        match Self::open(data_dir, folder, example)? {
            Some(folder) => folder.with(required),
            None => Ok(Err(vec!["the folder".into()])),
        }
    }

    /// Returns the folder if it has everything in `required`. Otherwise lists what is missing.
    pub(super) fn with(self, required: &[(&str, Kind)]) -> Result<Result<Self, Vec<String>>, DataError> {
        let mut absent = Vec::new();
        for &(name, kind) in required {
            match self.kind(name)? {
                Some(Kind::Outside) => return Err(DataError::Outside { path: self.file(name) }),
                Some(found) if found == kind => {}
                _ => absent.push(name.to_owned()),
            }
        }
        Ok(if absent.is_empty() { Ok(self) } else { Err(absent) })
    }

    /// Opens a folder at any path, not named by a spec.
    pub(super) fn at(path: &Path) -> Result<Self, DataError> {
        let real = path.canonicalize().map_err(DataError::io("open", path))?;
        Ok(Self { path: path.to_owned(), real, packed: None })
    }

    /// The pack that holds the folder, if there is one.
    pub(super) fn packed(&self) -> Option<&Packed> {
        self.packed.as_deref()
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The real path of the folder, without symbolic links.
    pub(super) fn real(&self) -> &Path {
        &self.real
    }

    /// Path of a file, from its `/`-separated name.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        name.split('/').fold(self.path.clone(), |path, part| path.join(part))
    }

    /// Reads the file of that name. Fails if it has more than `limit` bytes.
    pub(super) fn read(&self, name: &str, limit: u64) -> Result<Vec<u8>, DataError> {
        match &self.packed {
            Some(packed) => packed.whole(name, limit),
            None => Ok(files::read(&self.file(name), limit)?),
        }
    }

    /// Reads `length` bytes of the file of that name, from `offset` on.
    pub(super) fn read_range(&self, name: &str, offset: u64, length: usize) -> Result<Vec<u8>, DataError> {
        if let Some(packed) = &self.packed {
            return packed.range(name, offset, length);
        }
        let path = self.file(name);
        let mut bytes = vec![0; length];
        let read = |bytes: &mut [u8]| {
            let mut file = File::open(&path)?;
            file.seek(SeekFrom::Start(offset))?;
            file.read_exact(bytes)
        };
        read(&mut bytes).map_err(DataError::io("read", &path))?;
        Ok(bytes)
    }

    /// The kind of entry under a `/`-separated name, if there is one.
    pub(super) fn kind(&self, name: &str) -> Result<Option<Kind>, DataError> {
        if let Some(packed) = &self.packed {
            return Ok(packed.kind(name));
        }
        let path = self.file(name);
        if fs::symlink_metadata(&path).is_err() {
            return Ok(None);
        }
        let Ok(real) = path.canonicalize() else { return Ok(Some(Kind::Outside)) };
        if !real.starts_with(&self.real) {
            return Ok(Some(Kind::Outside));
        }
        let metadata = fs::metadata(&real).map_err(DataError::io("look at", &path))?;
        Ok(if metadata.is_dir() { Some(Kind::Folder) } else { metadata.is_file().then_some(Kind::File) })
    }

    /// Names and kinds of the entries of a sub-folder (`""`: the folder itself), sorted. Names that begin with `.` and
    /// names that are not Unicode are skipped, because they are not part of a data set.
    pub(super) fn list(&self, below: &str) -> Result<Vec<(String, Kind)>, DataError> {
        if let Some(packed) = &self.packed {
            return Ok(packed.list(below));
        }
        let path = if below.is_empty() { self.path.clone() } else { self.file(below) };
        let io = || DataError::io("list", &path);
        let mut entries = Vec::new();
        for entry in fs::read_dir(&path).map_err(io())? {
            let entry = entry.map_err(io())?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if name.starts_with('.') {
                continue;
            }
            let kind = entry.file_type().map_err(io())?;
            let kind = if kind.is_symlink() {
                self.kind(&if below.is_empty() { name.clone() } else { format!("{below}/{name}") })?
            } else if kind.is_dir() {
                Some(Kind::Folder)
            } else {
                kind.is_file().then_some(Kind::File)
            };
            entries.extend(kind.map(|kind| (name, kind)));
        }
        entries.sort();
        Ok(entries)
    }
}

/// Stem and extension (in lower case) of a file name with the extension of a picture.
pub(super) fn picture_name(file: &str) -> Option<(&str, String)> {
    let (stem, ending) = file.rsplit_once('.')?;
    let ending = ending.to_ascii_lowercase();
    let known = ["jpg", "jpeg", "png", "gif", "bmp", "webp"].contains(&ending.as_str());
    (known && !stem.is_empty()).then_some((stem, ending))
}

/// Refuses a path that leads out of the data folder.
pub fn check_below(folder: &str, example: &'static str) -> Result<(), DataError> {
    let refuse = |reason| Err(DataError::Folder { folder: folder.to_owned(), reason, example });
    if folder.is_empty() {
        return refuse("is empty");
    }
    for component in Path::new(folder).components() {
        match component {
            Component::Normal(_) | Component::CurDir => {}
            Component::ParentDir => return refuse("has a `..`"),
            Component::RootDir | Component::Prefix(_) => return refuse("is absolute"),
        }
    }
    if folder.contains('\\') {
        return refuse("has a backslash");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_leaves_the_data_folder_is_refused() {
        let data = tempfile::tempdir().unwrap();
        for folder in ["", "..", "a/../../b", "/etc", "a\\b"] {
            let error = Folder::open(data.path(), folder, "pets").unwrap_err();
            assert!(matches!(error, DataError::Folder { .. }), "{folder}: {error}");
        }
        assert!(Folder::open(data.path(), "pets", "pets").unwrap().is_none());
    }

    #[cfg(unix)]
    #[test]
    fn links_that_leave_are_seen_and_links_that_stay_are_followed() {
        use std::os::unix::fs::symlink;
        let data = tempfile::tempdir().unwrap();
        fs::create_dir(data.path().join("pets")).unwrap();
        fs::write(data.path().join("secret"), "x").unwrap();
        fs::write(data.path().join("pets/real"), "x").unwrap();
        symlink("../secret", data.path().join("pets/leaves")).unwrap();
        symlink("nowhere", data.path().join("pets/dangles")).unwrap();
        symlink("real", data.path().join("pets/stays")).unwrap();
        let folder = Folder::open(data.path(), "pets", "pets").unwrap().unwrap();
        let kinds: Vec<_> = folder.list("").unwrap();
        let expected =
            [("dangles", Kind::Outside), ("leaves", Kind::Outside), ("real", Kind::File), ("stays", Kind::File)];
        assert_eq!(kinds, expected.map(|(n, k)| (n.to_owned(), k)));
    }
}
