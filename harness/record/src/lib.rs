//! The files that a run leaves on disk, without the computation behind them.
//!
//! * [`files`]: atomic files, and locks between processes
//! * [`digest`]: SHA-256 of bytes, files and canonical settings
//! * [`random`]: the generators of all random numbers
//! * [`monitor`]: progress reports of long work
//! * [`metrics`]: the metrics of predicted masks
//! * [`rows`]: the rows of `metrics.csv`, `per_image.csv` and the other tables
//! * [`run`]: `run.json`, the record of one execution of a stage
//! * [`store`]: the folder of runs
//! * [`vocabulary`]: stages, protocols, splits and the other words that records, specs and reports share

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod digest;
pub mod files;
pub mod metrics;
pub mod monitor;
pub mod random;
pub mod rows;
pub mod run;
pub mod store;
pub mod suggest;
pub mod vocabulary;

use std::path::PathBuf;

/// The errors of reading and writing records. Every variant carries the path.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The operating system reported an error.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// The failed action, as a verb: `read`, `write`, `lock`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's own error.
        source: std::io::Error,
    },
    /// A CSV file does not have the expected columns or values.
    #[error("{path}: {source}")]
    Csv {
        /// The file.
        path: PathBuf,
        /// The reader's error, with its line.
        source: csv::Error,
    },
    /// A JSON file does not have the expected structure.
    #[error("{path}: {source}")]
    Json {
        /// The file.
        path: PathBuf,
        /// The parser's error, with its line and column.
        source: serde_json::Error,
    },
    /// A file is larger than any that this program writes.
    #[error("{path} has {bytes} bytes, more than the limit of {limit}")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        bytes: u64,
        /// The limit in bytes.
        limit: u64,
    },
}

/// The results of this crate.
pub type Result<T> = std::result::Result<T, RecordError>;
