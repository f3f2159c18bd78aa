//! The state of a manifest's data in the data folder: checked quickly, or by hashing everything again.
//!
//! `<data>/.harness/<name>.json` records the installed data: their source, their digests, and every file with size and SHA-256.
//! Data that a user put there by hand have no record; then only the manifest's expectations show whether they are complete.

mod verify;

pub use verify::{Verified, verify};

use crate::{
    digests::Seen,
    fetch,
    manifest::{Manifest, Origin, RemoteFile},
};
use harness_record::{RecordError, files, files::Lock, monitor::Monitor};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};
use walkdir::WalkDir;

/// Folder of records and of archives being unpacked, below the data folder.
pub(crate) const NOTES: &str = ".harness";
/// The largest record, in bytes: that of a hundred thousand files.
const LIMIT: u64 = 64 << 20;

/// The way in which data were installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// Fetched, or unpacked from archives in `downloads/`.
    Fetched,
    /// Copied from a user's folder, or unpacked from a user's archives.
    Copied,
    /// A symbolic link to a user's folder.
    Linked,
}

/// The record of installed data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// The manifest's name.
    pub manifest: String,
    /// The way in which they were installed.
    pub how: How,
    /// The time, in seconds since 1970.
    pub when: u64,
    /// The fetched or given files, each with its digests.
    pub came: Vec<Came>,
    /// The installed files.
    pub files: Vec<Held>,
}

/// A file that was fetched or given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Came {
    /// Its name in the manifest.
    pub file: String,
    /// Its address or path.
    pub from: String,
    /// Size and digests.
    pub seen: Seen,
}

/// An installed file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Held {
    /// Its path below the manifest's folder, with `/` as separator.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256 in lower-case hexadecimal.
    pub sha256: String,
}

/// The state of a manifest's data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Nothing is needed.
    BuiltIn,
    /// All installed files are there, with the right sizes.
    Ready,
    /// A user put them there; they look complete.
    ByHand,
    /// The folder exists but is incomplete.
    Incomplete(Vec<String>),
    /// Installed files are missing or have other sizes.
    Changed(Vec<String>),
    /// Partly fetched: this many bytes.
    Begun(u64),
    /// Nothing is there.
    Missing,
}

impl State {
    /// Its name in lists.
    pub fn name(&self) -> &'static str {
        match self {
            Self::BuiltIn => "built in",
            Self::Ready => "ready",
            Self::ByHand => "ready, by hand",
            Self::Incomplete(_) => "incomplete",
            Self::Changed(_) => "changed",
            Self::Begun(_) => "partial",
            Self::Missing => "missing",
        }
    }

    /// Returns true if the data can be used.
    pub fn is_ready(&self) -> bool {
        matches!(self, Self::BuiltIn | Self::Ready | Self::ByHand)
    }

    /// Returns true if a fetch would install them.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Begun(_) | Self::Missing)
    }
}

impl Holding {
    pub(crate) fn new(manifest: &Manifest, how: How, came: Vec<Came>, mut files: Vec<Held>) -> Self {
        files.sort();
        let when = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Self { manifest: manifest.name.clone(), how, when, came, files }
    }

    /// The record of a manifest's data, if there is one.
    pub fn read(manifest: &Manifest, data: &Path) -> Result<Option<Self>, RecordError> {
        let path = note(manifest, data);
        if !path.is_file() {
            return Ok(None);
        }
        let bytes = files::read(&path, LIMIT)?;
        serde_json::from_slice(&bytes).map(Some).map_err(|source| RecordError::Json { path, source })
    }

    pub(crate) fn write(&self, manifest: &Manifest, data: &Path) -> Result<(), RecordError> {
        let path = note(manifest, data);
        let text = serde_json::to_vec(self).map_err(|source| RecordError::Json { path: path.clone(), source })?;
        files::write(&path, &text)
    }
}

fn note(manifest: &Manifest, data: &Path) -> PathBuf {
    data.join(NOTES).join(format!("{}.json", manifest.name))
}

/// Takes the lock of a manifest's data, waiting while another process holds it. `None` if the user asked to stop.
pub(crate) fn lock(manifest: &Manifest, data: &Path, monitor: &dyn Monitor) -> Result<Option<Lock>, RecordError> {
    let path = data.join(NOTES).join(format!("{}.lock", manifest.name));
    Lock::wait(&path, &format!("{}: waiting for another process that fetches it", manifest.name), monitor)
}

/// The state of the data, determined without reading their contents.
pub fn state(manifest: &Manifest, data: &Path) -> Result<State, RecordError> {
    if matches!(manifest.origin, Origin::BuiltIn | Origin::Composed(_)) {
        return Ok(State::BuiltIn);
    }
    let place = manifest.place(data);
    if let Some(holding) = Holding::read(manifest, data)? {
        let lost: Vec<String> = holding.files.iter().filter_map(|file| changed(file, &place)).collect();
        // A folder that was removed on purpose is fetched again.
        if lost.is_empty() {
            return Ok(State::Ready);
        }
        if lost.len() < holding.files.len() || (manifest.owns_folder() && has_content(&place)) {
            return Ok(State::Changed(lost));
        }
    }
    if !manifest.owns_folder() {
        let there = manifest.files().iter().any(|file| place.join(&file.file).is_file());
        return Ok(if there { State::ByHand } else { absent(manifest, data) });
    }
    if !has_content(&place) {
        return Ok(absent(manifest, data));
    }
    let lacking = manifest.lacks(&place);
    Ok(if lacking.is_empty() { State::ByHand } else { State::Incomplete(lacking) })
}

fn absent(manifest: &Manifest, data: &Path) -> State {
    let begun = |file: &RemoteFile| {
        let target = manifest.place_of(file, data);
        fs::metadata(&target).map_or(0, |about| about.len()) + fetch::begun(&target)
    };
    match manifest.files().iter().map(begun).sum() {
        0 => State::Missing,
        bytes => State::Begun(bytes),
    }
}

/// The problem of an installed file, judged by its size alone.
fn changed(file: &Held, place: &Path) -> Option<String> {
    match fs::metadata(place.join(&file.path)) {
        Ok(about) if about.len() == file.bytes => None,
        Ok(about) => Some(format!("{} has {} bytes instead of {}", file.path, about.len(), file.bytes)),
        Err(_) => Some(format!("{} is missing", file.path)),
    }
}

/// Returns true if a folder, or the target of a link, is not empty.
pub(crate) fn has_content(folder: &Path) -> bool {
    fs::symlink_metadata(folder).is_ok() && fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_some())
}

/// Bytes on disk: the data, and remaining archives and parts.
pub fn size(manifest: &Manifest, data: &Path) -> u64 {
    let below = |folder: &Path| -> u64 {
        let entries = WalkDir::new(folder).follow_root_links(true).into_iter().flatten();
        entries
            .filter(|entry| entry.file_type().is_file())
            .filter_map(|entry| entry.metadata().ok())
            .map(|m| m.len())
            .sum()
    };
    match manifest.origin {
        Origin::BuiltIn | Origin::Composed(_) => 0,
        Origin::OneOf(_) => {
            let place = manifest.place(data);
            let sizes = manifest.files().iter().map(|file| {
                let path = place.join(&file.file);
                fs::metadata(&path).map_or(0, |about| about.len()) + fetch::begun(&path)
            });
            sizes.sum()
        }
        Origin::Local(_) | Origin::Download(_) => below(&manifest.place(data)) + below(&manifest.downloads(data)),
    }
}
