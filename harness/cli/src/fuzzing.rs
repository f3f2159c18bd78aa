//! What `harness/fuzz` calls: files of strangers, read as the commands read them.

use crate::{
    manifests,
    spec::{decode::check_profiles, diagnosis::Problems, layers::Spec},
    study::{self, Resolved, Study},
};
use harness_fetch::manifest::Manifest;
use std::path::Path;

/// Reads a spec below `root` in each of its profiles, as `validate` and `study` do, and words all that is wrong with it.
/// Whether it is sound.
///
/// # Panics
///
/// Where `study` would refuse what `validate` passes.
pub fn spec(root: &Path, file: &Path) -> bool {
    let spec = match Spec::read(root, file) {
        Ok(spec) => spec,
        Err(problems) => return told(&problems),
    };
    if let Some(problems) = Problems::found(check_profiles::<Study>(&spec, study::check)) {
        return told(&problems);
    }
    for profile in spec.profiles() {
        let resolved = Resolved::new(&spec, profile, &[]);
        assert!(resolved.is_ok(), "{:?}", resolved.err());
    }
    true
}

/// Reads a manifest and words all that is wrong with it. It, if it is sound.
pub fn manifest(file: &Path) -> Option<Manifest> {
    match manifests::one(file) {
        Ok(manifest) => Some(manifest),
        Err(problems) => {
            told(&problems);
            None
        }
    }
}

/// Problems are printed as text and as JSON.
fn told(problems: &Problems) -> bool {
    assert!(!problems.to_string().is_empty() && serde_json::to_string(problems.all()).is_ok());
    false
}
