//! The sources of data sets: manifests, downloads that are checked before use, and archives that are unpacked within limits.
//! All files are untrusted: sizes are limited, paths cannot leave their folder, and digests are compared with the
//! manifest.
//!
//! * [`manifest`]: `data-manifests/<name>.yaml`, typed and checked
//! * [`fetch`]: files from the network, resumed, retried, checked
//! * [`install`]: turns files into a data set's folder, which appears whole or not at all
//! * [`holdings`]: the state of a manifest's data in the data folder
//! * [`import`]: imports a user's own data
//! * [`archive`]: unpacks tar, tar in gzip and zip within limits

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
