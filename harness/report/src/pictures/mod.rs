//! Pictures: sheets of photographs with their masks.

pub(crate) mod contact_sheet;
pub(crate) mod drawing;
pub(crate) mod gallery;
pub(crate) mod tile;
