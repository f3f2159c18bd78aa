//! A study: its file, its arms, and the checks of both.

mod arms;
mod check;
mod data;
mod resolved;
mod written;

pub use arms::{Arm, SECTIONS};
pub use check::check;
pub use data::{DataSpec, PretrainingData, SegmentationData};
pub use resolved::Resolved;
pub use written::{ArmSpec, GALLERY, Study};
