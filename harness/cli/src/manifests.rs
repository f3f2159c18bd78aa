//! Reads and checks `data-manifests/*.yaml` as specs are: problems are shown with their lines.

pub(crate) mod pin;
#[cfg(test)]
mod tests;

use crate::failure::{Failure, Outcome};
use harness_fetch::manifest::{Catalogue, Manifest, Origin, is_below};
use harness_images::datasets::DatasetSpec;
use harness_record::{monitor::Monitor, suggest::closest};
use harness_study::spec::{
    decode::decode,
    diagnosis::{Diagnosis, Problems},
    merged::Merged,
    source::Source,
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// The name of the manifests' folder below the root.
pub(crate) const FOLDER: &str = "data-manifests";

/// All manifests: the sound ones, and the problems of each of the others. Callers that do not need an invalid manifest
/// do not have to care about its problems.
pub(crate) struct Manifests {
    sound: Catalogue,
    invalid: Vec<Invalid>,
}

/// A manifest that cannot be used.
pub(crate) struct Invalid {
    pub(crate) name: String,
    /// The manifest's folder below the data folder, as far as it is known.
    folder: String,
    pub(crate) problems: Problems,
}

/// The facts about a data set that a report states.
pub(crate) struct About {
    pub(crate) title: String,
    pub(crate) licence: String,
    pub(crate) citation: String,
}

/// Reads all manifests of a folder.
pub(crate) fn read(folder: &Path) -> Outcome<Manifests> {
    let (mut sound, mut documents, mut invalid) = (Vec::new(), BTreeMap::new(), Vec::new());
    for file in files(folder)? {
        match read_one(&file) {
            Ok((manifest, document)) => {
                documents.insert(manifest.name.clone(), document);
                sound.push(manifest);
            }
            Err(found) => invalid.push(*found),
        }
    }
    let unread: Vec<&str> = invalid.iter().map(|invalid: &Invalid| invalid.name.as_str()).collect();
    let mut between: BTreeMap<String, Vec<Diagnosis>> = BTreeMap::new();
    for (manifest, field, expected) in Catalogue::new(sound.clone()).check(&unread) {
        let found = documents.get(&manifest.name).map(|document| wrong(document, &field, expected));
        between.entry(manifest.name.clone()).or_default().extend(found);
    }
    for (name, found) in between {
        if let Some((problems, document)) = Problems::found(found).zip(documents.get(&name)) {
            sound.retain(|manifest| manifest.name != name);
            invalid.push(Invalid::new(name, Some(&document.value), problems));
        }
    }
    invalid.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Manifests { sound: Catalogue::new(sound), invalid })
}

/// Reads one manifest, without a look at those that it is composed of.
#[cfg(feature = "fuzzing")]
pub(crate) fn one(file: &Path) -> Result<Manifest, Problems> {
    read_one(file).map(|(manifest, _)| manifest).map_err(|invalid| invalid.problems)
}

/// The path of the manifest `name`.
pub(crate) fn file_of(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.yaml"))
}

