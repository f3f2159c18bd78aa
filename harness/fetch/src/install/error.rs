//! The reasons why data are not installed.

use crate::{archive::ArchiveError, fetch::FetchError};
use harness_record::RecordError;
use std::path::PathBuf;

/// The reason why data are not installed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// They are missing, and fetching is impossible or forbidden. The text lists the files and their places.
    #[error("{0}")]
    Missing(String),
    /// Something else is in their place.
    #[error("{place} exists, but {}. Nothing is overwritten: move it away, then fetch or import again", some(.why))]
    InTheWay {
        /// The folder.
        place: PathBuf,
        /// The problem.
        why: Vec<String>,
    },
    /// The unpacked files, or the user's files, do not match the manifest.
    #[error("{what} is not {manifest}: {}", some(.lacking))]
    NotIt {
        /// The archive's or folder's name.
        what: String,
        /// The manifest.
        manifest: String,
        /// The missing parts.
        lacking: Vec<String>,
    },
    /// A file in the expected place is not the manifest's.
    #[error("{path}: {why}. Remove it, or replace it with the right file")]
    Wrong {
        /// The file.
        path: PathBuf,
        /// The problem.
        why: String,
    },
    /// No manifest fits, or too many do.
    #[error("{0}")]
    Import(String),
    /// An error of the network or the disk.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// An error of an archive.
    #[error(transparent)]
    Archive(ArchiveError),
    /// An error of the disk.
    #[error(transparent)]
    Disk(#[from] RecordError),
    /// The user asked to stop.
    #[error("stopped")]
    Stopped,
}

impl From<ArchiveError> for InstallError {
    fn from(error: ArchiveError) -> Self {
        match error {
            ArchiveError::Interrupted => Self::Stopped,
            other => Self::Archive(other),
        }
    }
}

/// The first few items of a list, and the number of the others.
fn some(all: &[String]) -> String {
    let shown = all.iter().take(5).cloned().collect::<Vec<_>>().join("; ");
    match all.len() {
        0..=5 => shown,
        more => format!("{shown}; and {} more", more - 5),
    }
}
