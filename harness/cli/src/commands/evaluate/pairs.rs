//! Finds which predicted mask belongs to which true one.

use super::listed::{NAMED, listed};
use crate::failure::{Failure, Outcome};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// Extensions of mask files, in lower case. JPEG is left out: it changes the numbers that it stores.
const EXTENSIONS: [&str; 4] = ["png", "bmp", "gif", "webp"];
/// The suffix that `predict` adds to the name of an image for its mask.
const MASK: &str = "-mask";
/// The suffix that `predict` adds for the overlay beside the mask.
const OVERLAY: &str = "-overlay";

/// Two masks of one image.
#[derive(Debug)]
pub(super) struct Pair {
    /// Name of the true mask without its extension.
    pub(super) image: String,
    /// File of the predicted mask.
    pub(super) prediction: PathBuf,
    /// File of the true mask.
    pub(super) truth: PathBuf,
}

/// The pairs of two folders, sorted by the image's name. Every mask must have its partner.
pub(super) fn find(pred: &Path, truth: &Path) -> Outcome<Vec<Pair>> {
    let mut predicted = masks(pred)?;
    let (mut pairs, mut alone) = (BTreeMap::new(), Vec::new());
    // Equal names are paired first: only what is left may be paired by a part of its name.
    let (equal, others): (Vec<_>, Vec<_>) =
        masks(truth)?.into_iter().partition(|(name, _)| predicted.contains_key(name));
    for (image, truth) in equal.into_iter().chain(others) {
        match partners(&image).iter().find_map(|name| predicted.remove(name)) {
            Some(prediction) => drop(pairs.insert(image.clone(), Pair { image, prediction, truth })),
            None => alone.push(truth),
        }
    }
    let left: Vec<PathBuf> = predicted.into_values().collect();
    let problems = [lonely(&alone, "predicted", pred), lonely(&left, "true", truth)];
    if alone.is_empty() && left.is_empty() {
        return Ok(pairs.into_values().collect());
    }
    let head = "masks lack their partners, which have the same name up to the extension or `-mask`:";
    Err(Failure::data(format!("{head}\n{}", problems.into_iter().flatten().collect::<Vec<_>>().join("\n"))))
}

/// Names that the partner of a mask can have, the best first.
fn partners(name: &str) -> [String; 3] {
    [name.to_owned(), format!("{name}{MASK}"), name.strip_suffix(MASK).unwrap_or(name).to_owned()]
}

/// Says which `files` have no partner in `folder`.
fn lonely(files: &[PathBuf], what: &str, folder: &Path) -> Option<String> {
    let head = format!("{} without a {what} mask in {}:", files.len(), folder.display());
    let named: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    (!named.is_empty()).then(|| listed(&head, &named))
}

/// The masks of a folder by their names without the extension. Files of other kinds, hidden files and folders are
/// skipped.
fn masks(folder: &Path) -> Outcome<BTreeMap<String, PathBuf>> {
    let unread = |error: std::io::Error| Failure::data(format!("cannot list {}: {error}", folder.display()));
    let mut files: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for entry in std::fs::read_dir(folder).map_err(unread)? {
        let path = entry.map_err(unread)?.path();
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if EXTENSIONS.contains(&&*extension) && !stem.starts_with('.') && path.is_file() {
            files.entry(stem).or_default().push(path);
        }
    }
    let pictures: BTreeSet<String> =
        files.keys().filter_map(|stem| stem.strip_suffix(MASK)).map(str::to_owned).collect();
    files.retain(|stem, _| stem.strip_suffix(OVERLAY).is_none_or(|picture| !pictures.contains(picture)));
    if files.is_empty() {
        let shown = folder.display();
        return Err(Failure::data(format!("{shown} contains no masks: no PNG, BMP, GIF or WebP files")));
    }
    let twice: Vec<String> = files
        .values_mut()
        .filter(|paths| paths.len() > 1)
        .map(|paths| {
            paths.sort();
            paths.iter().take(NAMED).map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
        })
        .collect();
    if !twice.is_empty() {
        return Err(Failure::data(listed("several masks have the same name up to the extension:", &twice)));
    }
    Ok(files.into_iter().filter_map(|(stem, paths)| Some((stem, paths.into_iter().next()?))).collect())
}
