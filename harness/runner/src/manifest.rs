//! `data-manifests/<name>.yaml`: what a person must know of a data set or of published weights, and where weights come from.

use crate::failure::{Failure, Outcome};
use harness_record::files;
use serde::Deserialize;
use std::path::Path;

/// What a report says of a data set or of weights.
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
    /// Where the weights come from, if these are weights.
    #[serde(default)]
    pub(crate) weights: Option<WeightsSource>,
}

/// A file of weights in a repository of the Hugging Face hub, and the same weights elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WeightsSource {
    /// `owner/name`.
    pub(crate) repository: String,
    /// The commit: 40 hexadecimal digits.
    pub(crate) revision: String,
    /// Path of the file in the repository.
    pub(crate) file: String,
    /// SHA-256 of the file in hexadecimal, or its first digits; whatever the commit holds if absent.
    #[serde(default)]
    pub(crate) sha256: Option<String>,
    /// Where a person finds the same weights.
    #[serde(default)]
    pub(crate) alternatives: Vec<Alternative>,
}

/// The same weights elsewhere, perhaps in another format.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Alternative {
    /// Where to fetch the file.
    pub(crate) url: String,
    /// SHA-256 of the file in hexadecimal, or its first digits.
    #[serde(default)]
    pub(crate) sha256: Option<String>,
}

impl Manifest {
    /// Reads the manifest `name` in the folder `manifests`.
    pub(crate) fn read(manifests: &Path, name: &str) -> Outcome<Self> {
        let path = manifests.join(format!("{name}.yaml"));
        let bytes = files::read(&path, 1 << 20)?;
        let wrong = |why: String| Failure::Data(format!("{}: {why}", path.display()).into());
        let manifest: Self = serde_yaml::from_slice(&bytes).map_err(|e| wrong(e.to_string()))?;
        if let Some(source) = &manifest.weights {
            source.check().map_err(|(field, expected)| wrong(format!("weights.{field}: expected {expected}")))?;
        }
        Ok(manifest)
    }
}

impl WeightsSource {
    /// What is impossible in it: the field and what was expected of it.
    fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let is_hex = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let plain = |text: &str| !text.is_empty() && text.split('/').all(|part| !["", ".", ".."].contains(&part));
        let digest = |digest: &Option<String>| {
            digest.as_ref().is_none_or(|text| (8..=64).contains(&text.len()) && is_hex(text)) //
        };
        if !plain(&self.repository) || self.repository.matches('/').count() != 1 {
            return Err(("repository", "owner/name"));
        }
        if self.revision.len() != 40 || !is_hex(&self.revision) {
            return Err(("revision", "a commit: 40 hexadecimal digits in lower case"));
        }
        if !plain(&self.file) {
            return Err(("file", "a path in the repository"));
        }
        if !digest(&self.sha256) || !self.alternatives.iter().all(|a| digest(&a.sha256)) {
            return Err(("sha256", "a SHA-256 or at least its first 8 digits, in lower case"));
        }
        if !self.alternatives.iter().all(|a| a.url.starts_with("https://")) {
            return Err(("alternatives", "addresses that begin with https://"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_data_set_and_weights_have_a_manifest() {
        let manifests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data-manifests");
        for name in ["oxford-iiit-pet", "cats-and-dogs", "synthetic-pets", "resnet34-imagenet"] {
            let manifest = Manifest::read(&manifests, name).unwrap();
            assert!(!manifest.title.is_empty() && !manifest.licence.is_empty() && !manifest.citation.is_empty());
            assert!(manifest.homepage.is_empty() || manifest.homepage.starts_with("https://"));
        }
    }

    #[test]
    fn weights_are_pinned() {
        let manifests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data-manifests");
        let good = Manifest::read(&manifests, "resnet34-imagenet").unwrap().weights.unwrap();
        assert_eq!(good.check(), Ok(()));
        let alternative = |url: &str, sha256: &str| {
            vec![Alternative { url: url.to_owned(), sha256: Some(sha256.to_owned()) }] //
        };
        let wrong = [
            ("repository", WeightsSource { repository: "resnet34".to_owned(), ..good.clone() }),
            ("revision", WeightsSource { revision: "main".to_owned(), ..good.clone() }),
            ("file", WeightsSource { file: "../model.safetensors".to_owned(), ..good.clone() }),
            ("sha256", WeightsSource { sha256: Some("b627".to_owned()), ..good.clone() }),
            ("sha256", WeightsSource { alternatives: alternative("https://a/x.pth", "no digest"), ..good.clone() }),
            ("alternatives", WeightsSource { alternatives: alternative("http://a/x.pth", "b627a593"), ..good.clone() }),
        ];
        for (field, source) in wrong {
            assert_eq!(source.check().unwrap_err().0, field);
        }
    }
}
