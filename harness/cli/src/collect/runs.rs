//! Keeps the records of runs beside the reports that read them: `reports/<profile>/runs/`, once for all studies of a
//! profile.

use super::trials;
use crate::{
    failure::{Failure, Outcome},
    json,
};
use harness_record::{
    files,
    rows::PlaceRow,
    run::{HostRecord, RunRecord, file},
    store::Store,
    table,
    vocabulary::{Key, PictureSheet, Stage},
};
use harness_report::inputs::{self, StudyInput, Tests};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

/// Size limit for reading one file of a run or of a report's JSON, in bytes.
const LIMIT: u64 = 1 << 30;

/// Runs, each with its stage and the names of its files that some report reads.
type Wanted = BTreeMap<Key, (Stage, BTreeSet<&'static str>)>;

/// Reads the records of all runs in `places`.
pub(super) fn records(places: &[PlaceRow], store: &Store) -> Outcome<BTreeMap<Key, RunRecord>> {
    let mut records = BTreeMap::new();
    for place in places {
        if !records.contains_key(&place.run) {
            records.insert(place.run.clone(), RunRecord::read(&store.run(place.stage, &place.run))?);
        }
    }
    Ok(records)
}

/// Copies the files that the report in `folder` reads of its runs into the profile's folder of runs, notes where the
/// runs were made, and removes what no report of the profile reads. The report's `study.json` and `places.csv` must be
/// in place, and the caller must hold the profile's lock. A report that is `modified` notes its runs in its own folder.
pub(super) fn publish(folder: &Path, store: &Store, modified: bool, tests: Tests) -> Outcome {
    let profile = folder.parent().unwrap_or(folder);
    let own = wanted(folder)?;
    let mut all = own.clone();
    let reports = reports_of(profile)?;
    for other in &reports {
        for (key, (stage, names)) in wanted(other)? {
            all.entry(key).or_insert_with(|| (stage, BTreeSet::new())).1.extend(names);
        }
    }
    check_folders(&all)?;
    let runs = profile.join(inputs::file::RUNS);
    for (key, (stage, names)) in &own {
        let from = store.run(*stage, key);
        for name in names {
            let bytes = files::read(&from.join(name), LIMIT)?;
            let to = runs.join(key.short()).join(name);
            // A file that has the right content already is left alone, to keep its modification time.
            if !to.exists() || files::read(&to, LIMIT)? != bytes {
                files::write(&to, &bytes)?;
            }
        }
    }
    remove_strangers(&runs, &all)?;
    let (place, noted) = if modified { (folder, &own) } else { (profile, &all) };
    let mut notes = provenance(place)?;
    notes.runs.retain(|key, _| noted.contains_key(key));
    notes.runs.extend(hosts(&own, store)?);
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    notes.tests.retain(|report, _| reports.iter().any(|other| name(other) == *report));
    trials::add(notes.tests.entry(name(folder)).or_default(), tests, own.keys());
    json::write(&place.join(inputs::file::PROVENANCE), &notes)
}

/// The files of its runs that the report in `folder` reads: the record and the metrics of every run, and also the
/// scores of every image of a test. The first test adds the scores of the baselines, which use no network, and the test
/// that the gallery shows adds its pictures.
fn wanted(folder: &Path) -> Outcome<Wanted> {
    let data = folder.join("data");
    let places: Vec<PlaceRow> = table::read_rows(&data.join(inputs::file::PLACES))?;
    let path = data.join(inputs::file::STUDY);
    let study: StudyInput = serde_json::from_slice(&files::read(&path, LIMIT)?)
        .map_err(|e| Failure::Data(format!("{}: {e}", path.display()).into()))?;
    let mut wanted = Wanted::new();
    for place in &places {
        let names: &[&str] = match place.stage {
            Stage::Pretrain | Stage::Finetune => &[file::RUN, file::METRICS],
            Stage::Evaluate => &[file::RUN, file::METRICS, file::PER_IMAGE, file::CONFUSION, file::CALIBRATION],
        };
        wanted.entry(place.run.clone()).or_insert_with(|| (place.stage, names.iter().copied().collect()));
    }
    let mut tests = places.iter().filter(|place| place.stage == Stage::Evaluate);
    let gallery = study.report.gallery.as_ref();
    let shown = tests.clone().find(|place| {
        gallery.is_none_or(|gallery| place.arm == gallery.arm && place.protocol == Some(gallery.protocol))
    });
    let pictures = [file::PICTURES, PictureSheet::Images.name(), PictureSheet::Masks.name()];
    for (place, names) in [(tests.next(), &[file::BASELINES][..]), (shown, &pictures)] {
        if let Some((_, all)) = place.and_then(|place| wanted.get_mut(&place.run)) {
            all.extend(names);
        }
    }
    Ok(wanted)
}

/// Folders of the profile's reports.
fn reports_of(profile: &Path) -> Outcome<Vec<PathBuf>> {
    let mut folders: Vec<PathBuf> = list(profile)?;
    folders.retain(|folder| {
        [inputs::file::PLACES, inputs::file::STUDY].iter().all(|name| folder.join("data").join(name).is_file())
    });
    Ok(folders)
}

/// The paths of everything in a folder, sorted by name; empty if there is no such folder.
fn list(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(Failure::run)?,
    };
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>().map_err(Failure::run)?;
    paths.sort_unstable();
    Ok(paths)
}

