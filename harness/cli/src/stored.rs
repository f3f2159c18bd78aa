//! Finds runs in the store: all of them, or the one that a name means.

use crate::{
    failure::{Failure, Outcome},
    output::count,
};
use harness_record::{
    RecordError,
    run::{HostRecord, RunRecord, file},
    store::{State, Store},
    vocabulary::{Key, Stage},
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The fewest digits of a key that name a run.
pub(crate) const FEWEST: usize = 6;
/// The number of digits of a key, which is a SHA-256.
const DIGITS: usize = 64;

/// A run on disk.
pub(crate) struct Run {
    pub(crate) folder: PathBuf,
    pub(crate) stage: Stage,
    pub(crate) key: Key,
    /// `None` for a run that is not done.
    pub(crate) record: Option<RunRecord>,
    pub(crate) host: HostRecord,
}

/// The folders of all runs in the store, including unfinished ones, by stage, then by key.
pub(crate) fn folders_of_runs(store: &Path) -> Outcome<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for stage in Stage::ALL.map(|stage| store.join(stage.name())) {
        if !stage.is_dir() {
            continue;
        }
        let io = |source| RecordError::Io { action: "list", path: stage.clone(), source };
        let entries = fs::read_dir(&stage).map_err(io)?.collect::<Result<Vec<_>, _>>().map_err(io)?;
        let mut of_stage: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).collect();
        of_stage.retain(|folder| folder.join(file::HOST).is_file());
        of_stage.sort_unstable();
        folders.extend(of_stage);
    }
    Ok(folders)
}

/// Finds the folder of the run that `name` means: the first digits of its key, or a folder.
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
    if folder.join(file::HOST).is_file() {
        return Ok(folder.to_owned());
    }
    Err(Failure::Usage(if folder.is_dir() {
        format!("{name} is not the folder of a run: it contains no {}", file::HOST)
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
    /// Finds the run that `name` means: the first digits of its key, or a folder.
    pub(crate) fn find(store: &Path, name: &str) -> Outcome<Self> {
        Self::read(&find(store, name)?)
    }

    /// Reads the record of the run in `folder`, whose path names its stage and its key.
    pub(crate) fn read(folder: &Path) -> Outcome<Self> {
        let io = |source| RecordError::Io { action: "open", path: folder.to_owned(), source };
        let folder = folder.canonicalize().map_err(io)?;
        let name =
            |path: Option<&Path>| path.and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
        let (stage, key) = (name(folder.parent()).parse(), name(Some(&folder)).parse());
        let (Ok(stage), Ok(key)) = (stage, key) else {
            let text = format!("{}: expected a run's folder, <stage>/<key>", folder.display());
            return Err(Failure::Data(text.into()));
        };
        let record = if folder.join(file::RUN).exists() { Some(RunRecord::read(&folder)?) } else { None };
        if record.as_ref().is_some_and(|record| record.key != key || record.stage != stage) {
            let text = format!("{}: damaged, it is the record of another run", folder.join(file::RUN).display());
            return Err(Failure::Data(text.into()));
        }
        Ok(Self { host: HostRecord::read(&folder)?, folder, stage, key, record })
    }

    /// The run's state in the store.
    pub(crate) fn state(&self) -> Outcome<State> {
        let store = self.folder.ancestors().nth(2).unwrap_or(&self.folder);
        Ok(Store::new(store).state(self.stage, &self.key)?)
    }

    /// Refuses a run that is not finished.
    pub(crate) fn must_be_done(&self) -> Outcome {
        let folder = self.folder.display();
        match self.state()? {
            State::Done => Ok(()),
            State::Running => {
                Err(Failure::Locked(format!("another process is working on {folder}: try again when it has finished")))
            }
            State::Partial | State::Missing => Err(Failure::Data(
                format!("{folder} is not finished: its study was interrupted; run the study again to continue").into(),
            )),
        }
    }
}
