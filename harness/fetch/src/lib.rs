//! Where data sets come from: manifests that name sources, downloads that are checked before use, archives that are read with
//! bounds. Everything here comes from strangers: sizes are limited, paths cannot leave their folder, digests are held against
//! what the manifest says.
//!
//! * [`manifest`]: `data-manifests/<name>.yaml`, typed and checked
//! * [`fetch`]: files from the network, resumed, retried, checked
//! * [`install`]: from files to a data set's folder, which appears whole or not at all
//! * [`holdings`]: what the data folder holds of a manifest, and whether it is still what it was
//! * [`import`]: adopting what a user has already
//! * [`archive`]: tar, tar in gzip and zip, unpacked within bounds

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod archive;
pub mod digests;
pub mod fetch;
pub mod holdings;
pub mod import;
pub mod install;
pub mod manifest;
mod words;

pub use words::human;
