//! The pictures of a data set in memory.

use super::{Bytes, Item};
use harness_record::rows::FileRow;

/// The pictures of a data set, all of one size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pictures {
    /// Side in pixels.
    pub size: u32,
    /// The survey's digest.
    pub digest: String,
    /// One item per picture, sorted by part, then by name.
    pub items: Vec<Item>,
    /// `[N, size, size, 3]` bytes: red, green, blue.
    pub rgb: Bytes,
    /// `[N, size, size]` classes, 0 pet, 1 background, 2 border; empty for [`Purpose::Pretraining`](harness_record::vocabulary::Purpose::Pretraining).
    pub classes: Bytes,
    /// Files that were not used: `skipped` if they are damaged, `unused` if they were left out for another reason.
    pub left_out: Vec<FileRow>,
}

impl Pictures {
    /// The interleaved RGB bytes of a picture.
    pub fn rgb_of(&self, place: usize) -> &[u8] {
        let length = 3 * (self.size * self.size) as usize;
        &self.rgb[place * length..][..length]
    }

    /// The class map of a picture.
    pub fn classes_of(&self, place: usize) -> &[u8] {
        let length = (self.size * self.size) as usize;
        &self.classes[place * length..][..length]
    }
}
