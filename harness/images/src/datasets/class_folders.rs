//! Folders whose sub-folders are classes of pictures.

use super::{
    DataError, Files, Folder, Item, Part, Source, Survey, digest_of,
    folder::picture_name,
    hashes::Hashes,
    known::{FileHash, Kind},
    row,
};
use harness_record::{digest, monitor::Monitor, rows::FileRow, vocabulary::FileUse};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng as _, SeedableRng as _},
};
use std::path::Path;

/// A class: the name of its folder, and the names of its pictures below the data set's folder, sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Class {
    pub name: String,
    pub files: Vec<String>,
}

/// The classes below `root` (`""`: the folder itself), sorted, and rows for pictures that are not used. `missing`
/// creates the error for missing parts.
pub(super) fn classes(
    folder: &Folder,
    root: &str,
    missing: impl Fn(Vec<String>) -> DataError,
) -> Result<(Vec<Class>, Vec<FileRow>), DataError> {
    let (mut classes, mut left_out) = (Vec::new(), Vec::new());
    for (name, kind) in folder.list(root)? {
        let path = below(root, &name);
        match kind {
            Kind::Folder => {
                let (files, outside) = pictures(folder, &path, &name)?;
                left_out.extend(outside);
                if files.is_empty() {
                    return Err(missing(vec![format!("pictures in {path}/")]));
                }
                classes.push(Class { name, files });
            }
            Kind::File if picture_name(&name).is_some() => {
                left_out.push(row(FileUse::Unused, path, "", "not in the folder of a class"));
            }
            Kind::File => {}
            Kind::Outside => return Err(DataError::Outside { path: folder.file(&path) }),
        }
    }
    if classes.is_empty() {
        let place = if root.is_empty() { String::new() } else { format!(" in {root}/") };
        return Err(missing(vec![format!("folders of classes{place}")]));
    }
    Ok((classes, left_out))
}

/// The pictures in one class's folder `path`, sorted, and rows for links that lead out of the data set's folder.
pub(super) fn pictures(folder: &Folder, path: &str, class: &str) -> Result<(Vec<String>, Vec<FileRow>), DataError> {
    let (mut files, mut left_out) = (Vec::new(), Vec::new());
    for (file, kind) in folder.list(path)? {
        let name = below(path, &file);
        match kind {
            Kind::File if picture_name(&file).is_some() => files.push(name),
            Kind::Outside => {
                let reason = "a symbolic link that leads out of the data set's folder";
                left_out.push(row(FileUse::Unused, name, class, reason));
            }
            Kind::File | Kind::Folder => {}
        }
    }
    Ok((files, left_out))
}

fn below(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// A survey of all pictures of `classes`. Damaged ones are found when they are decoded.
pub(super) fn survey_of(
    folder: &Folder,
    (classes, left_out): (Vec<Class>, Vec<FileRow>),
    options: &serde_json::Value,
    cache: &Path,
    monitor: &dyn Monitor,
) -> Result<Survey, DataError> {
    let mut hashes = Hashes::open(cache, folder);
    let mut sources = Vec::new();
    let names: Vec<String> = classes.iter().flat_map(|class| class.files.iter().cloned()).collect();
    let mut files = hashes.of(&names, monitor)?.into_iter();
    hashes.save()?;
    for class in &classes {
        sources.extend(files.by_ref().take(class.files.len()).map(|file| source(&class.name, file)));
    }
    sources.sort_by(|a, b| a.item.name.cmp(&b.item.name));
    let digest = digest_of(options, &sources, &[])?;
    Ok(Survey { left_out, ..Survey::of(digest, sources) })
}

/// A picture of a class without a label map.
pub(super) fn source(class: &str, file: FileHash) -> Source {
    let item = Item { name: file.name.clone(), group: class.to_owned(), part: Part::Unlabelled };
    Source { item, folder: 0, files: Files::Picture(file) }
}

/// Fisher–Yates with our own generator, so that the order never changes. `items` must be sorted. `words` name the
/// purpose.
pub(super) fn shuffle<T>(items: &mut [T], words: &[&str]) {
    let mut generator = ChaCha8Rng::from_seed(digest::seed(words));
    for last in (1..items.len()).rev() {
        // A number in 0..=last by multiplication; its bias is below 2⁻⁴⁰.
        let other = (u128::from(generator.next_u64()) * (last as u128 + 1)) >> 64;
        items.swap(last, other as usize);
    }
}
