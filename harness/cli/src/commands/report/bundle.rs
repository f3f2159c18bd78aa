//! `report --bundle`: writes reports into one file, with everything that a reader needs to check and repeat them.
//!
//! The same reports give the same bytes: names are sorted, times are fixed, and nothing about this machine goes in. The
//! readers of a submission may not be allowed to know its authors, so nothing is bundled that reveals a machine or a
//! user; see [`traces`].

mod archive;
mod readme;
mod traces;

use crate::{
    cli::Folders,
    collect::{Provenance, Recorded, provenance},
    failure::{Failure, Outcome},
    fetching, json, manifests,
    output::{count, say},
    reports::{folder::ReportFolder, rendering::check, site},
};
use archive::Files;
use harness_fetch::human;
use harness_record::{digest, files, rows::PlaceRow, table, vocabulary::Key};
use harness_report::inputs::file;
use harness_study::{
    spec::layers::{self, Spec},
    study::Resolved,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::{Component, Path},
};
use traces::Traces;
use walkdir::WalkDir;

/// The one folder in the archive.
const TOP: &str = "supplement";
/// Size limit for all bundled files together, in bytes.
const LIMIT: u64 = 1 << 30;
/// The versions of all crates that this program was built from.
const LOCK: &str = include_str!("../../../../../Cargo.lock");

/// Bundles `places` into the file `out`. Only reports that match their data are bundled, so that a check by the reader
/// passes.
pub(super) fn run(places: &[ReportFolder], folders: &Folders, out: &Path) -> Outcome {
    let when = archive::when()?;
    let templates = folders.root.join("templates");
    for place in places {
        let lines = check(place, folders, &templates)?;
        if !lines.is_empty() {
            let (name, profile) = (&place.name, &place.profile);
            return Err(Failure::Check(format!(
                "{profile}/{name} does not match its data and its spec; render it with `harness report {name} \
                 --profile {profile}`, then bundle it:\n{}",
                lines.join("\n")
            )));
        }
    }
    let files = collected(places, folders, out)?;
    let told = Traces::of_here(folders).in_files(&files);
    if !told.is_empty() {
        return Err(Failure::Check(format!(
            "nothing was written: these files name a machine or a user, which a supplement must not:\n{}",
            told.join("\n")
        )));
    }
    let bytes = archive::pack(TOP, &files, when)?;
    files::write(out, &bytes)?;
    say(&format!("{}: {}, {}", out.display(), count(files.len(), "file"), human(bytes.len() as u64)))
}

/// All files of the archive, including the list of their digests.
fn collected(places: &[ReportFolder], folders: &Folders, out: &Path) -> Outcome<Files> {
    let mut gathered = Gathered { files: Files::new(), bytes: 0, root: &folders.root, out };
    let manifests = manifests::read(&folders.root.join(manifests::FOLDER))?;
    let mut studies = BTreeSet::new();
    let mut noted: BTreeMap<String, Provenance> = BTreeMap::new();
    for place in places {
        let path = place.folder.join("data").join(file::SPEC);
        let recorded: Recorded = serde_yaml::from_slice(&files::read(&path, LIMIT)?).map_err(Failure::run)?;
        let spec = Spec::named(&folders.root, &place.study)?;
        for file in spec.files(&folders.root) {
            gathered.take(&file)?;
        }
        let resolved = Resolved::new(&spec, &recorded.profile, &recorded.overrides)?;
        for manifest in fetching::manifests_of(&resolved, &manifests)? {
            gathered.take(&manifests::file_of(&folders.root.join(manifests::FOLDER), &manifest.name))?;
        }
        let (profile, data) = (format!("reports/{}", place.profile), place.folder.join("data"));
        let report = format!("{profile}/{}", place.name);
        gathered.take_folder(&place.folder, &report, |name| name != file::PROVENANCE)?;
        let notes = file::provenance_folder(&data);
        let notes_of = noted.entry(if notes == place.folder { report } else { profile.clone() }).or_default();
        for key in runs_of(place)? {
            let run = format!("{profile}/{}/{}", file::RUNS, key.short());
            gathered.take_folder(&file::run_folder(&data, &key), &run, |_| true)?;
            notes_of.runs.extend(provenance(&notes)?.runs.remove_entry(&key));
        }
        notes_of.tests.extend(provenance(&notes)?.tests.remove_entry(&place.name));
        studies.insert(place.study.clone());
    }
    for (folder, notes) in &mut noted {
        notes.runs.values_mut().for_each(remove_names);
        gathered.put(&format!("{folder}/{}", file::PROVENANCE), json::bytes(notes)?)?;
    }
    // Templates of other studies are left out.
    let others = layers::names(&folders.root).map_err(Failure::run)?.into_iter().filter(|name| !studies.contains(name));
    let others: BTreeSet<_> = others.map(|name| format!("{name}.md.j2")).collect();
    gathered.take_folder(&folders.root.join("templates"), "templates", |name| !others.contains(name))?;
    let printed = format!("{}/published", manifests::FOLDER);
    gathered.take_folder(&folders.root.join(&printed), &printed, |_| true)?;
    for file in site::of(places, folders)? {
        gathered.put(&format!("reports/{}", file.path.display()), file.bytes)?;
    }
    gathered.put("Cargo.lock", LOCK.into())?;
    gathered.put("README.txt", readme::text(places, noted.values().flat_map(|notes| notes.runs.values()))?.into())?;
    let sums = gathered.files.iter().fold(String::new(), |mut sums, (name, bytes)| {
        let _ = writeln!(sums, "{}  {name}", digest::of_bytes(bytes));
        sums
    });
    gathered.put("SHA256SUMS", sums.into())?;
    Ok(gathered.files)
}

