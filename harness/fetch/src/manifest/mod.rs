//! `data-manifests/<name>.yaml`: what a data set or a file of weights is, where it comes from, and how to tell that it is right.

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

/// What stands for a digest that is not known yet.
pub const UNVERIFIED: &str = "unverified";
/// Folder below the data folder for archives, whole or in part.
const DOWNLOADS: &str = "downloads";

/// A data set, or weights that training starts from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The stem of its file.
    #[serde(skip)]
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// Its licence.
    pub licence: String,
    /// Whom to cite.
    pub citation: String,
    /// Its page; empty if it has none.
    pub homepage: String,
    /// Folder below the data folder; the manifest's own name if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// Where it comes from.
    pub origin: Origin,
    /// How its folder is laid out.
    pub layout: Layout,
    /// Names of its classes.
    #[serde(default)]
    pub classes: Vec<String>,
    /// Its official parts.
    #[serde(default)]
    pub splits: Vec<Split>,
    /// What its folder must hold. A folder that lacks some of it is incomplete.
    #[serde(default)]
    pub expect: Vec<Expected>,
    /// What its folder may hold instead: another layout that is read as well, and that no fetch brings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accept: Vec<Expected>,
}

/// Where data come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Origin {
    /// Made by the program itself.
    BuiltIn,
    /// A folder that is put there by hand; the text says how it is made.
    Local(String),
    /// Files of which all are needed. Archives among them are unpacked into the manifest's folder.
    Download(Vec<RemoteFile>),
    /// Files of which any one is enough, the preferred first: the same weights in several formats.
    OneOf(Vec<RemoteFile>),
    /// Parts of other manifests.
    Composed(Vec<Part>),
}

/// A file that can be had from somewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoteFile {
    /// Its name here.
    pub file: String,
    /// Where it can be had; the first is tried first.
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
    /// How it is packed, if it is an archive to be unpacked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "formats")]
    pub unpack: Option<Format>,
}

fn formats(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "enum": ["tar", "tar-gz", "zip", null] })
}

/// A place that has a file.
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
    /// What the repository holds.
    #[serde(default)]
    pub kind: HubKind,
    /// The commit: 40 hexadecimal digits.
    pub revision: String,
    /// Path of the file in the repository.
    pub file: String,
}

/// What a repository of the hub holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HubKind {
    /// Weights.
    #[default]
    Model,
    /// Data.
    Dataset,
}

/// How a folder is laid out.
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
    /// `Images/`, with a folder a breed.
    StanfordDogs,
    /// Single files of weights.
    Weights,
    /// Nothing on disk: the pictures are drawn.
    Drawn,
    /// The folders of its parts.
    Parts,
}

impl Layout {
    /// Its name in manifests, by which a data set knows that it reads it.
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
    /// How many images it has.
    pub images: u64,
    /// The file that lists them, or the folder that holds them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// What a composed data set takes of another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Name of the other manifest.
    pub manifest: String,
    /// The class here that its images belong to.
    pub class: String,
    /// The other's classes that are taken; all if absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
    /// The other's splits that are taken; all if absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub splits: Vec<String>,
    /// How many images that makes.
    pub images: u64,
}

impl Manifest {
    /// Its folder below the data folder.
    pub fn folder(&self) -> &str {
        self.folder.as_deref().unwrap_or(&self.name)
    }

    /// The files that it names, all or alternatives.
    pub fn files(&self) -> &[RemoteFile] {
        match &self.origin {
            Origin::Download(files) | Origin::OneOf(files) => files,
            _ => &[],
        }
    }

    /// Whether the folder is this manifest's alone. Files of `one-of` lie in a folder that others may share.
    pub fn owns_folder(&self) -> bool {
        !matches!(self.origin, Origin::OneOf(_))
    }

    /// Bytes that a fetch of everything moves, as far as they are known; and whether they all are.
    pub fn bytes(&self) -> (u64, bool) {
        let files = match &self.origin {
            Origin::OneOf(files) => files.get(..1).unwrap_or_default(),
            _ => self.files(),
        };
        (files.iter().filter_map(|file| file.size).sum(), files.iter().all(|file| file.size.is_some()))
    }

    /// What `folder` lacks of what it must hold; nothing if it holds all of what it may hold instead.
    pub fn lacks(&self, folder: &Path) -> Vec<String> {
        let holds = |expected: &Expected| expected.lacks(folder).is_none();
        if !self.accept.is_empty() && self.accept.iter().all(holds) {
            return Vec::new();
        }
        self.expect.iter().filter_map(|expected| expected.lacks(folder)).collect()
    }

    /// Where its data lie.
    pub fn place(&self, data: &Path) -> PathBuf {
        data.join(self.folder())
    }

    /// Where a file of it is put when it was fetched: an archive in `downloads/`, any other file where it belongs.
    pub fn place_of(&self, file: &RemoteFile, data: &Path) -> PathBuf {
        if self.owns_folder() { self.download_of(file, data) } else { self.place(data).join(&file.file) }
    }

    /// Where a file of it lies while it is fetched.
    pub(crate) fn download_of(&self, file: &RemoteFile, data: &Path) -> PathBuf {
        self.downloads(data).join(&file.file)
    }

    /// Where its archives lie until they are unpacked.
    pub(crate) fn downloads(&self, data: &Path) -> PathBuf {
        data.join(DOWNLOADS).join(&self.name)
    }
}

impl RemoteFile {
    /// Whether its whole SHA-256 or its MD5 is known.
    pub fn is_verified(&self) -> bool {
        self.md5.is_some() || self.full_sha256().is_some()
    }

    fn full_sha256(&self) -> Option<&str> {
        self.sha256.as_deref().filter(|digest| digest.len() == 64)
    }

    /// Why what was seen of a file is not this file.
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
    /// The hub that everyone asks unless told otherwise.
    pub(crate) const HUB: &str = "https://huggingface.co";

    /// The address a person can use.
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
