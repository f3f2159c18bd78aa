//! Data sets: their specs, their files on disk, and their pictures as bytes.
//!
//! [`survey`] looks at a data set's files and computes the digest that names their content. It decodes nothing, except
//! to choose a subset of pictures that can be decoded. [`load`] returns the pictures, decoded and resized. It takes
//! them from the cache if they were loaded before. No file is dropped silently: [`Pictures::left_out`] lists each one
//! with the reason.

pub(crate) mod any_folder;
mod bytes;
mod class_folders;
mod decoded;
mod dimensions;
mod error;
mod folder;
mod hashes;
mod known;
mod lists;
mod pack;
mod spec;

pub use bytes::Bytes;
pub use cats_and_dogs_filtered::FilteredSplit;
pub use dimensions::dimensions;
pub use error::DataError;
pub use folder::check_below;
pub use pack::{PackSummary, pack, packed, packed_at};
pub use pets_corpus::{CorpusFolders, Counts, Duplicates};

use folder::Folder;
use harness_record::{
    digest,
    monitor::Monitor,
    rows::FileRow,
    vocabulary::{FileUse, Purpose},
};
use known::FileHash;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use spec::{DataSet, each_once};
use std::path::Path;

/// Makes a file of this folder a data set that specs can name. It also declares the file as a module.
macro_rules! data_sets {
    ($($(#[$doc:meta])* $variant:ident = $name:literal in $module:ident;)+) => {
        $(mod $module; pub use $module::$variant;)+

        /// The data set: `dataset: {oxford-iiit-pet: {folder: pets-sample}}`.
        #[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
        #[serde(deny_unknown_fields)]
        pub enum DatasetSpec {
            $($(#[$doc])* #[serde(rename = $name)] $variant($variant)),+
        }

        impl DatasetSpec {
            /// Its name in specs.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $name),+
                }
            }

            /// The data set in `folder` (below the data folder) that reads a manifest's `layout`; `None` if none does.
            pub fn of_layout(layout: &str, folder: &str) -> Option<Self> {
                $(if let Some(spec) = $variant::of_layout(layout, folder) {
                    return Some(Self::$variant(spec));
                })+
                None
            }

            /// The interface that the data set's own file implements.
            fn data_set(&self) -> &dyn DataSet {
                match self {
                    $(Self::$variant(spec) => spec),+
                }
            }
        }
    };
}

data_sets! {
    /// Oxford-IIIT Pet: photographs with trimaps, in the official layout.
    OxfordIiitPet = "oxford-iiit-pet" in oxford;
    /// A folder with one folder of photographs for each class, such as Microsoft's Cats & Dogs. Without trimaps.
    CatsAndDogs = "cats-and-dogs" in cats_and_dogs;
    /// The part of Kaggle's Dogs vs. Cats that TensorFlow's tutorials use, in the layout of its archive. Without
    /// trimaps.
    CatsAndDogsFiltered = "cats-and-dogs-filtered" in cats_and_dogs_filtered;
    /// CIFAR-10, from its binary archive or from the hub: the training pictures of all ten classes or of some. Without
    /// trimaps.
    Cifar10 = "cifar-10" in cifar_10;
    /// Stanford Dogs in its official layout. Without trimaps.
    StanfordDogs = "stanford-dogs" in stanford_dogs;
    /// The published pretraining corpus, composed of the four above. Without trimaps.
    PetsCorpus = "pets-corpus" in pets_corpus;
    /// Drawn pictures with trimaps. Nothing has to be downloaded.
    SyntheticPets = "synthetic-pets" in synthetic_pets;
}

/// A part of a data set, as its authors split it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// For training and validation.
    Trainval,
    /// For testing only.
    Test,
    /// Pictures without trimaps, or used without them.
    Unlabelled,
}

impl Part {
    /// Its name in files and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trainval => "trainval",
            Self::Test => "test",
            Self::Unlabelled => "unlabelled",
        }
    }
}

/// One picture of a data set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// File name relative to the data set's folder, `/`-separated.
    pub name: String,
    /// Breed or class.
    pub group: String,
    /// Part that it belongs to.
    pub part: Part,
}

/// The files of a data set that serve one purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// SHA-256 over name and content of every file that is read, and over the spec's selecting options.
    pub digest: String,
    /// Files that will not be read, or that were found damaged while choosing, each with the reason.
    pub left_out: Vec<FileRow>,
    /// Number of files of a larger set that are not part of the drawn subset. Most of them were never opened. They are
    /// not listed one by one.
    pub not_drawn: u64,
    /// Repeated pictures, if they were searched for.
    pub repeated: Option<Repeated>,
    /// The files to read, in the order of the items.
    sources: Vec<Source>,
}

/// Pictures that equal another one, pixel for pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeated {
    /// Number of repeated pictures. The first by name of several equal ones is not counted.
    pub pictures: u64,
    /// True if they were left out.
    pub removed: bool,
}

