//! What a store or a report keeps of runs.

use super::paths;
use harness_record::{
    digest,
    run::{HostRecord, RunRecord, file},
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The records of all runs of a store that are done.
pub(crate) fn runs(store: &Path) -> Vec<RunRecord> {
    folders_with(store, file::RUN).iter().map(|folder| RunRecord::read(folder).unwrap()).collect()
}

/// The records of where the runs of a store were made, including unfinished runs.
pub(crate) fn hosts(store: &Path) -> Vec<HostRecord> {
    folders_with(store, file::HOST).iter().filter_map(|folder| HostRecord::read(folder).ok()).collect()
}

/// Folders of runs that have begun and are not done.
pub(crate) fn unfinished(store: &Path) -> Vec<PathBuf> {
    let begun = folders_with(store, file::HOST).into_iter();
    begun.filter(|folder| !folder.join(file::RUN).exists()).collect()
}

fn folders_with(store: &Path, name: &str) -> Vec<PathBuf> {
    let found = paths(store).into_values().filter(|path| path.file_name().unwrap() == name);
    found.map(|path| path.parent().unwrap().to_owned()).collect()
}

/// The folders of a profile's runs, in the reports, that hold a file of this name.
pub(crate) fn published(profile: &Path, name: &str) -> Vec<PathBuf> {
    folders_with(&profile.join("runs"), name)
}

/// Changes a file of a run as a new version of the program would: with a new digest in the record.
pub(crate) fn edit_run(folder: &Path, name: &str, change: impl FnOnce(String) -> String) {
    let text = change(fs::read_to_string(folder.join(name)).unwrap());
    fs::write(folder.join(name), &text).unwrap();
    let mut record = RunRecord::read(folder).unwrap();
    record.files.insert(name.to_owned(), digest::of_bytes(text.as_bytes()));
    record.write(folder).unwrap();
}
