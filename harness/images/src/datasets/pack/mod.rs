//! Packed data sets: one file with all that a data set's folders give at one size of pictures, for machines without a network.
//!
//! A pack is a plain tar file. Pictures and trimaps (1 pet, 2 background, 3 border) lie in it resized, as lossless WebP, list and
//! record files as they are, each below its data set's folder. `index.json` names every file of the folders and what is known of
//! it, so that a survey of a pack gives what a survey of the folders gave: the same digest, the same files left out, and so the same
//! keys of stages. Every member's SHA-256 stands in the index, and the index's own in the member behind it, the last.

mod read;
mod write;

pub(super) use read::{Packed, open};
pub use read::{packed, packed_at};
pub use write::{PackSummary, pack};

use super::known::{Kind, Known};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Ending of the files that are looked for in a data folder.
pub(super) const ENDING: &str = "pack";
/// The member that names all others.
const INDEX: &str = "index.json";
/// The last member: the index's digest, as `sha256sum` writes it.
const INDEX_SUM: &str = "index.json.sha256";
/// Raised whenever packs change in a way that an older program would misread.
const FORMAT: u32 = 1;
/// Most bytes of an index: several hundred thousand files.
const INDEX_LIMIT: u64 = 256 << 20;
/// Most bytes of a list or record file.
const WHOLE_LIMIT: u64 = 1 << 30;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Index {
    format: u32,
    /// The version of decoding and resizing that made the pictures.
    decoder: u32,
    /// Side of the pictures in pixels.
    size: u32,
    /// By the folder's name below the data folder.
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

/// The pack's knowledge about a file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Held {
    /// The file as it is.
    Whole(Member),
    /// A resized picture.
    Picture(Member),
    /// A resized trimap.
    Trimap(Member),
    /// Nothing: why the original cannot be used.
    Damaged(String),
}

/// A member of the tar file.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Member {
    name: String,
    sha256: String,
}
