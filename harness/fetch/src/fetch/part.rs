//! An incomplete file, `<file>.part`, and beside it `<file>.part.json`, which identifies the file that it is a part of.

use harness_record::{RecordError, files};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

/// The file that a part belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Whole {
    /// Its source, as in the manifest; never a redirect's address, which may contain a secret.
    pub(super) url: String,
    /// The server's name for this version of the file.
    #[serde(default)]
    pub(super) etag: Option<String>,
    /// The server's date of the last change.
    #[serde(default)]
    pub(super) last_modified: Option<String>,
    /// Size of the whole file.
    #[serde(default)]
    pub(super) length: Option<u64>,
}

impl Whole {
    /// The validator that tells whether a server still has this version. A weak tag does not guarantee the same bytes.
    pub(super) fn validator(&self) -> Option<&str> {
        let strong = self.etag.as_deref().filter(|tag| !tag.starts_with("W/"));
        strong.or(self.last_modified.as_deref())
    }
}

/// The two files.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) path: PathBuf,
    about: PathBuf,
}

impl Part {
    /// The part of the file that belongs at `target`.
    pub(super) fn of(target: &Path) -> Self {
        let name = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self {
            path: target.with_file_name(format!("{name}.part")),
            about: target.with_file_name(format!("{name}.part.json")),
        }
    }

    /// The number of bytes so far.
    pub(super) fn length(&self) -> u64 {
        fs::metadata(&self.path).map_or(0, |about| about.len())
    }

    /// The file that it belongs to, if recorded and readable.
    pub(super) fn whole(&self) -> Option<Whole> {
        let bytes = files::read(&self.about, 1 << 16).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Starts an empty part of another file.
    pub(super) fn begin(&self, whole: &Whole) -> Result<File, RecordError> {
        self.remove()?;
        let text = serde_json::to_vec_pretty(whole)
            .map_err(|source| RecordError::Json { path: self.about.clone(), source })?;
        files::write(&self.about, &text)?;
        File::create(&self.path).map_err(|source| self.io("write", source))
    }

    /// Opens the part to resume it.
    pub(super) fn go_on(&self) -> Result<File, RecordError> {
        File::options().append(true).open(&self.path).map_err(|source| self.io("write", source))
    }

    /// Turns the part into the file at `target`.
    pub(super) fn complete(&self, target: &Path) -> Result<(), RecordError> {
        let done = File::open(&self.path).and_then(|file| file.sync_all());
        done.and_then(|()| fs::rename(&self.path, target)).map_err(|source| self.io("finish", source))?;
        remove(&self.about)
    }

    /// Deletes both files.
    pub(super) fn remove(&self) -> Result<(), RecordError> {
        remove(&self.path).and_then(|()| remove(&self.about))
    }

    pub(super) fn io(&self, action: &'static str, source: std::io::Error) -> RecordError {
        RecordError::Io { action, path: self.path.clone(), source }
    }
}

fn remove(path: &Path) -> Result<(), RecordError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(RecordError::Io { action: "remove", path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}
