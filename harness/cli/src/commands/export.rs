//! `export`: writes runs in the formats of other tools.

mod tensorboard;

use crate::{
    cli::{self, Folders},
    failure::{Failure, Outcome},
    output::{count, say},
    stored::{Run, folders_of_runs},
};
use harness_record::{RecordError, files, rows::MetricRow, run::file, store::State, table};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Digits of the key in the name of an exported run's folder, the same number as `harness study` shows.
const SHORT: usize = 10;

/// A file to write.
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
        let run = Run::find(store, name)?;
        run.must_be_done()?;
        if !runs.iter().any(|other| other.key == run.key) {
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

/// Makes a run's event file, below `out`.
fn export(run: &Run, out: &Path) -> Outcome<Export> {
    let metrics = run.folder.join(file::METRICS);
    if !metrics.is_file() {
        return Err(Failure::Data(format!("{}: the metrics of a finished run are missing", metrics.display()).into()));
    }
    let rows: Vec<MetricRow> = table::read_rows(&metrics)?;
    if rows.is_empty() {
        return Err(Failure::Data(format!("{}: it has no rows", metrics.display()).into()));
    }
    let folder = out.join(format!("{}-{}", run.stage, &run.key.as_str()[..SHORT]));
    let name = tensorboard::file_name(&run.host);
    if let Some(other) = other_events(&folder, &name)? {
        return Err(Failure::Usage(format!(
            "{} contains other events, which TensorBoard would mix with those of {}: remove them, or name another \
             folder",
            other.display(),
            run.folder.display()
        )));
    }
    Ok(Export { path: folder.join(name), bytes: tensorboard::events(&run.host, &rows) })
}

/// Finds an event file in `folder` that is not called `name`.
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
