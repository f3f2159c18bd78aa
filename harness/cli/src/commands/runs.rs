//! `runs`: lists and shows the runs in the store, and removes those that are not needed.

mod needed;
mod users;

use crate::{
    cli::{self, Folders, Runs},
    failure::{Failure, Outcome},
    output::{count, say, say_json, table},
    progress::Loudness,
    stored::{Run, folders_of_runs},
};
use harness_fetch::human;
use harness_record::{
    RecordError, files, run as record,
    store::{State, Store},
    vocabulary::{Key, Protocol, Stage},
};
use harness_study::spec::diagnosis::printable;
use needed::Needed;
use serde::Serialize;
use std::{fs, path::Path};
use users::users;
use walkdir::WalkDir;

/// Digits of a key that are shown, the same number as `harness study` shows.
const SHORT: usize = 10;
/// Size limit for reading a spec or a log, in bytes.
const LIMIT: u64 = 64 << 20;

pub(crate) fn run(command: &Runs, folders: &Folders, loudness: Loudness) -> Outcome {
    match command {
        Runs::List { json } => list(folders, *json),
        Runs::Show(options) => show(options, folders),
        Runs::Gc { yes } => collect_garbage(folders, *yes, loudness),
    }
}

/// A run in the list.
#[derive(Serialize)]
struct Row {
    key: Key,
    stage: Stage,
    /// `None` if the run is the same under both protocols, or not done.
    protocol: Option<Protocol>,
    /// `None` for a run that is not done.
    seed: Option<u64>,
    state: &'static str,
    /// Arms of reports that use the run: `demo/blurring ssl`.
    used: Vec<String>,
    seconds: f64,
    bytes: u64,
}

fn list(folders: &Folders, as_json: bool) -> Outcome {
    let users = users(folders)?;
    let mut rows = Vec::new();
    for folder in folders_of_runs(&folders.store)? {
        let run = Run::read(&folder)?;
        let used = users.get(&run.key).cloned().unwrap_or_default();
        rows.push(Row {
            state: in_words(run.state()?),
            used,
            bytes: size(&run.folder)?,
            key: run.key,
            stage: run.stage,
            protocol: run.record.as_ref().and_then(|record| record.protocol),
            seed: run.record.as_ref().map(|record| record.seed),
            seconds: run.host.seconds,
        });
    }
    if as_json {
        return say_json(&rows);
    }
    if rows.is_empty() {
        return say(&format!("there are no runs in {}", folders.store.display()));
    }
    let heads = ["key", "stage", "protocol", "seed", "state", "seconds", "size", "reports"];
    let mut cells = vec![heads.map(str::to_owned).to_vec()];
    cells.extend(rows.iter().map(|row| {
        vec![
            row.key.as_str()[..SHORT].to_owned(),
            row.stage.to_string(),
            row.protocol.map_or_else(|| "any".to_owned(), |protocol| protocol.to_string()),
            row.seed.map_or_else(|| "-".to_owned(), |seed| seed.to_string()),
            row.state.to_owned(),
            format!("{:.1}", row.seconds),
            human(row.bytes),
            if row.used.is_empty() { "-".to_owned() } else { row.used.join(", ") },
        ]
    }));
    say(&table(&cells))?;
    say(&format!("\n{}, {}", count(rows.len(), "run"), human(rows.iter().map(|row| row.bytes).sum())))
}

fn in_words(state: State) -> &'static str {
    match state {
        State::Missing => "missing",
        State::Partial => "partial",
        State::Running => "running",
        State::Done => "done",
    }
}

/// Bytes of all files below a folder.
fn size(folder: &Path) -> Outcome<u64> {
    let mut bytes = 0;
    for entry in WalkDir::new(folder) {
        let entry = entry.map_err(Failure::run)?;
        if entry.file_type().is_file() {
            // A file that another process replaced meanwhile counts as empty.
            bytes += entry.metadata().map_or(0, |about| about.len());
        }
    }
    Ok(bytes)
}

