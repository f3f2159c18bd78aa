//! Pictures and masks: how they are read, which there are, how they are cut into parts, and how they are changed at random.
//!
//! * [`pixels`]: decoding, resizing and changing pictures as Pillow does
//! * [`datasets`]: data sets, from a spec to decoded pictures
//! * [`split`]: training and validation parts
//! * [`augment`]: random changes of training pictures
//! * [`bench`]: how fast pictures become data

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod augment;
pub mod bench;
pub mod datasets;
pub mod pixels;
pub mod split;
