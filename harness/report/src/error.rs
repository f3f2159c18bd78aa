//! What can go wrong while a report is rendered. Every variant says where.

use harness_record::{RecordError, vocabulary::Key};
use std::path::PathBuf;

/// Why a report cannot be rendered, compared or written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file of the data folder cannot be read, or a file of the report cannot be written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The operating system refused to read, list or remove.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's own error.
        source: std::io::Error,
    },
    /// The report section names something that the study does not have.
    #[error("{path}: {problem}")]
    Spec {
        /// The `study.json` that holds the section.
        path: PathBuf,
        /// What is wrong.
        problem: SpecProblem,
    },
    /// A run that the study is made of is not there.
    #[error("{path}: the record of run {key} is not there; restore the folder, or run the study again")]
    NoRun {
        /// Its folder.
        path: PathBuf,
        /// The run.
        key: Key,
    },
    /// The folder of a run holds another one.
    #[error("{path} is the record of {found}, but places.csv names {expected}; restore it, or run the study again")]
    OtherRun {
        /// Its record.
        path: PathBuf,
        /// Stage and key of the record.
        found: String,
        /// Those of the place.
        expected: String,
    },
    /// A file of a run is not the one that the run wrote.
    #[error(
        "{path} is not the file that the run wrote: its SHA-256 is not the one in run.json; restore it, or run the \
         study again"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// Two runs would share a folder.
    #[error("{path}: the keys of two runs begin with {digits}, which names the folder of one")]
    SameDigits {
        /// The list of runs.
        path: PathBuf,
        /// What their keys begin with.
        digits: String,
    },
    /// A verdict on a printed figure is not the one that follows from the data.
    #[error("{path}:{line}: {message}")]
    Published {
        /// The table of printed figures.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// The row, what it says and what it should say.
        message: String,
    },
    /// A template is missing, or asks for something that is not there.
    #[error("{path}{}: {message}", .line.map(|l| format!(":{l}")).unwrap_or_default())]
    Template {
        /// The template.
        path: PathBuf,
        /// The line, counted from 1, where it is known.
        line: Option<usize>,
        /// What was found, what was expected, and the nearest name that would be right.
        message: String,
    },
    /// A picture of the gallery is damaged or missing.
    #[error("{path}: {source}")]
    Picture {
        /// The picture.
        path: PathBuf,
        /// The decoder's error.
        source: image::ImageError,
    },
    /// The pictures of a gallery do not fit together.
    #[error("{path}: {message}")]
    Gallery {
        /// The list of pictures, or a sheet.
        path: PathBuf,
        /// What does not fit.
        message: String,
    },
    /// A chart cannot be drawn.
    #[error("chart `{chart}`: {message}")]
    Chart {
        /// Its name.
        chart: String,
        /// The drawing library's error.
        message: String,
    },
}

/// What is wrong with a report section.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("report.{path}: {message}{}", .suggestion.as_ref().map(|s| format!(" (did you mean `{s}`?)")).unwrap_or_default())]
pub struct SpecProblem {
    /// Where, within the section: `claims[0].expect`.
    pub path: String,
    /// What was found and what was expected.
    pub message: String,
    /// The nearest name that would be right.
    pub suggestion: Option<String>,
}

impl ReportError {
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}
