//! `data-manifests/<name>.yaml` describes a data set or a file of weights: its contents, its sources, and how to verify it.

mod catalogue;
mod check;
mod expected;
#[cfg(test)]
mod tests;

pub use catalogue::{Catalogue, is_below};
pub use expected::Expected;

use crate::{archive::Format, digests::Seen};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The word that stands for an unknown digest.
pub const UNVERIFIED: &str = "unverified";
/// Folder below the data folder for archives, complete or partial.
const DOWNLOADS: &str = "downloads";

/// A data set, or initial weights for training.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The stem of its file.
    #[serde(skip)]
    pub name: String,
    /// Its title.
    pub title: String,
    /// Its licence.
    pub licence: String,
    /// The citation.
    pub citation: String,
    /// Its page; empty if it has none.
    pub homepage: String,
    /// Its folder below the data folder. If absent, the manifest's own name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// The source of its data.
    pub origin: Origin,
    /// The layout of its folder.
    pub layout: Layout,
    /// Names of its classes.
    #[serde(default)]
    pub classes: Vec<String>,
    /// Its official parts.
    #[serde(default)]
    pub splits: Vec<Split>,
    /// The required contents of its folder. A folder that lacks some of them is incomplete.
    #[serde(default)]
    pub expect: Vec<Expected>,
    /// The alternative contents of its folder: another layout that can be read but is not the one that a fetch
    /// installs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accept: Vec<Expected>,
}

/// The source of data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Origin {
    /// Made by the program itself.
    BuiltIn,
    /// A folder that is put there by hand; the text says how to make it.
    Local(String),
    /// Files that are all needed. Archives among them are unpacked into the manifest's folder.
    Download(Vec<RemoteFile>),
    /// Alternative files, the preferred one first: the same weights in several formats.
    OneOf(Vec<RemoteFile>),
    /// Parts of other manifests.
    Composed(Vec<Part>),
}

/// A file with its sources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoteFile {
    /// Its local name.
    pub file: String,
    /// Its sources; the first is tried first.
    pub from: Vec<Source>,
    /// Its size in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Its SHA-256 in lower-case hexadecimal, or its first 8 or more digits, or `unverified`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Its MD5 in lower-case hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub md5: Option<String>,
    /// Its format, if it is an archive to be unpacked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "formats")]
    pub unpack: Option<Format>,
}

fn formats(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "enum": ["tar", "tar-gz", "zip", null] })
}

/// A source of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Source {
    /// An address that begins with `https://`, or with `http://` where the SHA-256 is known.
    Url(String),
    /// A file in a repository of the Hugging Face hub.
    Hub(HubFile),
}

/// A file in a repository of the Hugging Face hub, at one commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HubFile {
    /// `owner/name`.
    pub repository: String,
    /// The kind of repository.
    #[serde(default)]
    pub kind: HubKind,
    /// The commit: 40 hexadecimal digits.
    pub revision: String,
    /// Path of the file in the repository.
    pub file: String,
}

/// The kind of a hub repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HubKind {
    /// Weights.
    #[default]
    Model,
    /// Data.
    Dataset,
}

/// The layout of a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Layout {
    /// `images/`, and `annotations/` with list files and trimaps.
    OxfordIiitPet,
    /// A folder whose sub-folders are the classes, each with its pictures: `PetImages`.
    ClassFolders(String),
    /// `cats_and_dogs_filtered/`, with the folders `train` and `validation`, and in each of them `cats` and `dogs`.
    CatsAndDogsFiltered,
    /// `cifar-10-batches-bin/`, with records of a label and 3 × 32 × 32 bytes in `data_batch_<n>.bin` and `test_batch.bin`.
    #[serde(rename = "cifar-10")]
    Cifar10,
    /// `Images/`, with a folder per breed.
    StanfordDogs,
    /// Single files of weights.
    Weights,
    /// No files on disk, because the pictures are drawn.
    Drawn,
    /// The folders of its parts.
    Parts,
}

impl Layout {
    /// Its name in manifests. A data set recognises the layouts that it reads by this name.
    pub fn name(&self) -> String {
        match serde_json::to_value(self) {
            Ok(Value::Object(named)) => named.into_iter().next().map(|(name, _)| name).unwrap_or_default(),
            Ok(Value::String(name)) => name,
            _ => String::new(),
        }
    }
}

