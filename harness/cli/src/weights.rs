//! Finds the weights that training starts from in the data folder, and checks their digests.

#[cfg(test)]
mod tests;

use crate::{
    failure::{Failure, Outcome},
    manifests,
};
use harness_fetch::{digests, install::missing, manifest::Layout};
use harness_learn::models::{InitSpec, init::EncoderSpec};
use harness_record::digest;
use harness_study::surveys::Located;
use std::path::Path;

/// Finds the file of weights that `init` needs, if it needs one. It looks for files in `data_dir` and for manifests in
/// `manifests`. Weights that a manifest names have been fetched before, by [`crate::fetching::for_studies`].
pub(crate) fn locate(init: &InitSpec, data_dir: &Path, manifests: &Path) -> Outcome<Option<Located>> {
    match init {
        InitSpec::Random => Ok(None),
        InitSpec::Checkpoint(spec) => given(data_dir, &spec.file, spec.sha256.as_deref()).map(Some),
        InitSpec::Encoder(EncoderSpec { file: Some(file), sha256, .. }) => {
            given(data_dir, file, sha256.as_deref()).map(Some)
        }
        InitSpec::Encoder(EncoderSpec { weights, .. }) => {
            let name = weights.as_deref().ok_or_else(|| Failure::data("an encoder needs `weights` or `file`"))?;
            published(name, data_dir, manifests).map(Some)
        }
    }
}

/// Finds a file that a spec names.
fn given(data_dir: &Path, file: &str, sha256: Option<&str>) -> Outcome<Located> {
    let path = data_dir.join(file);
    if !path.is_file() {
        return Err(Failure::data(format!(
            "{} not found: put the weights there, or name the folder that contains {file} with --data-dir or \
             HARNESS_DATA",
            path.display()
        )));
    }
    let found = digest::of_file(&path)?;
    match sha256 {
        Some(expected) if !found.starts_with(&expected.to_ascii_lowercase()) => Err(Failure::data(format!(
            "{} has the SHA-256 {found}, but the spec says {expected}: it is another file, or damaged",
            path.display()
        ))),
        _ => Ok(Located { path, sha256: found }),
    }
}

/// Finds weights that a manifest describes, in the first of its formats that is there.
fn published(name: &str, data_dir: &Path, manifests: &Path) -> Outcome<Located> {
    let manifests = manifests::read(manifests)?;
    let manifest = manifests.named(name)?;
    if manifest.layout != Layout::Weights {
        return Err(Failure::data(format!("the manifest {name}.yaml does not describe weights")));
    }
    let place = manifest.place(data_dir);
    let Some(file) = manifest.files().iter().find(|file| place.join(&file.file).is_file()) else {
        return Err(Failure::data(missing(manifest, data_dir, "were not fetched")));
    };
    let path = place.join(&file.file);
    let seen = digests::of_file(&path)?;
    match file.refuses(&seen) {
        Some(why) => Err(Failure::data(format!("{}: {why}", path.display()))),
        None => Ok(Located { path, sha256: seen.sha256 }),
    }
}
