//! A picture with its mask, as a data set has it.

/// A picture of the contact sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tile {
    /// Breed or class.
    pub class: String,
    /// Part of the data set.
    pub part: String,
    /// `[size, size, 3]` bytes.
    pub rgb: Vec<u8>,
    /// `[size, size]` classes, 0 pet, 1 background, 2 border, if it has a trimap.
    pub classes: Option<Vec<u8>>,
}