/// Keys of the runs that a report is made of.
fn runs_of(place: &ReportFolder) -> Outcome<BTreeSet<Key>> {
    let places: Vec<PlaceRow> = table::read_rows(&place.folder.join("data").join(file::PLACES))?;
    Ok(places.into_iter().map(|place| place.run).collect())
}

/// Removes the host's name and the times from the record of where a run was made.
fn remove_names(host: &mut Value) {
    if let Some(fields) = host.as_object_mut() {
        fields.retain(|name, _| !["host", "started", "ended"].contains(&name.as_str()));
    }
}

/// Files that are being gathered.
struct Gathered<'a> {
    files: Files,
    bytes: u64,
    root: &'a Path,
    /// The archive to write. An older one may lie among the files to bundle; it is skipped.
    out: &'a Path,
}

impl Gathered<'_> {
    fn put(&mut self, name: &str, bytes: Vec<u8>) -> Outcome {
        self.bytes += bytes.len() as u64;
        if self.bytes > LIMIT {
            return Err(Failure::data(format!(
                "more than {} are to be bundled: bundle fewer reports at once",
                human(LIMIT)
            )));
        }
        self.files.insert(name.to_owned(), bytes);
        Ok(())
    }

    /// Takes a file below the root, once even if several studies need it.
    fn take(&mut self, file: &Path) -> Outcome {
        let Some(name) = file.strip_prefix(self.root).ok().and_then(named) else {
            return Err(Failure::data(format!("{}: its name cannot be written into an archive", file.display())));
        };
        if self.files.contains_key(&name) {
            return Ok(());
        }
        self.put(&name, files::read(file, LIMIT)?)
    }

    /// Takes every file below `folder` whose name `wanted` accepts. In the archive it lies at its path below `inside`.
    fn take_folder(&mut self, folder: &Path, inside: &str, wanted: impl Fn(&str) -> bool) -> Outcome {
        for entry in WalkDir::new(folder).sort_by_file_name() {
            let entry = entry.map_err(Failure::run)?;
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            if entry.file_type().is_symlink() {
                // A link may lead anywhere, also out of the project.
                return Err(Failure::data(format!("{}: links are not bundled", entry.path().display())));
            }
            if !entry.file_type().is_file() || hidden || entry.path() == self.out {
                continue; // a leading dot marks a file that is being written
            }
            let Some(name) = entry.path().strip_prefix(folder).ok().and_then(named) else {
                return Err(Failure::data(format!(
                    "{}: its name cannot be written into an archive",
                    entry.path().display()
                )));
            };
            if wanted(&name) {
                self.put(&format!("{inside}/{name}"), files::read(entry.path(), LIMIT)?)?;
            }
        }
        Ok(())
    }
}

/// A path with forward slashes, if all of its parts are plain names.
fn named(path: &Path) -> Option<String> {
    let parts = path.components().map(|part| match part {
        Component::Normal(name) => name.to_str().filter(|name| !name.contains(['\\', ':'])),
        _ => None,
    });
    parts.collect::<Option<Vec<_>>>().map(|parts| parts.join("/"))
}
