//! Fetches files from the network: several at once, each resumed where it broke off, retried, taken from mirrors, and checked
//! before it gets its name.
//!
//! An incomplete file is called `<file>.part`. It is renamed only when it is whole and has the digests of the manifest, so a
//! file that looks finished is finished.

mod by_proxy;
mod hub;
mod hub_file;
mod meter;
mod network;
mod part;
mod pool;
mod proxies;
mod retry;
mod transfer;
mod trouble;

#[cfg(test)]
mod tests;

pub use hub::Hub;
pub use network::{Network, Policy};
pub use pool::all;

use crate::{digests::Seen, human, manifest::RemoteFile};
use harness_record::RecordError;
use std::path::{Path, PathBuf};

/// A file to be fetched, and its place.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its index in a list of jobs.
    number: usize,
    /// The file.
    pub file: RemoteFile,
    /// Its place.
    pub target: PathBuf,
}

impl Job {
    /// A job that puts `file` at `target`.
    pub fn new(file: &RemoteFile, target: PathBuf) -> Self {
        Self { number: 0, file: file.clone(), target }
    }

    /// Number of bytes left from an earlier attempt.
    pub fn begun(&self) -> u64 {
        begun(&self.target)
    }
}

/// Number of bytes that arrived before the file for `target` broke off.
pub fn begun(target: &Path) -> u64 {
    part::Part::of(target).length()
}

/// A file that was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Had {
    /// Its path.
    pub path: PathBuf,
    /// The address that it came from, as in the manifest.
    pub from: String,
    /// Its size and digests.
    pub seen: Seen,
}

/// A source that failed, and the reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Its address.
    pub from: String,
    /// The reason of each failed attempt; equal ones in a row are named once.
    pub why: Vec<String>,
}

/// The reason why a file was not fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No source had it.
    #[error("{file} cannot be fetched{}", told(.attempts))]
    NoSource {
        /// The file's name.
        file: String,
        /// All sources, in the order in which they were tried.
        attempts: Vec<Attempt>,
    },
    /// The disk is too full.
    #[error(
        "{} has too little space: {} are needed, {} are free; free some space, or name another folder with --data-dir",
        folder.display(), human(*needed), human(*free)
    )]
    Room {
        /// The folder.
        folder: PathBuf,
        /// Bytes needed.
        needed: u64,
        /// Bytes free.
        free: u64,
    },
    /// An error of the disk.
    #[error(transparent)]
    Disk(#[from] RecordError),
    /// The HTTP client cannot be created.
    #[error("no HTTP client: {0}")]
    Client(String),
    /// The user asked to stop. What arrived is kept, and the next fetch resumes from it.
    #[error("stopped")]
    Stopped,
}

fn told(attempts: &[Attempt]) -> String {
    let line = |attempt: &Attempt| format!("\n{}: {}", attempt.from, attempt.why.join("; then "));
    attempts.iter().map(line).collect()
}

/// Fails if the disk under `folder` has no room for `needed` bytes.
pub fn room(folder: &Path, needed: u64) -> Result<(), FetchError> {
    let there = folder.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("."));
    match fs4::available_space(there) {
        Ok(free) if free < needed => Err(FetchError::Room { folder: folder.to_owned(), needed, free }),
        // If the system does not tell, writing will show.
        _ => Ok(()),
    }
}
