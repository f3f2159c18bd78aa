//! The files of a data set, found and hashed, but not decoded.

use super::{DataError, known::FileHash};
use harness_record::{digest, rows::FileRow, vocabulary::FileUse};
use serde::{Deserialize, Serialize};

/// A part of a data set, as its authors split it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// For training and validation.
    Trainval,
    /// For testing only.
    Test,
    /// Pictures without trimaps, or used without them.
    Unlabelled,
}

impl Part {
    /// Its name in files and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trainval => "trainval",
            Self::Test => "test",
            Self::Unlabelled => "unlabelled",
        }
    }
}

/// One picture of a data set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// File name relative to the data set's folder, `/`-separated.
    pub name: String,
    /// Breed or class.
    pub group: String,
    /// Part that it belongs to.
    pub part: Part,
}

/// The files of a data set that serve one purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// SHA-256 over name and content of every file that is read, and over the spec's selecting options.
    pub digest: String,
    /// Files that will not be read, or that were found damaged while choosing, each with the reason.
    pub left_out: Vec<FileRow>,
    /// Number of files of a larger set that are not part of the drawn subset. Most of them were never opened. They are
    /// not listed one by one.
    pub not_drawn: u64,
    /// Repeated pictures, if they were searched for.
    pub repeated: Option<Repeated>,
    /// The files to read, in the order of the items.
    pub(super) sources: Vec<Source>,
}

/// Pictures that equal another one, pixel for pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeated {
    /// Number of repeated pictures. The first by name of several equal ones is not counted.
    pub pictures: u64,
    /// True if they were left out.
    pub removed: bool,
}

impl Survey {
    /// A survey of `sources`, with nothing left out.
    pub(super) fn of(digest: String, sources: Vec<Source>) -> Self {
        Self { digest, left_out: Vec::new(), not_drawn: 0, repeated: None, sources }
    }

    /// Number of pictures that [`load`](super::load) will try to read.
    pub fn pictures(&self) -> usize {
        self.sources.len()
    }
}

/// The origin of one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) item: Item,
    /// Place of its folder in [`DatasetSpec::open`](super::DatasetSpec::open)'s list.
    pub(super) folder: usize,
    pub(super) files: Files,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Files {
    Picture(FileHash),
    PictureAndTrimap(FileHash, FileHash),
    Record(Record),
    Drawn { seed: u64, index: u32 },
}

impl Files {
    /// Name and content of each file.
    pub(super) fn hashes(&self) -> impl Iterator<Item = &FileHash> {
        let both = match self {
            Self::Picture(picture) => [Some(picture), None],
            Self::PictureAndTrimap(picture, trimap) => [Some(picture), Some(trimap)],
            Self::Record(record) => [Some(&record.hash), None],
            Self::Drawn { .. } => [None, None],
        };
        both.into_iter().flatten()
    }
}

/// A picture in a file of records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// `<file>#<number>`, and the SHA-256 of label and pixels.
    pub(super) hash: FileHash,
    pub(super) file: &'static str,
    pub(super) number: u32,
}

/// SHA-256 over files and options.
pub(super) fn digest_of(
    options: &serde_json::Value,
    sources: &[Source],
    lists: &[FileHash],
) -> Result<String, DataError> {
    let mut files: Vec<&FileHash> =
        lists.iter().chain(sources.iter().flat_map(|source| source.files.hashes())).collect();
    files.sort_unstable();
    let files: Vec<[&str; 2]> = files.into_iter().map(|file| [file.name.as_str(), file.sha256.as_str()]).collect();
    digest::of_settings(&(options, files)).map_err(no_digest)
}

pub(super) fn no_digest(source: serde_json::Error) -> DataError {
    DataError::Io { action: "digest", path: "dataset".into(), source: source.into() }
}

/// A row for a file that is left out, with the reason.
pub(super) fn row(used: FileUse, file: impl Into<String>, group: &str, reason: impl Into<String>) -> FileRow {
    FileRow { used, file: file.into(), group: group.to_owned(), reason: reason.into() }
}
