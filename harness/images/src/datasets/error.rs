//! Errors in data sets.

use harness_record::RecordError;
use std::path::{Path, PathBuf};

/// The reason that a data set cannot be read. Every message says what was expected and what to do.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The data set, or a part of its layout, is missing.
    #[error(
        "{}. Expected there: {expected}. To get the data: {source_of_data}. If you have them elsewhere, name the \
         folder that contains them with --data-dir or HARNESS_DATA",
        absent(folder, missing)
    )]
    Missing {
        /// The data set's folder.
        folder: PathBuf,
        /// The missing parts. `the folder` if the folder itself does not exist.
        missing: Vec<String>,
        /// The expected layout.
        expected: &'static str,
        /// Instructions for getting the data.
        source_of_data: &'static str,
    },
    /// A folder in a spec is not a folder below the data folder.
    #[error("folder: {folder:?} {reason}; expected a relative path below the data folder, like {example:?}")]
    Folder {
        /// The folder as written in the spec.
        folder: String,
        /// The problem of the folder.
        reason: &'static str,
        /// A valid folder.
        example: &'static str,
    },
    /// A field of a spec has a value that cannot be used.
    #[error("{field}: {reason}")]
    Field {
        /// Path of the field below `dataset`.
        field: &'static str,
        /// The problem, and the expected value.
        reason: String,
    },
    /// A line of a list file cannot be used.
    #[error("{path}:{line}: {reason}\n  {text}")]
    List {
        /// The list file.
        path: PathBuf,
        /// Line, counted from 1.
        line: usize,
        /// The line itself.
        text: String,
        /// The problem, and the expected line.
        reason: String,
    },
    /// A folder of the layout is a symbolic link to somewhere else.
    #[error(
        "{path} leads out of the data set's folder by a symbolic link, which is not followed; put the files themselves there"
    )]
    Outside {
        /// The link.
        path: PathBuf,
    },
    /// A class has fewer usable pictures than the spec asks for.
    #[error(
        "{path}: per_class asks for {wanted} pictures, but only {usable} of {files} files there are usable; lower per_class"
    )]
    TooFew {
        /// The class's folder.
        path: PathBuf,
        /// Number of pictures requested.
        wanted: u32,
        /// Number of pictures that decode.
        usable: usize,
        /// Number of files in the folder.
        files: usize,
    },
    /// A file of records, or a file that belongs to it, cannot be used.
    #[error("{path}: {reason}")]
    Records {
        /// The file.
        path: PathBuf,
        /// The problem, and what was expected.
        reason: String,
    },
    /// A part of the published corpus has another number of pictures.
    #[error(
        "{path}: {found} usable pictures of {class}s ({damaged} damaged ones left out), but the published corpus has \
         {expected} from {part}; complete the folder, or set `counts: as-found` to use what is there"
    )]
    Counts {
        /// The part's folder.
        path: PathBuf,
        /// The part.
        part: &'static str,
        /// `cat` or `dog`.
        class: &'static str,
        /// Number of usable pictures.
        found: usize,
        /// Number of unusable files.
        damaged: usize,
        /// Number of pictures in the published corpus.
        expected: usize,
    },
    /// A data set has no usable pictures.
    #[error("{path}: no usable pictures; {left_out} files were left out, the first: {first}")]
    NothingUsable {
        /// The data set's folder.
        path: PathBuf,
        /// Number of files left out.
        left_out: usize,
        /// The first of them, with the reason.
        first: String,
    },
    /// Segmentation was requested of a data set without trimaps.
    #[error("{dataset} has no trimaps, so it can be used only for pretraining; use oxford-iiit-pet or synthetic-pets")]
    NoTrimaps {
        /// Name of the data set in specs.
        dataset: &'static str,
    },
    /// A pack cannot be used.
    #[error("{path}: {reason}. Make a pack with `harness data pack`, on a machine that has the data")]
    Pack {
        /// The pack.
        path: PathBuf,
        /// The problem of the pack.
        reason: String,
    },
    /// Packing was requested of a data set without files.
    #[error("{dataset} needs no pack: its pictures are drawn when they are used")]
    NothingToPack {
        /// Name of the data set in specs.
        dataset: &'static str,
    },
    /// A file changed after the survey and before it was read.
    #[error("{path} changed while it was being used; run again")]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The operating system reported an error.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// The action that failed, as a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's own error.
        source: std::io::Error,
    },
    /// The cache cannot be read or written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
}

/// Says which parts of a data set are missing from its folder, or that the folder does not exist.
pub fn absent(folder: &Path, missing: &[String]) -> String {
    let place = folder.display();
    match missing {
        [whole] if whole == "the folder" => format!("{place} does not exist"),
        _ => format!("{place}: {} not found", missing.join(", ")),
    }
}

impl DataError {
    pub(super) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}