/// Refuses two runs whose folders would have the same name.
fn check_folders(all: &Wanted) -> Outcome {
    let keys: Vec<&Key> = all.keys().collect();
    match keys.windows(2).find(|pair| pair[0].short() == pair[1].short()) {
        None => Ok(()),
        Some(pair) => Err(Failure::Run(
            format!(
                "the keys of the runs {} and {} begin with the same digits: one profile cannot hold both",
                pair[0], pair[1]
            )
            .into(),
        )),
    }
}

/// Removes the runs, and the files of runs, that no report reads.
fn remove_strangers(runs: &Path, all: &Wanted) -> Outcome {
    let folders: BTreeMap<&str, &BTreeSet<&'static str>> =
        all.iter().map(|(key, (_, names))| (key.short(), names)).collect();
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for folder in list(runs)? {
        let Some(names) = folders.get(name(&folder).as_str()) else {
            remove(&folder)?;
            continue;
        };
        for path in list(&folder)? {
            if !names.contains(name(&path).as_str()) {
                remove(&path)?;
            }
        }
    }
    Ok(())
}

fn remove(path: &Path) -> Outcome {
    if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.map_err(Failure::run)
}

/// What merely happened: `provenance.json`.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Provenance {
    /// The tests that are known of each report's study, by the name of the report.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) tests: BTreeMap<String, Tests>,
    /// The place where each run was made: the fields of a [`HostRecord`], without the command line.
    #[serde(flatten)]
    pub(crate) runs: BTreeMap<Key, Value>,
}

/// Reads the notes in `folder`; empty if nothing was noted.
pub(crate) fn provenance(folder: &Path) -> Outcome<Provenance> {
    let path = folder.join(inputs::file::PROVENANCE);
    if !path.exists() {
        return Ok(Provenance::default());
    }
    serde_json::from_slice(&files::read(&path, LIMIT)?)
        .map_err(|e| Failure::Data(format!("{}: {e}", path.display()).into()))
}

/// The places where a report's runs were made, as the store has them.
fn hosts(own: &Wanted, store: &Store) -> Outcome<BTreeMap<Key, Value>> {
    let mut hosts = BTreeMap::new();
    for (key, (stage, _)) in own {
        let mut host = serde_json::to_value(HostRecord::read(&store.run(*stage, key))?).map_err(Failure::run)?;
        if let Some(fields) = host.as_object_mut() {
            // The command line names folders of the user.
            fields.remove("command");
        }
        hosts.insert(key.clone(), host);
    }
    Ok(hosts)
}
