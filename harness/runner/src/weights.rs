//! Weights that training starts from: found in the data folder or fetched into it, and held against their digests.

mod hub;
#[cfg(test)]
mod tests;

use crate::{
    failure::{Failure, Outcome},
    manifest::{Manifest, WeightsSource},
    progress::Progress,
};
use harness_learn::models::{InitSpec, init::EncoderSpec};
use harness_record::{digest, files};
use hf_hub::{HFClient, HFClientBuilder};
use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

/// The most that is read of one weight file, in bytes.
const LIMIT: u64 = 4 << 30;

/// A file of weights, whose digest belongs to the settings of what is trained from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Located {
    pub(crate) path: PathBuf,
    /// SHA-256 in lower-case hexadecimal.
    pub(crate) sha256: String,
}

/// The file of weights that `init` needs, if it needs one: files are looked for in `data_dir`, manifests in `manifests`.
///
/// What a manifest names is fetched from the Hugging Face hub if it is not in the data folder, unless `offline` or
/// `HF_HUB_OFFLINE` says not to; `HF_HOME`, `HF_ENDPOINT` and `HF_TOKEN` mean what they mean to the hub's own programs.
pub(crate) fn locate(
    init: &InitSpec,
    data_dir: &Path,
    manifests: &Path,
    offline: bool,
    progress: &Progress,
) -> Outcome<Option<Located>> {
    match init {
        InitSpec::Random => Ok(None),
        InitSpec::Checkpoint(spec) => given(data_dir, &spec.file, spec.sha256.as_deref()).map(Some),
        InitSpec::Encoder(EncoderSpec { file: Some(file), sha256, .. }) => {
            given(data_dir, file, sha256.as_deref()).map(Some)
        }
        InitSpec::Encoder(EncoderSpec { weights, .. }) => {
            let name = weights.as_deref().ok_or_else(|| Failure::data("an encoder needs `weights` or `file`"))?;
            let source = Manifest::read(manifests, name)?.weights;
            let source = source.ok_or_else(|| Failure::data(format!("the manifest {name}.yaml names no weights")))?;
            let hub = if offline || hub_is_off() { None } else { Some(HFClient::builder()) };
            published(&Published { name, source: &source, data_dir }, hub, progress).map(Some)
        }
    }
}

/// Whether the user forbade the hub's programs to use the network.
fn hub_is_off() -> bool {
    let value = std::env::var("HF_HUB_OFFLINE").unwrap_or_default();
    ["1", "on", "true", "yes"].contains(&value.to_ascii_lowercase().as_str())
}

/// A file that a spec names.
fn given(data_dir: &Path, file: &str, sha256: Option<&str>) -> Outcome<Located> {
    let path = data_dir.join(file);
    if !path.is_file() {
        return Err(Failure::data(format!(
            "{} not found: put the weights there, or name the folder that holds {file} with --data-dir or HARNESS_DATA",
            path.display()
        )));
    }
    checked(path, sha256, "the spec")
}

/// Weights that a manifest describes.
struct Published<'a> {
    name: &'a str,
    source: &'a WeightsSource,
    data_dir: &'a Path,
}

/// One of the places from which published weights can be had.
struct Offer<'a> {
    url: String,
    sha256: Option<&'a str>,
    /// Where its file belongs.
    path: PathBuf,
}

impl Published<'_> {
    /// The hub's file, then the others.
    fn offers(&self) -> Vec<Offer<'_>> {
        let WeightsSource { repository, revision, file, sha256, alternatives } = self.source;
        let path = |from: &str| {
            let ending = Path::new(from).extension().map(|x| x.to_string_lossy().into_owned());
            self.data_dir.join(format!("weights/{}.{}", self.name, ending.unwrap_or_default()))
        };
        let url = format!("https://huggingface.co/{repository}/resolve/{revision}/{file}");
        let mut offers = vec![Offer { url, sha256: sha256.as_deref(), path: path(file) }];
        offers.extend(alternatives.iter().map(|a| Offer {
            url: a.url.clone(),
            sha256: a.sha256.as_deref(),
            path: path(&a.url),
        }));
        offers
    }

    /// What a person can do who has no network here.
    fn missing(&self, why: &str) -> Failure {
        let mut text = format!("the weights {} are not in the data folder and {why}", self.name);
        for (i, Offer { url, path, .. }) in self.offers().iter().enumerate() {
            let or = if i == 0 { "" } else { "or " };
            let _ = write!(text, "\n{or}fetch {url}\nand put it at {}", path.display());
        }
        Failure::data(text)
    }
}

/// The file if it is there already, or else fetched from the hub.
fn published(wanted: &Published<'_>, hub: Option<HFClientBuilder>, progress: &Progress) -> Outcome<Located> {
    let offers = wanted.offers();
    if let Some(offer) = offers.iter().find(|offer| offer.path.is_file()) {
        return checked(offer.path.clone(), offer.sha256, "the manifest");
    }
    let Some(hub) = hub else { return Err(wanted.missing("nothing may be fetched")) };
    let fetched = match hub::fetch(hub, wanted.source, wanted.name, progress) {
        Ok(fetched) => fetched,
        Err(hub::FetchError::Stopped) => return Err(Failure::Interrupted),
        Err(error) => return Err(wanted.missing(&format!("cannot be fetched: {}", chain(&error)))),
    };
    let Located { path: from, sha256 } = checked(fetched, offers[0].sha256, "the manifest")?;
    // Only what is right gets the place where it is looked for.
    let path = offers[0].path.clone();
    files::write(&path, &files::read(&from, LIMIT)?)?;
    checked(path, Some(&sha256), "the hub")
}

/// An error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            let _ = write!(text, ": {more}");
        }
        cause = error.source();
    }
    text
}

/// A file with its digest, which begins with `expected`, as `who` says.
fn checked(path: PathBuf, expected: Option<&str>, who: &str) -> Outcome<Located> {
    let sha256 = digest::of_file(&path)?;
    match expected {
        Some(expected) if !sha256.starts_with(&expected.to_ascii_lowercase()) => Err(Failure::data(format!(
            "{} has the SHA-256 {sha256}, but {who} says {expected}: it is another file, or damaged",
            path.display()
        ))),
        _ => Ok(Located { path, sha256 }),
    }
}
