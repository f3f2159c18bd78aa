//! `export`: runs as other tools read them.

mod tensorboard;

use super::{count, say};
use crate::{
    cli::{self, Folders},
    failure::{Failure, Outcome},
};
use harness_record::{
    RecordError, files,
    rows::{self, MetricRow},
    run::RunRecord,
    store::{State, Store},
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Kinds of runs, which are folders of the store.
const KINDS: [&str; 3] = ["pretrain", "finetune", "evaluate"];
/// Fewest digits of a key that name a run.
const FEWEST: usize = 6;
/// Digits of a key, which is a SHA-256.
const DIGITS: usize = 64;
/// Digits of the key in the name of an exported run's folder, as many as `harness study` shows.
const SHORT: usize = 10;

/// A run on disk.
struct Run {
    folder: PathBuf,
    record: RunRecord,
}

/// A file to be written.
struct Export {
    path: PathBuf,
    bytes: Vec<u8>,
}

/// `export tensorboard`. Nothing is written unless every run can be.
pub(crate) fn tensorboard(options: &cli::Tensorboard, folders: &Folders) -> Outcome {
    let (runs, unfinished) = if options.all { all(&folders.store)? } else { (named(options, &folders.store)?, 0) };
    let exports = runs.iter().map(|run| export(run, &options.out)).collect::<Outcome<Vec<_>>>()?;
    for export in &exports {
        files::write(&export.path, &export.bytes)?;
    }
    let left_out = match unfinished {
        0 => String::new(),
        n => format!("; {} left out", count(n, "unfinished run")),
    };
    say(&format!("events of {}: {}{left_out}", count(exports.len(), "run"), options.out.display()))
}

/// The runs that the command line names, each once.
fn named(options: &cli::Tensorboard, store: &Path) -> Outcome<Vec<Run>> {
    let mut runs: Vec<Run> = Vec::new();
    for name in &options.runs {
        let run = Run::read(&find(store, name)?)?;
        run.must_be_done()?;
        if !runs.iter().any(|other| other.record.key == run.record.key) {
            runs.push(run);
        }
    }
    Ok(runs)
}

/// Every finished run of the store, and the number of the others.
fn all(store: &Path) -> Outcome<(Vec<Run>, usize)> {
    let runs = folders_of_runs(store)?.iter().map(|folder| Run::read(folder)).collect::<Outcome<Vec<_>>>()?;
    let total = runs.len();
    let mut done = Vec::new();
    for run in runs {
        if run.state()? == State::Done {
            done.push(run);
        }
    }
    if done.is_empty() {
        return Err(Failure::Data(format!("there is no finished run in {}", store.display()).into()));
    }
    let unfinished = total - done.len();
    Ok((done, unfinished))
}

/// Folders of all runs of the store, by kind, then by key.
fn folders_of_runs(store: &Path) -> Outcome<Vec<PathBuf>> {
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
    fn read(folder: &Path) -> Outcome<Self> {
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

    fn state(&self) -> Outcome<State> {
        let store = self.folder.ancestors().nth(2).unwrap_or(&self.folder);
        let names: Vec<_> = self.folder.iter().rev().take(2).map(|name| name.to_string_lossy()).collect();
        match names.as_slice() {
            [key, kind] => Ok(Store::new(store).state(kind, key)?),
            _ => Ok(State::Missing),
        }
    }

    fn must_be_done(&self) -> Outcome {
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

/// A run's event file, below `out`.
fn export(run: &Run, out: &Path) -> Outcome<Export> {
    let metrics = run.folder.join("metrics.csv");
    if !metrics.is_file() {
        return Err(Failure::Data(format!("{}: the metrics of a finished run are missing", metrics.display()).into()));
    }
    let rows: Vec<MetricRow> = rows::read(&metrics)?;
    if rows.is_empty() {
        return Err(Failure::Data(format!("{}: there is no row in it", metrics.display()).into()));
    }
    let folder = out.join(format!("{}-{}", run.record.kind, &run.record.key[..SHORT]));
    let name = tensorboard::file_name(&run.record);
    if let Some(other) = other_events(&folder, &name)? {
        return Err(Failure::Usage(format!(
            "{} holds other events, which TensorBoard would mix with those of {}: remove them, or name another folder",
            other.display(),
            run.folder.display()
        )));
    }
    Ok(Export { path: folder.join(name), bytes: tensorboard::events(&run.record, &rows) })
}

/// An event file in `folder` that is not called `name`.
fn other_events(folder: &Path, name: &str) -> Outcome<Option<PathBuf>> {
    if !folder.is_dir() {
        return Ok(None);
    }
    let io = |source| RecordError::Io { action: "list", path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        let found = entry.file_name().to_string_lossy().into_owned();
        if found.contains("tfevents") && found != name {
            return Ok(Some(entry.path()));
        }
    }
    Ok(None)
}
