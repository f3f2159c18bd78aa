//! A study: what its file says, what its arms do, what is impossible in it.

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
