//! The layout of a record.

pub(super) const SIDE: u32 = 32;

/// Number of pixels of a picture, and of bytes of each of its colours.
pub(super) const PLANE: usize = (SIDE * SIDE) as usize;

/// Bytes of a record: its label, then all red, all green, all blue.
pub(super) const RECORD: usize = 1 + 3 * PLANE;

pub(super) const CLASSES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];
