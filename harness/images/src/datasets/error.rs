//! Errors in data sets.

use harness_record::RecordError;
use std::path::PathBuf;

/// Why a data set cannot be read. Every message says what was expected and what to do.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The data set, or a part of its layout, is not there.
    #[error(
        "{folder}: {} not found. Expected there: {expected}. To get the data: {source_of_data}. \
         If you have them elsewhere, name the folder that holds them with --data-dir or HARNESS_DATA",
        missing.join(", ")
    )]
    Missing {
        /// The data set's folder.
        folder: PathBuf,
        /// What is missing in it; `the folder` if it does not exist itself.
        missing: Vec<String>,
        /// The layout that is expected.
        expected: &'static str,
        /// Where the data come from.
        source_of_data: &'static str,
    },
    /// A folder in a spec is not one below the data folder.
    #[error("folder: {folder:?} {reason}; expected a relative path below the data folder, like {example:?}")]
    Folder {
        /// As written in the spec.
        folder: String,
        /// What is wrong with it.
        reason: &'static str,
        /// A good one.
        example: &'static str,
    },
    /// A field of a spec has a value that cannot be used.
    #[error("{field}: {reason}")]
    Field {
        /// Path of the field below `dataset`.
        field: &'static str,
        /// What is wrong, and what was expected.
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
        /// What is wrong, and what was expected.
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
        /// Pictures asked for.
        wanted: u32,
        /// Pictures that decode.
        usable: usize,
        /// Files in the folder.
        files: usize,
    },
    /// A file of records, or what belongs to it, cannot be used.
    #[error("{path}: {reason}")]
    Records {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what was expected.
        reason: String,
    },
    /// A part of the published corpus has another number of pictures.
    #[error(
        "{path}: {found} usable pictures of {class}s ({damaged} damaged ones left out), but the published corpus has {expected} from \
         {part}; complete the folder, or set `counts: as-found` to take what is there"
    )]
    Counts {
        /// The part's folder.
        path: PathBuf,
        /// The part.
        part: &'static str,
        /// `cat` or `dog`.
        class: &'static str,
        /// Pictures that can be used.
        found: usize,
        /// Files that cannot.
        damaged: usize,
        /// Pictures of the published corpus.
        expected: usize,
    },
    /// Nothing is left of a data set.
    #[error("{path}: no usable pictures; {left_out} files were left out, the first: {first}")]
    NothingUsable {
        /// The data set's folder.
        path: PathBuf,
        /// Number of files left out.
        left_out: usize,
        /// The first of them and its reason.
        first: String,
    },
    /// A data set without trimaps was asked for segmentation.
    #[error(
        "{dataset} has no trimaps, so nothing can be trained or tested on it but pretraining; use oxford-iiit-pet or synthetic-pets"
    )]
    NoTrimaps {
        /// Name of the data set in specs.
        dataset: &'static str,
    },
    /// A pack cannot be used.
    #[error("{path}: {reason}. `harness data pack` makes packs, on a machine that has the data")]
    Pack {
        /// The pack.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A data set without files was to be packed.
    #[error("{dataset} needs no pack: its pictures are drawn wherever they are used")]
    NothingToPack {
        /// Name of the data set in specs.
        dataset: &'static str,
    },
    /// A file changed between its survey and its reading.
    #[error("{path} changed while it was being used; run again")]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried, as a verb.
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

impl DataError {
    pub(super) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}
