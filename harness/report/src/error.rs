//! Errors of rendering a report. Every variant says where the error is.

use harness_record::{RecordError, vocabulary::Key};
use std::path::PathBuf;

/// The reason why a report cannot be rendered, compared or written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file of the data folder cannot be read, or a file of the report cannot be written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The operating system refused to read, list or remove a file or folder.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// The action that failed, as a verb.
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
        /// The problem in the section.
        problem: SpecProblem,
    },
    /// A run of the study is missing.
    #[error("{path}: the record of run {key} is missing; restore the folder, or run the study again")]
    NoRun {
        /// The folder of the run.
        path: PathBuf,
        /// The key of the run.
        key: Key,
    },
    /// The folder of a run holds a different run.
    #[error("{path} is the record of {found}, but places.csv names {expected}; restore it, or run the study again")]
    OtherRun {
        /// The record in the folder.
        path: PathBuf,
        /// Stage and key of the record that was found.
        found: String,
        /// Stage and key that `places.csv` names.
        expected: String,
    },
    /// A file of a run differs from the one that the run wrote.
    #[error(
        "{path} is not the file that the run wrote: its SHA-256 differs from the one in run.json; restore it, or run \
         the study again"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// A registration is not as it was written.
    #[error(
        "{path}: the file was edited: its digest does not fit its other fields; restore the file as it was first written"
    )]
    Registration {
        /// The registration.
        path: PathBuf,
    },
    /// Two runs would share a folder.
    #[error("{path}: the keys of two runs begin with {digits}, so both would need the same folder")]
    SameDigits {
        /// The list of runs.
        path: PathBuf,
        /// The digits that both keys begin with.
        digits: String,
    },
    /// A verdict on a printed figure is not the one that follows from the data.
    #[error("{path}:{line}: {message}")]
    Published {
        /// The table of printed figures.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// The row, its verdict and the verdict that follows from the data.
        message: String,
    },
    /// A template is missing, or asks for something that does not exist.
    #[error("{path}{}: {message}", .line.map(|l| format!(":{l}")).unwrap_or_default())]
    Template {
        /// The template.
        path: PathBuf,
        /// The line, counted from 1, if known.
        line: Option<usize>,
        /// The name or value that was found, what was expected, and the nearest valid name.
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
        /// The mismatch, in words.
        message: String,
    },
    /// A chart cannot be drawn.
    #[error("chart `{chart}`: {message}")]
    Chart {
        /// The name of the chart.
        chart: String,
        /// The error of the drawing library.
        message: String,
    },
}

/// A problem in a report section.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("report.{path}: {message}{}", .suggestion.as_ref().map(|s| format!(" (did you mean `{s}`?)")).unwrap_or_default())]
pub struct SpecProblem {
    /// The place within the section: `claims[0].expect`.
    pub path: String,
    /// The value that was found, and what was expected instead.
    pub message: String,
    /// The nearest valid name.
    pub suggestion: Option<String>,
}

impl ReportError {
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}
