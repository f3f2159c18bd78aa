//! Information about a name in a data set's folder. The folder may lie on disk or in a pack.

use serde::{Deserialize, Serialize};

/// The kind of entry under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    File,
    Folder,
    /// A symbolic link that leads out of the data set's folder or to nothing.
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

/// Remembered information about a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    pub(super) size: u64,
    /// Modification time, in nanoseconds since 1970.
    pub(super) changed: u64,
    pub(super) sha256: String,
    pub(super) verdict: Verdict,
    /// Digest of its pixels, if it was requested and the file is a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pixels: Option<String>,
}

/// The information that is requested about a file. Each level includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Hash,
    Verdict,
    Pixels,
}

impl Known {
    /// The same without the values that hold only on this machine.
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
