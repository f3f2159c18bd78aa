//! The classes of the masks.

/// Number of classes: pet, background, border.
pub const CLASSES: usize = 3;

/// Names of the classes, by index.
pub const CLASS_NAMES: [&str; CLASSES] = ["pet", "background", "border"];
