//! `data-manifests/<data set>.yaml`: what a person must know of a data set.

use crate::failure::{Failure, Outcome};
use harness_record::files;
use serde::Deserialize;
use std::path::Path;

/// What a report says of a data set.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    /// Its name for people.
    pub(crate) title: String,
    /// Its licence.
    pub(crate) licence: String,
    /// Whom to cite.
    pub(crate) citation: String,
    /// Its page.
    pub(crate) homepage: String,
}

impl Manifest {
    /// Reads the manifest of the data set `name` in the folder `manifests`.
    pub(crate) fn read(manifests: &Path, name: &str) -> Outcome<Self> {
        let path = manifests.join(format!("{name}.yaml"));
        let bytes = files::read(&path, 1 << 20)?;
        serde_yaml::from_slice(&bytes).map_err(|e| Failure::Data(format!("{}: {e}", path.display()).into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_data_set_has_a_manifest() {
        let manifests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data-manifests");
        for name in ["oxford-iiit-pet", "cats-and-dogs", "synthetic-pets"] {
            let manifest = Manifest::read(&manifests, name).unwrap();
            assert!(!manifest.title.is_empty() && !manifest.licence.is_empty() && !manifest.citation.is_empty());
            assert!(manifest.homepage.is_empty() || manifest.homepage.starts_with("https://"));
        }
    }
}