fn show(options: &cli::RunsShow, folders: &Folders) -> Outcome {
    let run = Run::find(&folders.store, &options.run)?;
    if options.json {
        return say_json(&serde_json::json!({ "run": run.record, "host": run.host }));
    }
    let mut record = serde_json::to_value(&run.record).map_err(Failure::run)?;
    let settings = record.as_object_mut().and_then(|fields| fields.remove("settings"));
    let host = serde_json::to_value(&run.host).map_err(Failure::run)?;
    let mut cells = vec![
        vec!["folder".to_owned(), run.folder.display().to_string()],
        vec!["state".to_owned(), in_words(run.state()?).to_owned()],
        vec!["size".to_owned(), human(size(&run.folder)?)],
    ];
    for (field, value) in [&record, &host].into_iter().filter_map(serde_json::Value::as_object).flatten() {
        let text = match value {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        cells.push(vec![field.clone(), text]);
    }
    if let Some(arms) = users(folders)?.get(&run.key) {
        cells.push(vec!["reports".to_owned(), arms.join(", ")]);
    }
    say(&table(&cells))?;
    if let Some(settings) = settings {
        lines("settings", &serde_yaml::to_string(&settings).map_err(Failure::run)?, usize::MAX)?;
    }
    let log = run.folder.join("log.txt");
    if log.exists() {
        lines("log", &String::from_utf8_lossy(&files::read(&log, LIMIT)?), options.lines)?;
    }
    Ok(())
}

/// Prints the last `most` lines of a text, below a heading.
fn lines(head: &str, text: &str, most: usize) -> Outcome {
    let all: Vec<&str> = text.lines().collect();
    say(&format!("\n{head}:"))?;
    for line in &all[all.len().saturating_sub(most)..] {
        say(&format!("  {}", printable(line)))?;
    }
    Ok(())
}

fn collect_garbage(folders: &Folders, yes: bool, loudness: Loudness) -> Outcome {
    let store = Store::new(&folders.store);
    let needed = Needed::find(folders, loudness)?;
    let (mut cells, mut freed, mut held) = (Vec::new(), 0, 0);
    for folder in folders_of_runs(&folders.store)? {
        let run = Run::read(&folder)?;
        if needed.has(&run) {
            continue;
        }
        // The lock is held while the run is removed, so that nobody starts to work on it.
        let Some(_lock) = store.lock(run.stage, &run.key)? else {
            held += 1;
            continue;
        };
        let bytes = size(&run.folder)?;
        if yes {
            remove(&run.folder)?;
        }
        freed += bytes;
        cells.push(vec![run.key.as_str()[..SHORT].to_owned(), run.stage.to_string(), human(bytes)]);
    }
    let kept: Vec<&str> = needed.unknown().collect();
    if !kept.is_empty() {
        say(&format!("kept, because data of their studies are missing: all runs of the profiles {}", kept.join(", ")))?;
    }
    if held > 0 {
        say(&format!("kept, because another process is working on them: {}", count(held, "run")))?;
    }
    if cells.is_empty() {
        return say("nothing to remove: every other run is in a report or needed by a study");
    }
    say(&table(&cells))?;
    let n = count(cells.len(), "run");
    say(&if yes {
        format!("\nremoved {n}, {}", human(freed))
    } else {
        format!("\n{n} could be removed, {}; --yes removes them", human(freed))
    })
}

/// Removes a run, its records first, so that what a crash leaves behind is not a run.
fn remove(folder: &Path) -> Outcome {
    let io = |source| RecordError::Io { action: "remove", path: folder.to_owned(), source };
    for name in [record::file::RUN, record::file::HOST] {
        if folder.join(name).exists() {
            fs::remove_file(folder.join(name)).map_err(io)?;
        }
    }
    Ok(fs::remove_dir_all(folder).map_err(io)?)
}
