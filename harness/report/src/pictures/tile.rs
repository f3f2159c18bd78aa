//! A picture with its mask, as the data set holds it.

/// A picture of the contact sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tile {
    /// The breed or class.
    pub class: String,
    /// The part of the data set.
    pub part: String,
    /// The colours, `[size, size, 3]` bytes.
    pub rgb: Vec<u8>,
    /// The classes, `[size, size]` bytes: 0 pet, 1 background, 2 border. `None` if there is no trimap.
    pub classes: Option<Vec<u8>>,
}
