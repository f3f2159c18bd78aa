//! The record of a run. `run.json` holds everything that decides its numbers, and the results; `host.json` holds the
//! circumstances.

use crate::{
    RecordError, Result, files,
    vocabulary::{Key, Protocol, Stage},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{collections::BTreeMap, path::Path};

const LIMIT: u64 = 16 << 20;

/// Names of the files in a run's folder.
pub mod file {
    /// [`RunRecord`](super::RunRecord), JSON. It is written last, so a run that has it is done.
    pub const RUN: &str = "run.json";
    /// [`HostRecord`](super::HostRecord), JSON. It is written first.
    pub const HOST: &str = "host.json";
    /// Rows are [`MetricRow`](crate::rows::MetricRow).
    pub const METRICS: &str = "metrics.csv";
    /// The network's scores of every image; rows are [`ImageRow`](crate::rows::ImageRow). Only of an evaluation, as all below.
    pub const PER_IMAGE: &str = "per_image.csv";
    /// The baselines' scores of every image; rows are [`ImageRow`](crate::rows::ImageRow).
    pub const BASELINES: &str = "baselines.csv";
    /// Rows are [`ConfusionRow`](crate::rows::ConfusionRow).
    pub const CONFUSION: &str = "confusion.csv";
    /// Rows are [`CalibrationRow`](crate::rows::CalibrationRow).
    pub const CALIBRATION: &str = "calibration.csv";
    /// Rows are [`PictureRow`](crate::rows::PictureRow). They describe the tiles of the two sheets of pictures.
    pub const PICTURES: &str = "pictures.csv";
    /// Files that the stage read; rows are [`FileRow`](crate::rows::FileRow). It stays in the store.
    pub const FILES: &str = "files.csv";
}

/// Everything that decides the numbers of a run, and its results: `run.json`. Equal settings on equal devices give
/// equal bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Key of the stage: SHA-256 of `settings`.
    pub key: Key,
    /// The stage.
    pub stage: Stage,
    /// Keys of the stages that it builds on.
    pub parents: Vec<Key>,
    /// Seed of the study for this run.
    pub seed: u64,
    /// The protocol. `None` if the stage is the same under both.
    pub protocol: Option<Protocol>,
    /// Kind of the device, with the precision unless it is f32: `cpu`, `cuda`, `cuda in bf16`.
    pub device: String,
    /// True if the device gives the same bits on a second run.
    pub deterministic: bool,
    /// Digest of the data that it read.
    pub data: String,
    /// Number of trainable parameters of the network.
    pub parameters: u64,
    /// Number of epochs trained. For an evaluation, those of the weights that were tested.
    pub epochs: u32,
    /// The epoch whose weights were kept.
    pub kept_epoch: u32,
    /// The algorithms that a library had chosen for convolutions by the end of the run, one line each. Empty on the
    /// CPU.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub algorithms: Vec<String>,
    /// Versions that the numbers depend on: `recipe`, `candle`, `pixels`.
    pub versions: BTreeMap<String, String>,
    /// The canonical settings.
    pub settings: serde_json::Value,
    /// SHA-256 of each output file, by its name in the run's folder.
    pub files: BTreeMap<String, String>,
}

/// The place and time of a run: `host.json`. Nothing in it changes the numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HostRecord {
    /// Name of the machine. `None` if it was not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Its operating system and architecture: `linux x86_64`.
    pub system: String,
    /// Name of the device: `cpu`, `cuda:0`.
    pub device: String,
    /// Number of threads. `None` if it was not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<usize>,
    /// Version of this program.
    pub harness: String,
    /// The checkout of the folder with studies, templates and manifests. In `host.json` its fields stand among the
    /// others.
    #[serde(flatten)]
    pub specs: Checkout,
    /// The checkout that the program was built from. Older records do not know it.
    #[serde(default, skip_serializing_if = "Checkout::is_unknown")]
    pub program: Checkout,
    /// True if the folder of the specs holds the program's sources, too. Then both commits should be the same. `None`
    /// if it was not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_repository: Option<bool>,
    /// The command line as typed. It stays in the store, because it names folders of the user.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Number of sittings. It is 1 for a run that was never interrupted.
    pub sittings: u32,
    /// Seconds of work, added up over all sittings.
    pub seconds: f64,
    /// Start of the first sitting, in seconds since 1970 (UTC). `None` if it was not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<u64>,
    /// End of the last sitting, in seconds since 1970 (UTC). `None` if it was not recorded or the run is not done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<u64>,
}

/// The state of a git checkout, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkout {
    /// The commit. `None` if there is no repository, or if git refuses to read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// True if a file was not as committed. `None` if that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dirty: Option<bool>,
}

