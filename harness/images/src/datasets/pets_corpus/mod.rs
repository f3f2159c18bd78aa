//! The published pretraining corpus: cats of CIFAR-10 and of two sets of Asirra's photographs, dogs of CIFAR-10 and Stanford Dogs.
//!
//! A picture is called by its part and its name there: `stanford-dogs/Images/n02085620-Chihuahua/n02085620_10074.jpg`.

mod parts;
mod spec;

pub(super) use spec::NAMES;
pub use spec::{CorpusFolders, Counts, Duplicates, PetsCorpus};

use super::{DataError, Folder, Item, Part, Repeated, Source, Survey, class_folders::shuffle, row};
use harness_record::{digest, monitor::Monitor, rows::FileRow, vocabulary::FileUse};
use parts::{CATS, Candidate, DOGS, Usable};
use std::{
    collections::{BTreeMap, btree_map::Entry},
    path::Path,
};

/// Opens the folders of its parts, in the order of [`CorpusFolders::all`]. Names all that is missing in any of them.
pub(super) fn open(spec: &PetsCorpus, data_dir: &Path) -> Result<Vec<Folder>, DataError> {
    parts::open(&spec.folders, data_dir)
}

/// What of it is used: each class shuffled, without the damaged pictures and, if they are to be removed, without those that another
/// one equals; then of each class as many as the smaller one has.
///
/// The order of a class depends on the names of its files alone, so that keeping and removing give corpora which differ in little
/// more than the removed pictures.
pub(super) fn survey(
    spec: &PetsCorpus,
    data_dir: &Path,
    cache: &Path,
    monitor: &dyn Monitor,
) -> Result<Survey, DataError> {
    let folders = open(spec, data_dir)?;
    let parts::Gathered { mut candidates, mut left_out } = parts::gather(&folders, cache, monitor)?;
    if spec.counts == Counts::Published {
        parts::check_counts(&candidates, &folders)?;
    }
    candidates.sort_by(|a, b| a.name.cmp(&b.name));
    let repeats = repeats(&candidates);
    let remove = spec.duplicates == Some(Duplicates::Remove);
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

/// Places of the pictures that another one equals, and of that one, the first by name.
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
    row(FileUse::Unused, &repeat.name, repeat.class, format!("shows the same as {}, pixel for pixel", first.name))
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
    digest::of_settings(&("pets-corpus", pictures)).map_err(super::no_digest)
}