impl Survey {
    /// A survey of `sources`, with nothing left out.
    fn of(digest: String, sources: Vec<Source>) -> Self {
        Self { digest, left_out: Vec::new(), not_drawn: 0, repeated: None, sources }
    }

    /// Number of pictures that [`load`] will try to read.
    pub fn pictures(&self) -> usize {
        self.sources.len()
    }
}

/// The origin of one item.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Source {
    item: Item,
    /// Place of its folder in [`DatasetSpec::open`]'s list.
    folder: usize,
    files: Files,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Files {
    Picture(FileHash),
    PictureAndTrimap(FileHash, FileHash),
    Record(cifar_10::Record),
    Drawn { seed: u64, index: u32 },
}

impl Files {
    /// Name and content of each file.
    fn hashes(&self) -> impl Iterator<Item = &FileHash> {
        let both = match self {
            Self::Picture(picture) => [Some(picture), None],
            Self::PictureAndTrimap(picture, trimap) => [Some(picture), Some(trimap)],
            Self::Record(record) => [Some(&record.hash), None],
            Self::Drawn { .. } => [None, None],
        };
        both.into_iter().flatten()
    }
}

/// The pictures of a data set, all of one size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pictures {
    /// Side in pixels.
    pub size: u32,
    /// The survey's digest.
    pub digest: String,
    /// One item per picture, sorted by part, then by name.
    pub items: Vec<Item>,
    /// `[N, size, size, 3]` bytes: red, green, blue.
    pub rgb: Bytes,
    /// `[N, size, size]` classes, 0 pet, 1 background, 2 border; empty for [`Purpose::Pretraining`].
    pub classes: Bytes,
    /// Files that were not used: `skipped` if they are damaged, `unused` if they were left out for another reason.
    pub left_out: Vec<FileRow>,
}

impl Pictures {
    /// The interleaved RGB bytes of a picture.
    pub fn rgb_of(&self, place: usize) -> &[u8] {
        let length = 3 * (self.size * self.size) as usize;
        &self.rgb[place * length..][..length]
    }

    /// The class map of a picture.
    pub fn classes_of(&self, place: usize) -> &[u8] {
        let length = (self.size * self.size) as usize;
        &self.classes[place * length..][..length]
    }
}

/// Surveys the files of a data set below `data_dir`. Their hashes are remembered below `cache`.
pub fn survey(
    spec: &DatasetSpec,
    purpose: Purpose,
    data_dir: &Path,
    cache: &Path,
    monitor: &dyn Monitor,
) -> Result<Survey, DataError> {
    if purpose == Purpose::Segmentation && !spec.has_trimaps() {
        return Err(DataError::NoTrimaps { dataset: spec.name() });
    }
    spec.data_set().survey(purpose, data_dir, cache, monitor)
}

/// Loads the pictures that `survey` found, `size` × `size` pixels each, from the cache, or decodes them and puts them
/// there.
///
/// The result depends neither on the number of threads nor on the cache.
pub fn load(
    spec: &DatasetSpec,
    purpose: Purpose,
    survey: &Survey,
    data_dir: &Path,
    cache: &Path,
    size: u32,
    monitor: &dyn Monitor,
) -> Result<Pictures, DataError> {
    let path = decoded::path(cache, &survey.digest, purpose, size);
    let cached = decoded::read(&path, survey, purpose, size, monitor);
    let mut pictures = if let Some(pictures) = cached {
        pictures
    } else {
        decoded::write(&path, decoded::make(&spec.open(data_dir)?, survey, purpose, size, monitor)?)?
    };
    pictures.left_out.extend_from_slice(&survey.left_out);
    pictures.left_out.sort_by(|a, b| (a.used, &a.file).cmp(&(b.used, &b.file)));
    if pictures.items.is_empty() {
        return Err(DataError::NothingUsable {
            path: match spec.folders()[..] {
                [folder] => data_dir.join(folder),
                _ => data_dir.to_owned(),
            },
            left_out: pictures.left_out.len(),
            first: pictures.left_out.first().map_or_else(String::new, |row| format!("{}: {}", row.file, row.reason)),
        });
    }
    Ok(pictures)
}

/// SHA-256 over files and options.
fn digest_of(options: &serde_json::Value, sources: &[Source], lists: &[FileHash]) -> Result<String, DataError> {
    let mut files: Vec<&FileHash> =
        lists.iter().chain(sources.iter().flat_map(|source| source.files.hashes())).collect();
    files.sort_unstable();
    let files: Vec<[&str; 2]> = files.into_iter().map(|file| [file.name.as_str(), file.sha256.as_str()]).collect();
    digest::of_settings(&(options, files)).map_err(no_digest)
}

fn no_digest(source: serde_json::Error) -> DataError {
    DataError::Io { action: "digest", path: "dataset".into(), source: source.into() }
}

/// A row for a file that is left out, with the reason.
fn row(used: FileUse, file: impl Into<String>, group: &str, reason: impl Into<String>) -> FileRow {
    FileRow { used, file: file.into(), group: group.to_owned(), reason: reason.into() }
}

#[cfg(test)]
mod tests;
