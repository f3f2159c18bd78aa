//! What is known of a name in a data set's folder, whether the folder lies on disk or in a pack.

use serde::{Deserialize, Serialize};

/// The kind of entry under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    File,
    Folder,
    /// A symbolic link that leads out of the data set's folder or nowhere.
    Outside,
}

/// A file that is read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FileHash {
    /// `/`-separated name below the data set's folder.
    pub name: String,
    /// SHA-256 of its content.
    pub sha256: String,
}

/// Knowledge about a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    pub(super) size: u64,
    /// Time of change, in nanoseconds since 1970.
    pub(super) changed: u64,
    pub(super) sha256: String,
    pub(super) verdict: Verdict,
    /// Digest of its pixels, where it was asked for and it is a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pixels: Option<String>,
}

/// The knowledge that is wanted about a file; each level includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Hash,
    Verdict,
    Pixels,
}

impl Known {
    /// The same without what holds on this machine only.
    pub(super) fn portable(self) -> Self {
        Self { changed: 0, ..self }
    }

    pub(super) fn knows(&self, wanted: Wanted) -> bool {
        match wanted {
            Wanted::Hash => true,
            Wanted::Verdict => self.verdict != Verdict::Untried,
            Wanted::Pixels => self.pixels.is_some() || matches!(self.verdict, Verdict::Damaged(_)),
        }
    }
}

/// The answer to whether a file is a picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Verdict {
    Untried,
    Good,
    Damaged(String),
}
