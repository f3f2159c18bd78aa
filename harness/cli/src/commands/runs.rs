//! `runs`: what is in the store, and what of it can go.

mod needed;

use super::{count, report, say, say_json, table};
use crate::{
    cli::{self, Folders, Runs},
    collect::SPEC,
    failure::{Failure, Outcome},
    progress::Loudness,
    stored::{Run, folders_of_runs},
};
use harness_fetch::human;
use harness_record::{
    RecordError, files,
    store::{State, Store},
};
use harness_report::inputs::{RunInput, file};
use harness_study::spec::diagnosis::printable;
use needed::Needed;
use serde::Serialize;
use std::{collections::BTreeMap, fs, path::Path};
use walkdir::WalkDir;

/// Digits of a key that are shown, as many as `harness study` shows.
const SHORT: usize = 10;
/// The most that is read of a spec or a log, in bytes.
const LIMIT: u64 = 64 << 20;

pub(crate) fn run(command: &Runs, folders: &Folders, loudness: Loudness) -> Outcome {
    match command {
        Runs::List { json } => list(folders, *json),
        Runs::Show(options) => show(options, folders),
        Runs::Gc { yes } => collect_garbage(folders, *yes, loudness),
    }
}

/// A run as it is listed.
#[derive(Serialize)]
struct Row {
    key: String,
    kind: String,
    protocol: Option<String>,
    seed: u64,
    state: &'static str,
    /// Arms of reports that hold it: `demo/blurring ssl`.
    used: Vec<String>,
    seconds: f64,
    bytes: u64,
}

/// Reports' arms by the keys of their runs.
pub(super) type Users = BTreeMap<String, Vec<String>>;

/// Which arms of reports hold which runs.
pub(super) fn users(folders: &Folders) -> Outcome<Users> {
    let mut users = Users::new();
    for place in report::places(&folders.reports) {
        let path = place.folder.join("data").join(file::RUNS);
        let bytes = files::read(&path, LIMIT)?;
        let runs: Vec<RunInput> =
            serde_json::from_slice(&bytes).map_err(|source| RecordError::Json { path, source })?;
        for run in runs {
            let user = format!("{}/{} {}", place.profile, place.study, run.arm);
            for key in run.record.parents.into_iter().chain([run.record.key]) {
                let known = users.entry(key).or_default();
                if !known.contains(&user) {
                    known.push(user.clone());
                }
            }
        }
    }
    Ok(users)
}

fn list(folders: &Folders, as_json: bool) -> Outcome {
    let users = users(folders)?;
    let mut rows = Vec::new();
    for folder in folders_of_runs(&folders.store)? {
        let run = Run::read(&folder)?;
        let used = users.get(&run.record.key).cloned().unwrap_or_default();
        rows.push(Row {
            state: in_words(run.state()?),
            used,
            bytes: size(&run.folder)?,
            key: run.record.key,
            kind: run.record.kind,
            protocol: run.record.protocol,
            seed: run.record.seed,
            seconds: run.record.seconds,
        });
    }
    if as_json {
        return say_json(&rows);
    }
    if rows.is_empty() {
        return say(&format!("there are no runs in {}", folders.store.display()));
    }
    let heads = ["key", "kind", "protocol", "seed", "state", "seconds", "size", "reports"];
    let mut cells = vec![heads.map(str::to_owned).to_vec()];
    cells.extend(rows.iter().map(|row| {
        vec![
            row.key[..SHORT].to_owned(),
            row.kind.clone(),
            row.protocol.clone().unwrap_or_else(|| "any".to_owned()),
            row.seed.to_string(),
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
            // One that another process replaced in between has no size.
            bytes += entry.metadata().map_or(0, |about| about.len());
        }
    }
    Ok(bytes)
}

fn show(options: &cli::RunsShow, folders: &Folders) -> Outcome {
    let run = Run::find(&folders.store, &options.run)?;
    let record = serde_json::to_value(&run.record).map_err(Failure::run)?;
    if options.json {
        return say_json(&record);
    }
    let mut cells = vec![
        vec!["folder".to_owned(), run.folder.display().to_string()],
        vec!["state".to_owned(), in_words(run.state()?).to_owned()],
        vec!["size".to_owned(), human(size(&run.folder)?)],
    ];
    for (field, value) in record.as_object().into_iter().flatten() {
        let text = match value {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        cells.push(vec![field.clone(), text]);
    }
    if let Some(arms) = users(folders)?.get(&run.record.key) {
        cells.push(vec!["reports".to_owned(), arms.join(", ")]);
    }
    say(&table(&cells))?;
    for (head, name, lines) in [("settings", SPEC, usize::MAX), ("log", "log.txt", options.lines)] {
        let path = run.folder.join(name);
        if !path.exists() {
            continue;
        }
        let bytes = files::read(&path, LIMIT)?;
        let text = String::from_utf8_lossy(&bytes);
        let all: Vec<&str> = text.lines().collect();
        say(&format!("\n{head}:"))?;
        for line in &all[all.len().saturating_sub(lines)..] {
            say(&format!("  {}", printable(line)))?;
        }
    }
    Ok(())
}

fn collect_garbage(folders: &Folders, yes: bool, loudness: Loudness) -> Outcome {
    let store = Store::new(&folders.store);
    let needed = Needed::find(folders, loudness)?;
    let (mut cells, mut freed, mut held) = (Vec::new(), 0, 0);
    for folder in folders_of_runs(&folders.store)? {
        let run = Run::read(&folder)?;
        if needed.has(&run.record) {
            continue;
        }
        // Held while it is removed, so that nobody starts to work on what goes away.
        let Some(_lock) = store.lock(&run.record.kind, &run.record.key)? else {
            held += 1;
            continue;
        };
        let bytes = size(&run.folder)?;
        if yes {
            remove(&run.folder)?;
        }
        freed += bytes;
        cells.push(vec![run.record.key[..SHORT].to_owned(), run.record.kind.clone(), human(bytes)]);
    }
    let kept: Vec<&str> = needed.unknown().collect();
    if !kept.is_empty() {
        say(&format!(
            "kept, as not all of their studies' data are here: all runs of the profiles {}",
            kept.join(", ")
        ))?;
    }
    if held > 0 {
        say(&format!("kept, as another process works on them: {}", count(held, "run")))?;
    }
    if cells.is_empty() {
        return say("nothing to remove: every other run is in a report or asked for by a study");
    }
    say(&table(&cells))?;
    let n = count(cells.len(), "run");
    say(&if yes {
        format!("\nremoved {n}, {}", human(freed))
    } else {
        format!("\n{n} could go, {}; --yes removes them", human(freed))
    })
}

/// Removes a run, its record first: what is left after a crash is no run.
fn remove(folder: &Path) -> Outcome {
    let io = |source| RecordError::Io { action: "remove", path: folder.to_owned(), source };
    fs::remove_file(folder.join("run.json")).map_err(io)?;
    Ok(fs::remove_dir_all(folder).map_err(io)?)
}