fn files(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let mut files = Vec::new();
    let entries = std::fs::read_dir(folder).map_err(|error| {
        Failure::Usage(format!("{}: cannot list the data manifests: {error}", folder.display())) //
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

fn read_one(file: &Path) -> Result<(Manifest, Merged), Box<Invalid>> {
    let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let invalid = |value: Option<&Value>, problems| Box::new(Invalid::new(name.clone(), value, problems));
    let (source, value) = Source::read(file, &label(file)).map_err(|problems| invalid(None, problems))?;
    let document = Merged::of_file(&name, source, value);
    let decoded = decode(&document).map_err(|problems| invalid(Some(&document.value), problems))?;
    let manifest = Manifest { name: name.clone(), ..decoded };
    let found = manifest.check().into_iter().map(|(field, expected)| wrong(&document, &field, expected)).collect();
    Problems::none_in(found).map_err(|problems| invalid(Some(&document.value), problems))?;
    Ok((manifest, document))
}

/// A manifest's file as users know it: `data-manifests/cifar-10.yaml`.
pub(crate) fn label(file: &Path) -> String {
    let name = |path: Option<&Path>| path.and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
    format!("{}/{}", name(file.parent()), name(Some(file)))
}

fn wrong(document: &Merged, field: &str, expected: String) -> Diagnosis {
    let leaf = field.rsplit('.').next().unwrap_or(field);
    document.at(field, format!("`{leaf}` has an invalid value")).expected(expected)
}

impl Invalid {
    fn new(name: String, document: Option<&Value>, problems: Problems) -> Self {
        let written = document.and_then(|document| document.get("folder")?.as_str());
        // An empty folder name would contain every other folder.
        let folder = written.filter(|folder| folder.contains(char::is_alphanumeric)).unwrap_or(&name).to_owned();
        Self { name, folder, problems }
    }

    /// The problems, one per line: `data-manifests/tiny.yaml:8: …; expected …`.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.problems.all().iter().map(Diagnosis::line).collect()
    }

    fn refused(&self) -> Failure {
        Failure::Spec(self.problems.clone())
    }
}

impl Manifests {
    /// The sound manifests.
    pub(crate) fn catalogue(&self) -> &Catalogue {
        &self.sound
    }

    /// The invalid manifests.
    pub(crate) fn invalid(&self) -> &[Invalid] {
        &self.invalid
    }

    /// The number of manifests, sound or not.
    pub(crate) fn count(&self) -> usize {
        self.sound.all().len() + self.invalid.len()
    }

    /// Fails if any manifest is invalid, for callers that need all of them.
    pub(crate) fn none_invalid(&self) -> Outcome {
        let all = self.invalid.iter().flat_map(|invalid| invalid.problems.all()).cloned().collect();
        Ok(Problems::none_in(all)?)
    }

    /// Says which manifests are skipped when everything is looked through.
    pub(crate) fn tell_invalid(&self, monitor: &dyn Monitor) {
        for invalid in &self.invalid {
            monitor.log(&format!(
                "{}: ignored, because its manifest is invalid: {}",
                invalid.name,
                invalid.lines().join("; ")
            ));
        }
    }

    /// The manifest that a command line or a spec names.
    pub(crate) fn named(&self, name: &str) -> Outcome<&Manifest> {
        if let Some(invalid) = self.invalid.iter().find(|invalid| invalid.name == name) {
            return Err(invalid.refused());
        }
        self.sound.get(name).ok_or_else(|| {
            let invalid = self.invalid.iter().map(|invalid| invalid.name.as_str());
            let mut names: Vec<&str> = self.sound.names().into_iter().chain(invalid).collect();
            names.sort_unstable();
            let meant = closest(name, &names).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
            let known = names.join(", ");
            Failure::Usage(format!("there is no manifest `{name}` in {FOLDER}/{meant}\nexpected one of: {known}"))
        })
    }

    /// The manifests that a manifest is composed of; the manifest itself if it is not composed. Fails if a part is
    /// invalid.
    pub(crate) fn leaves<'a>(&'a self, manifest: &'a Manifest) -> Outcome<Vec<&'a Manifest>> {
        if let Origin::Composed(parts) = &manifest.origin {
            for part in parts {
                self.named(&part.manifest)?;
            }
        }
        Ok(self.sound.leaves(manifest))
    }

    /// The manifest of a data set. If the data set has one folder, this is the manifest of the folder; if it has none
    /// or several, it is the manifest of its name. A data set composed of other folders than that manifest says has
    /// none.
    pub(crate) fn of(&self, dataset: &DatasetSpec) -> Outcome<Option<&Manifest>> {
        if let [folder] = dataset.folders()[..] {
            return self.of_folder(folder);
        }
        let name = dataset.name();
        if self.sound.get(name).is_none() && !self.invalid.iter().any(|invalid| invalid.name == name) {
            return Ok(None);
        }
        let manifest = self.named(name)?;
        let leaves = self.leaves(manifest)?;
        let as_composed = self.parts(dataset)?.iter().all(|part| part.is_some_and(|part| leaves.contains(&part)));
        Ok(as_composed.then_some(manifest))
    }

    /// The manifest of each of a data set's folders, if it has one.
    pub(crate) fn parts(&self, dataset: &DatasetSpec) -> Outcome<Vec<Option<&Manifest>>> {
        dataset.folders().into_iter().map(|folder| self.of_folder(folder)).collect()
    }

    fn of_folder(&self, folder: &str) -> Outcome<Option<&Manifest>> {
        let found = self.sound.of_folder(folder);
        // The manifest with the longest folder owns it.
        let owners = self.invalid.iter().filter(|invalid| is_below(folder, &invalid.folder));
        let invalid = owners.max_by_key(|invalid| invalid.folder.len());
        match invalid.filter(|invalid| found.is_none_or(|found| found.folder().len() < invalid.folder.len())) {
            Some(invalid) => Err(invalid.refused()),
            None => Ok(found),
        }
    }

    /// The facts about a data set for a report. Nothing is claimed about a folder that no manifest describes.
    pub(crate) fn about(&self, dataset: &DatasetSpec) -> Outcome<About> {
        Ok(match self.of(dataset)? {
            Some(Manifest { title, licence, citation, .. }) => {
                About { title: title.clone(), licence: licence.clone(), citation: citation.clone() }
            }
            None => About {
                title: format!("{}, laid out as {}", dataset.folders().join(", "), dataset.name()),
                licence: match dataset.folders()[..] {
                    [_] => "not known: no manifest describes this folder".to_owned(),
                    _ => "not known: these folders are not those of its manifest".to_owned(),
                },
                citation: "not known".to_owned(),
            },
        })
    }
}
