//! The record that a run leaves on disk. This crate knows nothing about how the numbers were computed.
//!
//! * [`files`]: files that are written whole or not at all, and locks between processes
//! * [`digest`]: SHA-256 of bytes, files and canonical settings
//! * [`random`]: the generators of all random numbers
//! * [`monitor`]: the interface through which long work reports its progress
//! * [`metrics`]: the metrics of predicted masks
//! * [`rows`]: the rows of `metrics.csv`, `per_image.csv` and the other tables
//! * [`table`]: their only reader and writer
//! * [`run`]: `run.json` and `host.json`, the record of one execution of a stage
//! * [`store`]: the folders of runs
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
pub mod table;
pub mod vocabulary;

use std::path::PathBuf;

/// An error in reading or writing a record. Every variant carries the path.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The operating system refused to read or write.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// The action that failed, as a verb: `read`, `write`, `lock`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's own error.
        source: std::io::Error,
    },
    /// A CSV file does not have the columns or values expected of it.
    #[error("{path}: {source}")]
    Csv {
        /// The file.
        path: PathBuf,
        /// The reader's error, with its line.
        source: csv::Error,
    },
    /// A CSV file has no header, so it was cut off.
    #[error("{path} is empty: it has no header")]
    NoHeader {
        /// The file.
        path: PathBuf,
    },
    /// A JSON file does not have the shape expected of it.
    #[error("{path}: {source}")]
    Json {
        /// The file.
        path: PathBuf,
        /// The parser's error, with its line and column.
        source: serde_json::Error,
    },
    /// A file is larger than anything this program writes.
    #[error("{path} has {bytes} bytes; at most {limit} are read")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        bytes: u64,
        /// The largest size that is read, in bytes.
        limit: u64,
    },
}

/// Shorthand for results of this crate.
pub type Result<T> = std::result::Result<T, RecordError>;
