//! The entry point for `harness/fuzz`: reads a manifest as the commands do.

use crate::manifests;
use harness_fetch::manifest::Manifest;
use std::path::Path;

/// Reads a manifest and words all its problems, as text and as JSON. Returns the manifest if it is sound.
///
/// # Panics
///
/// Panics if a problem cannot be worded.
pub fn manifest(file: &Path) -> Option<Manifest> {
    let problems = match manifests::one(file) {
        Ok(manifest) => return Some(manifest),
        Err(problems) => problems,
    };
    assert!(!problems.to_string().is_empty() && serde_json::to_string(problems.all()).is_ok());
    None
}
