//! `data-manifests/*.yaml`, read and checked as specs are: what is wrong is shown with its line.

mod pin;
#[cfg(test)]
mod tests;

pub(crate) use pin::pin;

use crate::{
    failure::{Failure, Outcome},
    spec::{
        decode::decode,
        diagnosis::{Diagnosis, Problems},
        merged::Merged,
        source::Source,
    },
};
use harness_data::manifest::{Catalogue, Manifest};
use harness_learn::datasets::DatasetSpec;
use harness_record::suggest::closest;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Name of their folder under the root.
pub(crate) const FOLDER: &str = "data-manifests";

/// All manifests, each of them valid.
pub(crate) struct Manifests(Catalogue);

/// What a report says of a data set.
pub(crate) struct About {
    pub(crate) title: String,
    pub(crate) licence: String,
    pub(crate) citation: String,
}

/// Reads all manifests of a folder; names every problem of any of them.
pub(crate) fn read(folder: &Path) -> Outcome<Manifests> {
    let (manifests, problems) = look(folder)?;
    Problems::none_in(problems)?;
    Ok(Manifests(Catalogue::new(manifests)))
}

/// How many manifests a folder has, and what is wrong with them.
pub(crate) fn check(folder: &Path) -> Outcome<(usize, Vec<Diagnosis>)> {
    let count = files(folder)?.len();
    look(folder).map(|(_, problems)| (count, problems))
}

/// Where the manifest `name` lies.
pub(crate) fn file_of(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.yaml"))
}

fn files(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let mut files = Vec::new();
    let entries = std::fs::read_dir(folder).map_err(|error| {
        Failure::Usage(format!("{}: no manifests of data there: {error}", folder.display())) //
    })?;
    for entry in entries {
        let path = entry.map_err(Failure::run)?.path();
        if path.extension().is_some_and(|x| x == "yaml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn look(folder: &Path) -> Outcome<(Vec<Manifest>, Vec<Diagnosis>)> {
    let (mut manifests, mut documents, mut problems) = (Vec::new(), BTreeMap::new(), Vec::new());
    for file in files(folder)? {
        match read_one(&file) {
            Ok((manifest, document)) => {
                let found = manifest.check();
                problems.extend(found.into_iter().map(|(field, expected)| wrong(&document, &field, expected)));
                documents.insert(manifest.name.clone(), document);
                manifests.push(manifest);
            }
            Err(found) => problems.extend(found.into_vec()),
        }
    }
    let catalogue = Catalogue::new(manifests);
    // A part that cannot be read is no unknown part.
    if problems.is_empty() {
        for (manifest, field, expected) in catalogue.check() {
            problems.extend(documents.get(&manifest.name).map(|document| wrong(document, &field, expected)));
        }
    }
    Ok((catalogue.all().to_vec(), problems))
}

fn read_one(file: &Path) -> Result<(Manifest, Merged), Problems> {
    let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let (source, value) = Source::read(file, &label(file))?;
    let document = Merged::of_file(&name, source, value);
    let manifest = Manifest { name, ..decode(&document)? };
    Ok((manifest, document))
}

/// A manifest's file as users know it: `data-manifests/cifar-10.yaml`.
pub(crate) fn label(file: &Path) -> String {
    let name = |path: Option<&Path>| path.and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
    format!("{}/{}", name(file.parent()), name(Some(file)))
}

fn wrong(document: &Merged, field: &str, expected: String) -> Diagnosis {
    let leaf = field.rsplit('.').next().unwrap_or(field);
    document.at(field, format!("`{leaf}` has an impossible value")).expected(expected)
}

impl Manifests {
    /// All of them.
    pub(crate) fn catalogue(&self) -> &Catalogue {
        &self.0
    }

    /// The manifest that a command line or a spec names.
    pub(crate) fn named(&self, name: &str) -> Outcome<&Manifest> {
        self.0.get(name).ok_or_else(|| {
            let names = self.0.names();
            let meant = closest(name, &names).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
            let known = names.join(", ");
            Failure::Usage(format!("there is no manifest `{name}` in {FOLDER}/{meant}\nthere are: {known}"))
        })
    }

    /// The manifest of a data set: of its folder, or, where it has none of its own, of its name.
    pub(crate) fn of(&self, dataset: &DatasetSpec) -> Option<&Manifest> {
        match dataset.folder() {
            Some(folder) => self.0.of_folder(folder),
            None => self.0.get(dataset.name()),
        }
    }

    /// What a report says of a data set. Of a folder that no manifest describes nothing is claimed.
    pub(crate) fn about(&self, dataset: &DatasetSpec) -> About {
        match self.of(dataset) {
            Some(Manifest { title, licence, citation, .. }) => {
                About { title: title.clone(), licence: licence.clone(), citation: citation.clone() }
            }
            None => About {
                title: format!("{}, laid out as {}", dataset.folder().unwrap_or_default(), dataset.name()),
                licence: "not known: no manifest describes this folder".to_owned(),
                citation: "not known".to_owned(),
            },
        }
    }
}