/// An official part of a data set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// Its name.
    pub name: String,
    /// Its number of images.
    pub images: u64,
    /// The file that lists them, or the folder that contains them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// The part of another data set that a composed data set contains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Name of the other manifest.
    pub manifest: String,
    /// The class that its images get here.
    pub class: String,
    /// The classes taken from the other data set; all if absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
    /// The splits taken from the other data set; all if absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub splits: Vec<String>,
    /// The resulting number of images.
    pub images: u64,
}

impl Manifest {
    /// Its folder below the data folder.
    pub fn folder(&self) -> &str {
        self.folder.as_deref().unwrap_or(&self.name)
    }

    /// The files that it names: all are needed, or they are alternatives.
    pub fn files(&self) -> &[RemoteFile] {
        match &self.origin {
            Origin::Download(files) | Origin::OneOf(files) => files,
            _ => &[],
        }
    }

    /// Returns true if the folder belongs only to this manifest. Files of `one-of` lie in a folder that others may
    /// share.
    pub fn owns_folder(&self) -> bool {
        !matches!(self.origin, Origin::OneOf(_))
    }

    /// The number of bytes that fetching everything transfers, as far as known; and true if all sizes are known.
    pub fn bytes(&self) -> (u64, bool) {
        let files = match &self.origin {
            Origin::OneOf(files) => files.get(..1).unwrap_or_default(),
            _ => self.files(),
        };
        (files.iter().filter_map(|file| file.size).sum(), files.iter().all(|file| file.size.is_some()))
    }

    /// The missing parts of the required contents of `folder`. Empty if the folder holds all of the alternative
    /// contents.
    pub fn lacks(&self, folder: &Path) -> Vec<String> {
        let holds = |expected: &Expected| expected.lacks(folder).is_none();
        if !self.accept.is_empty() && self.accept.iter().all(holds) {
            return Vec::new();
        }
        self.expect.iter().filter_map(|expected| expected.lacks(folder)).collect()
    }

    /// The place of its data.
    pub fn place(&self, data: &Path) -> PathBuf {
        data.join(self.folder())
    }

    /// The place of one of its files after fetching: archives in `downloads/`, other files in their final place.
    pub fn place_of(&self, file: &RemoteFile, data: &Path) -> PathBuf {
        if self.owns_folder() { self.download_of(file, data) } else { self.place(data).join(&file.file) }
    }

    /// The place of one of its files during fetching.
    pub(crate) fn download_of(&self, file: &RemoteFile, data: &Path) -> PathBuf {
        self.downloads(data).join(&file.file)
    }

    /// The place of its archives until they are unpacked.
    pub(crate) fn downloads(&self, data: &Path) -> PathBuf {
        data.join(DOWNLOADS).join(&self.name)
    }
}

impl RemoteFile {
    /// Returns true if its full SHA-256 or its MD5 is known.
    pub fn is_verified(&self) -> bool {
        self.md5.is_some() || self.full_sha256().is_some()
    }

    fn full_sha256(&self) -> Option<&str> {
        self.sha256.as_deref().filter(|digest| digest.len() == 64)
    }

    /// The reason why a file with these digests is not this file.
    pub fn refuses(&self, seen: &Seen) -> Option<String> {
        if let Some(size) = self.size.filter(|size| *size != seen.bytes) {
            return Some(format!("it has {} bytes, but the manifest says {size}", seen.bytes));
        }
        let digests = [("SHA-256", self.sha256.as_ref(), &seen.sha256), ("MD5", self.md5.as_ref(), &seen.md5)];
        let wrong = digests.into_iter().find_map(|(kind, expected, found)| {
            let expected = expected.filter(|expected| *expected != UNVERIFIED && !found.starts_with(*expected))?;
            Some(format!("it has the {kind} {found}, but the manifest says {expected}"))
        });
        wrong.map(|wrong| format!("{wrong}: it is another file, or damaged"))
    }
}

impl Source {
    /// The default hub.
    pub(crate) const HUB: &str = "https://huggingface.co";

    /// The address for people.
    pub fn address(&self) -> String {
        match self {
            Self::Url(url) => url.clone(),
            Self::Hub(HubFile { repository, kind, revision, file }) => {
                let kind = if *kind == HubKind::Dataset { "datasets/" } else { "" };
                format!("{}/{kind}{repository}/resolve/{revision}/{file}", Self::HUB)
            }
        }
    }
}
