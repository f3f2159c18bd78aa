//! What `harness/fuzz` calls: a manifest, read as the commands read it.

use crate::manifests;
use harness_fetch::manifest::Manifest;
use std::path::Path;

/// Reads a manifest and words all that is wrong with it, as text and as JSON. It, if it is sound.
///
/// # Panics
///
/// Where a problem cannot be worded.
pub fn manifest(file: &Path) -> Option<Manifest> {
    let problems = match manifests::one(file) {
        Ok(manifest) => return Some(manifest),
        Err(problems) => problems,
    };
    assert!(!problems.to_string().is_empty() && serde_json::to_string(problems.all()).is_ok());
    None
}
