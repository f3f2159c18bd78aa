//! The published pretraining corpus: cats of CIFAR-10 and of two sets of Asirra's photographs, dogs of CIFAR-10 and Stanford Dogs.
//!
//! The name of a picture is its part and its name there:
//! `stanford-dogs/Images/n02085620-Chihuahua/n02085620_10074.jpg`.

mod parts;
mod spec;

pub use spec::{CorpusFolders, Counts, Duplicates, PetsCorpus};

use super::{DataError, DataSet, Folder, Item, Part, Repeated, Source, Survey, class_folders::shuffle, row};
use harness_record::{
    digest,
    monitor::Monitor,
    rows::FileRow,
    vocabulary::{FileUse, Protocol, Purpose},
};
use parts::{CATS, Candidate, DOGS, Usable};
use spec::NAMES;
use std::{
    collections::{BTreeMap, btree_map::Entry},
    path::Path,
};

impl DataSet for PetsCorpus {
    fn folders(&self) -> Vec<&str> {
        self.folders.all().to_vec()
    }

    fn folder_field(&self, place: usize) -> String {
        format!("folders.{}", NAMES[place])
    }

    fn is_published_corpus(&self) -> bool {
        self.counts == Counts::Published
    }

    fn under(&self, protocol: Protocol) -> Option<Self> {
        let usual = match protocol {
            Protocol::Published => Duplicates::Keep,
            Protocol::Corrected => Duplicates::Remove,
        };
        let duplicates = Some(self.duplicates.unwrap_or(usual));
        Some(Self { duplicates, ..self.clone() })
    }

    fn describe(&self) -> String {
        let found = if self.counts == Counts::AsFound { ", using what there is" } else { "" };
        let equal = match self.duplicates {
            None => "identical pictures used once under the corrected protocol",
            Some(Duplicates::Keep) => "identical pictures all used",
            Some(Duplicates::Remove) => "equal pictures once",
        };
        let parts = "cats of CIFAR-10 and two sets of photographs, dogs of CIFAR-10 and Stanford Dogs, the same number \
                     of each";
        format!("{parts}{found}; {equal}")
    }

    fn of_layout(layout: &str, _: &str) -> Option<Self> {
        (layout == "parts").then(Self::default)
    }

    /// Opens the folders of its parts, in the order of [`CorpusFolders::all`]. The error lists everything that is
    /// missing in any of them.
    fn open(&self, data_dir: &Path) -> Result<Vec<Folder>, DataError> {
        parts::open(&self.folders, data_dir)
    }

    /// Shuffles each class, leaves out damaged pictures and, if the spec says so, repeated ones, and then takes as many
    /// pictures of each class as the smaller class has.
    ///
    /// The order of a class depends only on the names of its files. So corpora with and without repeated pictures
    /// hardly differ in other pictures.
    fn survey(&self, _: Purpose, data_dir: &Path, cache: &Path, monitor: &dyn Monitor) -> Result<Survey, DataError> {
        let folders = self.open(data_dir)?;
        let parts::Gathered { mut candidates, mut left_out } = parts::gather(&folders, cache, monitor)?;
        if self.counts == Counts::Published {
            parts::check_counts(&candidates, &folders)?;
        }
        candidates.sort_by(|a, b| a.name.cmp(&b.name));
        let repeats = repeats(&candidates);
        let remove = self.duplicates == Some(Duplicates::Remove);
        let repeated = Repeated { pictures: repeats.len() as u64, removed: remove };
        if remove {
            left_out.extend(repeats.iter().map(|(&repeat, &first)| removed(&candidates[repeat], &candidates[first])));
        }
        let usable = |i: &usize| candidates[*i].content.is_some() && !(remove && repeats.contains_key(i));
        let classes = [CATS, DOGS].map(|class| {
            let mut order: Vec<usize> = (0..candidates.len()).filter(|&i| candidates[i].class == class).collect();
            shuffle(&mut order, &["pets-corpus", class, "cut"]);
            order.retain(usable);
            order
        });
        let each = classes.iter().map(Vec::len).min().unwrap_or(0);
        let not_drawn = classes.iter().map(|order| (order.len() - each) as u64).sum();
        let drawn = classes.iter().flat_map(|order| &order[..each]);
        let mut sources: Vec<Source> = drawn.filter_map(|&i| candidates[i].source()).collect();
        sources.sort_by(|a, b| a.item.name.cmp(&b.item.name));
        let digest = digest(&sources)?;
        Ok(Survey { left_out, not_drawn, repeated: Some(repeated), ..Survey::of(digest, sources) })
    }
}

/// Places of the repeated pictures, each with the place of the first of its equals by name.
fn repeats(candidates: &[Candidate]) -> BTreeMap<usize, usize> {
    let (mut first, mut repeats) = (BTreeMap::new(), BTreeMap::new());
    for (i, candidate) in candidates.iter().enumerate() {
        let Some(Usable { pixels, .. }) = &candidate.content else { continue };
        match first.entry(pixels) {
            Entry::Vacant(place) => {
                place.insert(i);
            }
            Entry::Occupied(place) => {
                repeats.insert(i, *place.get());
            }
        }
    }
    repeats
}

fn removed(repeat: &Candidate, first: &Candidate) -> FileRow {
    row(FileUse::Unused, &repeat.name, repeat.class, format!("is identical to {}, pixel for pixel", first.name))
}

impl Candidate {
    fn source(&self) -> Option<Source> {
        let item = Item { name: self.name.clone(), group: self.class.to_owned(), part: Part::Unlabelled };
        let content = self.content.as_ref()?;
        Some(Source { item, folder: self.folder, files: content.files.clone() })
    }
}

/// SHA-256 over name, class and content of each picture.
fn digest(sources: &[Source]) -> Result<String, DataError> {
    let pictures: Vec<[&str; 3]> = sources
        .iter()
        .flat_map(|source| source.files.hashes().map(|file| [&*source.item.name, &*source.item.group, &*file.sha256]))
        .collect();
    digest::of_settings(&("pets-corpus", pictures)).map_err(super::survey::no_digest)
}
