//! Pictures and masks: reading them, the data sets, splitting them, and changing them at random.
//!
//! * [`pixels`]: decodes, resizes and changes pictures like Pillow
//! * [`datasets`]: data sets, from a spec to decoded pictures
//! * [`split`]: training and validation parts
//! * [`augment`]: random changes of training pictures
//! * [`bench`]: measures how fast pictures are read

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod augment;
pub mod bench;
pub mod datasets;
pub mod pixels;
pub mod split;
