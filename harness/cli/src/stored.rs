//! Runs that are in the store: which there are, and which one a name means.

use crate::{
    commands::count,
    failure::{Failure, Outcome},
};
use harness_record::{
    RecordError,
    run::RunRecord,
    store::{State, Store},
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Kinds of runs, which are folders of the store.
pub(crate) const KINDS: [&str; 3] = ["pretrain", "finetune", "evaluate"];
/// Fewest digits of a key that name a run.
pub(crate) const FEWEST: usize = 6;
/// Digits of a key, which is a SHA-256.
const DIGITS: usize = 64;
/// A run on disk.
pub(crate) struct Run {
    pub(crate) folder: PathBuf,
    pub(crate) record: RunRecord,
}

/// Folders of all runs of the store, by kind, then by key.
pub(crate) fn folders_of_runs(store: &Path) -> Outcome<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for kind in KINDS.map(|kind| store.join(kind)) {
        if !kind.is_dir() {
            continue;
        }
        let io = |source| RecordError::Io { action: "list", path: kind.clone(), source };
        let entries = fs::read_dir(&kind).map_err(io)?.collect::<Result<Vec<_>, _>>().map_err(io)?;
        let mut of_kind: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).collect();
        of_kind.retain(|folder| folder.join("run.json").is_file());
        of_kind.sort_unstable();
        folders.extend(of_kind);
    }
    Ok(folders)
}

/// The folder of the run that `name` means: first digits of its key, or a folder.
fn find(store: &Path, name: &str) -> Outcome<PathBuf> {
    let digits = name.to_ascii_lowercase();
    let is_key = is_hexadecimal(&digits) && digits.len() <= DIGITS;
    if is_key && digits.len() >= FEWEST {
        let mut found = folders_of_runs(store)?;
        found.retain(|folder| folder.file_name().is_some_and(|key| key.to_string_lossy().starts_with(&digits)));
        match found.as_slice() {
            [] => {}
            [folder] => return Ok(folder.clone()),
            several => {
                let several: Vec<String> = several.iter().map(|folder| folder.display().to_string()).collect();
                return Err(Failure::Usage(format!(
                    "the keys of {} begin with {name}: write more digits\n{}",
                    count(several.len(), "run"),
                    several.join("\n")
                )));
            }
        }
    }
    let folder = Path::new(name);
    if folder.join("run.json").is_file() {
        return Ok(folder.to_owned());
    }
    Err(Failure::Usage(if folder.is_dir() {
        format!("{name} is no folder of a run: it holds no run.json")
    } else if is_key && digits.len() < FEWEST {
        format!("{name} is too short for a key: write at least {FEWEST} of its digits")
    } else {
        format!(
            "there is no run {name} in {}: name a run by its key, by the first {FEWEST} digits or more, or by its folder; \
             `harness study NAME --dry-run` shows the keys of a study's runs",
            store.display()
        )
    }))
}

fn is_hexadecimal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

impl Run {
    /// The run that `name` means: first digits of its key, or a folder.
    pub(crate) fn find(store: &Path, name: &str) -> Outcome<Self> {
        Self::read(&find(store, name)?)
    }

    /// Reads the record of the run in `folder`.
    pub(crate) fn read(folder: &Path) -> Outcome<Self> {
        let io = |source| RecordError::Io { action: "open", path: folder.to_owned(), source };
        let folder = folder.canonicalize().map_err(io)?;
        let file = folder.join("run.json");
        let record = RunRecord::read(&file)?;
        // Both become part of a path.
        if !KINDS.contains(&record.kind.as_str()) || record.key.len() != DIGITS || !is_hexadecimal(&record.key) {
            let text = format!("{}: damaged, its kind or its key cannot be that of a run", file.display());
            return Err(Failure::Data(text.into()));
        }
        Ok(Self { folder, record })
    }

    /// What the store knows of it.
    pub(crate) fn state(&self) -> Outcome<State> {
        let store = self.folder.ancestors().nth(2).unwrap_or(&self.folder);
        let names: Vec<_> = self.folder.iter().rev().take(2).map(|name| name.to_string_lossy()).collect();
        match names.as_slice() {
            [key, kind] => Ok(Store::new(store).state(kind, key)?),
            _ => Ok(State::Missing),
        }
    }

    /// Refuses a run that is not finished.
    pub(crate) fn must_be_done(&self) -> Outcome {
        let folder = self.folder.display();
        match self.state()? {
            State::Done => Ok(()),
            State::Running => Err(Failure::Locked(format!("{folder} is being worked on: try again when it is done"))),
            State::Partial | State::Missing => Err(Failure::Data(
                format!("{folder} is not finished: its study was interrupted and goes on when it is started again")
                    .into(),
            )),
        }
    }
}
