//! Files from the network: several at once, each resumed where it broke off, retried, taken from mirrors, and checked before it
//! gets its name.
//!
//! While it comes a file is called `<file>.part`. Only when it is whole and its digests are those of the manifest is it renamed,
//! so nothing that looks finished is ever anything else.

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

/// A file to be had, and where it belongs.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its place in a list of jobs.
    number: usize,
    /// The file.
    pub file: RemoteFile,
    /// Where it belongs.
    pub target: PathBuf,
}

impl Job {
    /// `file`, to be put at `target`.
    pub fn new(file: &RemoteFile, target: PathBuf) -> Self {
        Self { number: 0, file: file.clone(), target }
    }

    /// What is there of it from an earlier time, in bytes.
    pub fn begun(&self) -> u64 {
        begun(&self.target)
    }
}

/// How much of the file that belongs at `target` came before it broke off, in bytes.
pub fn begun(target: &Path) -> u64 {
    part::Part::of(target).length()
}

/// A file that was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Had {
    /// Where it lies.
    pub path: PathBuf,
    /// The address that it came from, as the manifest says it.
    pub from: String,
    /// Its size and digests.
    pub seen: Seen,
}

/// A source that failed, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Its address.
    pub from: String,
    /// Why each of the tries failed; equal ones in a row are named once.
    pub why: Vec<String>,
}

/// Why a file was not fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No source had it.
    #[error("{file} cannot be fetched{}", told(.attempts))]
    NoSource {
        /// The file's name.
        file: String,
        /// Every source, in the order in which they were tried.
        attempts: Vec<Attempt>,
    },
    /// The disk is too full.
    #[error(
        "{} lacks the room: {} are needed there, {} are free; free some, or name another folder with --data-dir",
        folder.display(), human(*needed), human(*free)
    )]
    Room {
        /// The folder.
        folder: PathBuf,
        /// Bytes that are needed.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// The disk.
    #[error(transparent)]
    Disk(#[from] RecordError),
    /// The HTTP client cannot be made.
    #[error("no HTTP client: {0}")]
    Client(String),
    /// The user asked to stop. What came is kept, and the next fetch goes on there.
    #[error("stopped")]
    Stopped,
}

fn told(attempts: &[Attempt]) -> String {
    let line = |attempt: &Attempt| format!("\n{}: {}", attempt.from, attempt.why.join("; then "));
    attempts.iter().map(line).collect()
}

/// Refuses to begin what the disk under `folder` has no room for.
pub fn room(folder: &Path, needed: u64) -> Result<(), FetchError> {
    let there = folder.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("."));
    match fs4::available_space(there) {
        Ok(free) if free < needed => Err(FetchError::Room { folder: folder.to_owned(), needed, free }),
        // Where the system does not say, the disk will.
        _ => Ok(()),
    }
}