impl Checkout {
    /// Returns true if nothing is known.
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }

    /// What is known of a run that began from the checkout `earlier` and went on from this one.
    #[must_use]
    pub fn after(self, earlier: &Self) -> Self {
        let dirty = match [self.dirty, earlier.dirty] {
            [Some(false), Some(false)] => Some(false),
            both if both.contains(&Some(true)) => Some(true),
            _ => None,
        };
        Self { commit: self.commit.filter(|commit| earlier.commit.as_ref() == Some(commit)), dirty }
    }

    /// The commit in words, with its first `digits`: `0a1b2c3`, `0a1b2c3, modified`, `0a1b2c3, perhaps modified`,
    /// `commit unknown`.
    pub fn in_words(&self, digits: usize) -> String {
        let known: Option<String> = self.commit.as_ref().map(|commit| commit.chars().take(digits).collect());
        let state = match self.dirty {
            Some(true) => ", modified",
            None if known.is_some() => ", perhaps modified",
            _ => "",
        };
        known.unwrap_or_else(|| "commit unknown".to_owned()) + state
    }
}

impl RunRecord {
    /// Reads `run.json` of the run in `folder`.
    pub fn read(folder: &Path) -> Result<Self> {
        read(&folder.join(file::RUN))
    }

    /// Writes `run.json` into `folder`, whole or not at all.
    pub fn write(&self, folder: &Path) -> Result<()> {
        write(&folder.join(file::RUN), self)
    }
}

impl HostRecord {
    /// Reads `host.json` of the run in `folder`.
    pub fn read(folder: &Path) -> Result<Self> {
        read(&folder.join(file::HOST))
    }

    /// Writes `host.json` into `folder`, whole or not at all.
    pub fn write(&self, folder: &Path) -> Result<()> {
        write(&folder.join(file::HOST), self)
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let data = files::read(path, LIMIT)?;
    serde_json::from_slice(&data).map_err(|source| RecordError::Json { path: path.to_owned(), source })
}

fn write<T: Serialize>(path: &Path, record: &T) -> Result<()> {
    let mut text =
        serde_json::to_vec_pretty(record).map_err(|source| RecordError::Json { path: path.to_owned(), source })?;
    text.push(b'\n');
    files::write(path, &text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn checkout(commit: Option<&str>, dirty: Option<bool>) -> Checkout {
        Checkout { commit: commit.map(str::to_owned), dirty }
    }

    #[test]
    fn an_old_record_knows_the_commit_of_its_specs_alone() {
        let old = json!({
            "system": "linux x86_64", "device": "cpu", "harness": "0.1.0", "commit": "0a1b2c3d4e", "dirty": false,
            "sittings": 1, "seconds": 1.5,
        });
        let host: HostRecord = serde_json::from_value(old.clone()).unwrap();
        assert_eq!(host.specs, checkout(Some("0a1b2c3d4e"), Some(false)));
        assert!(host.program.is_unknown() && host.same_repository.is_none());
        assert_eq!(serde_json::to_value(&host).unwrap(), old);
    }

    #[test]
    fn what_is_known_of_a_checkout_is_kept_and_the_rest_stays_unknown() {
        let mut host = json!({
            "system": "linux x86_64", "device": "cpu", "harness": "0.1.0", "sittings": 1, "seconds": 1.5,
            "commit": "0a1b2c3d4e", "program": {"commit": "1b2c3d4e5f", "dirty": true}, "same_repository": false,
        });
        let read: HostRecord = serde_json::from_value(host.clone()).unwrap();
        assert_eq!(read.specs, checkout(Some("0a1b2c3d4e"), None));
        assert_eq!(read.program, checkout(Some("1b2c3d4e5f"), Some(true)));
        assert_eq!(serde_json::to_value(&read).unwrap(), host);
        host["commit"] = json!(null);
        assert!(serde_json::from_value::<HostRecord>(host).unwrap().specs.is_unknown());
    }

    #[test]
    fn a_checkout_is_named_in_words() {
        for (commit, dirty, words) in [
            (Some("0a1b2c3d4e"), Some(false), "0a1b2c3"),
            (Some("0a1b2c3d4e"), Some(true), "0a1b2c3, modified"),
            (Some("0a1b2c3d4e"), None, "0a1b2c3, perhaps modified"),
            (None, None, "commit unknown"),
            (None, Some(false), "commit unknown"),
            (None, Some(true), "commit unknown, modified"),
        ] {
            assert_eq!(checkout(commit, dirty).in_words(7), words);
        }
        assert_eq!(checkout(Some("0a1b2c3d4e"), Some(false)).in_words(usize::MAX), "0a1b2c3d4e");
    }

    #[test]
    fn two_sittings_are_as_clean_as_the_worse_one() {
        let clean = checkout(Some("a"), Some(false));
        for (earlier, both) in [
            (clean.clone(), clean.clone()),
            (checkout(Some("a"), Some(true)), checkout(Some("a"), Some(true))),
            (checkout(Some("b"), Some(false)), checkout(None, Some(false))),
            (Checkout::default(), Checkout::default()),
        ] {
            assert_eq!(clean.clone().after(&earlier), both);
        }
    }
}
