//! Packed data sets: one file with everything that is read of a data set's folders at one picture size, for machines
//! without a network.
//!
//! A pack is a plain tar file. Pictures and trimaps (1 pet, 2 background, 3 border) are stored resized, as lossless
//! WebP. List and record files are stored unchanged. Each member lies below its data set's folder. `index.json` lists
//! every file of the folders with the information about it. So a survey of a pack gives the same result as a survey of
//! the folders: the same digest, the same files left out, and therefore the same keys of stages. The index has the
//! SHA-256 of every member, and the last member, after the index, has the SHA-256 of the index.

mod read;
mod write;

pub(super) use read::{Packed, open};
pub use read::{packed, packed_at};
pub use write::{PackSummary, pack};

use super::known::{Kind, Known};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Extension of the packs that are searched for in a data folder.
pub(super) const ENDING: &str = "pack";
/// The member that lists all others.
const INDEX: &str = "index.json";
/// The last member: the digest of the index, in the format of `sha256sum`.
const INDEX_SUM: &str = "index.json.sha256";
/// Raised when packs change in a way that an older program would misread.
const FORMAT: u32 = 1;
/// Maximum size of an index, in bytes: enough for several hundred thousand files.
const INDEX_LIMIT: u64 = 256 << 20;
/// Maximum size of a list or record file, in bytes.
const WHOLE_LIMIT: u64 = 1 << 30;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Index {
    format: u32,
    /// The version of decoding and resizing that made the pictures.
    decoder: u32,
    /// Side of the pictures in pixels.
    size: u32,
    /// Entries by name, for each folder below the data folder.
    folders: BTreeMap<String, BTreeMap<String, Entry>>,
}

/// The kind of entry under a name in a packed folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Entry {
    kind: Kind,
    /// Digest and verdict of the original file, if anything reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    known: Option<Known>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    held: Option<Held>,
}

/// The content that the pack has for a file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Held {
    /// The unchanged file.
    Whole(Member),
    /// A resized picture.
    Picture(Member),
    /// A resized trimap.
    Trimap(Member),
    /// No content. The text is the reason that the original cannot be used.
    Damaged(String),
}

/// A member of the tar file.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Member {
    name: String,
    sha256: String,
}
