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
mod pictures;
mod spec;
mod survey;

pub use bytes::Bytes;
pub use cats_and_dogs_filtered::FilteredSplit;
pub use dimensions::dimensions;
pub use error::{DataError, absent};
pub use folder::check_below;
pub use pack::{PackSummary, pack, packed, packed_at};
pub use pets_corpus::{CorpusFolders, Counts, Duplicates};
pub use pictures::Pictures;
pub use survey::{Item, Part, Repeated, Survey};

use folder::Folder;
use harness_record::{
    monitor::Monitor,
    vocabulary::{Protocol, Purpose},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use spec::{DataSet, each_once};
use std::path::Path;
use survey::{Files, Source, digest_of, row};

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

            /// The same data set with the protocol's choices written out. `None` if the protocol decides nothing.
            fn choices_under(&self, protocol: Protocol) -> Option<Self> {
                match self {
                    $(Self::$variant(spec) => spec.under(protocol).map(Self::$variant)),+
                }
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

impl DatasetSpec {
    /// Its folders below the data folder: none, one, or one for each of its parts.
    pub fn folders(&self) -> Vec<&str> {
        self.data_set().folders()
    }

    /// True if it has trimaps, so that it can be segmented.
    pub fn has_trimaps(&self) -> bool {
        self.data_set().has_trimaps()
    }

    /// The purposes that together read all of its pictures, each picture once. None if it has no pictures.
    pub fn purposes(&self) -> Vec<Purpose> {
        self.data_set().purposes()
    }

    /// True if the program draws its pictures.
    pub fn is_drawn(&self) -> bool {
        self.data_set().is_drawn()
    }

    /// True if it is the corpus that the published work pretrained on.
    pub fn is_published_corpus(&self) -> bool {
        self.data_set().is_published_corpus()
    }

    /// A short description for the report.
    pub fn describe(&self) -> String {
        self.data_set().describe()
    }

    /// The same data set with the protocol's choices written out. This is the data set that is surveyed and loaded.
    #[must_use]
    pub fn under(&self, protocol: Protocol) -> Self {
        self.choices_under(protocol).unwrap_or_else(|| self.clone())
    }

    /// True if the protocol decides which pictures it has.
    pub fn depends_on_protocol(&self) -> bool {
        self.under(Protocol::Published) != self.under(Protocol::Corrected)
    }

    /// Checks the options. The error names the invalid field, below `dataset`, and the expected value.
    pub fn check(&self) -> Result<(), (String, String)> {
        let below = |(field, expected): (String, String)| (format!("{}.{field}", self.name()), expected);
        self.check_folders().and_then(|()| self.data_set().check()).map_err(below)
    }

    fn check_folders(&self) -> Result<(), (String, String)> {
        for (place, folder) in self.folders().into_iter().enumerate() {
            if let Err(DataError::Folder { reason, example, .. }) = check_below(folder, "") {
                let expected = format!("a relative path below the data folder; this one {reason}{example}");
                return Err((self.data_set().folder_field(place), expected));
            }
        }
        Ok(())
    }

    /// Opens its folders.
    pub(super) fn open(&self, data_dir: &Path) -> Result<Vec<Folder>, DataError> {
        self.data_set().open(data_dir)
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

#[cfg(test)]
mod tests;
