//! `list`: lists the studies, how fresh each report is, and the reports with changed settings.

use crate::reports::{
    folder::{ReportFolder, places},
    freshness::recorded,
    rendering::check,
};
use crate::{
    cli::Folders,
    failure::{Failure, Outcome},
    output::{say, say_json, table},
    stamp,
};
use harness_record::{files::Lock, store::Store};
use harness_study::{
    spec::layers::{self, Spec},
    study::Resolved,
};
use serde::Serialize;

#[derive(Serialize)]
struct Row {
    /// The name of the study or, if its settings were changed, of the report.
    study: String,
    profile: String,
    state: String,
    title: String,
    report: String,
    /// The settings that were changed on the command line.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    set: Vec<String>,
}

pub(crate) fn run(folders: &Folders, as_json: bool) -> Outcome {
    let mut rows = Vec::new();
    for name in layers::names(&folders.root).map_err(Failure::run)? {
        let Ok(spec) = Spec::named(&folders.root, &name) else {
            let state = "invalid: see `harness validate`".to_owned();
            let (title, report, set) = (String::new(), String::new(), Vec::new());
            rows.push(Row { study: name, profile: "-".into(), state, title, report, set });
            continue;
        };
        for profile in spec.profiles() {
            rows.push(row(&spec, profile, folders)?);
        }
    }
    for place in places(&folders.reports).iter().filter(|place| place.is_modified()) {
        rows.push(modified(place, folders)?);
    }
    if as_json {
        return say_json(&rows);
    }
    let mut cells = vec![["study", "profile", "state", "title"].map(str::to_owned).to_vec()];
    cells.extend(rows.into_iter().map(|row| vec![row.study, row.profile, row.state, row.title]));
    say(&table(&cells))
}

fn row(spec: &Spec, profile: &str, folders: &Folders) -> Outcome<Row> {
    let place = ReportFolder::new(&folders.reports, profile, &spec.name);
    let resolved = Resolved::new(spec, profile, &[]);
    let state = match &resolved {
        Err(_) => "invalid: see `harness validate`",
        Ok(_) if is_running(&place, folders)? => "running",
        Ok(_) if !place.folder.join("data").is_dir() => "missing",
        Ok(_) if is_fresh(&place, folders) => "fresh",
        Ok(_) => "stale",
    };
    let title = resolved.map(|resolved| resolved.study.title).unwrap_or_default();
    Ok(Row::new(&place, state, title, Vec::new()))
}

/// The row of a report with changed settings.
fn modified(place: &ReportFolder, folders: &Folders) -> Outcome<Row> {
    let state = if is_running(place, folders)? {
        "running"
    } else if is_fresh(place, folders) {
        "modified"
    } else {
        "modified, stale"
    };
    // A report whose spec cannot be read is stale; `report` says why.
    let run = recorded(place).ok().and_then(Result::ok);
    let (title, set) = run.map(|run| (run.study.title, run.overrides)).unwrap_or_default();
    Ok(Row::new(place, state, title, set))
}

impl Row {
    fn new(place: &ReportFolder, state: &str, title: String, set: Vec<String>) -> Self {
        let report = place.folder.join("index.html").display().to_string();
        Self { study: place.name.clone(), profile: place.profile.clone(), state: state.to_owned(), title, report, set }
    }
}

fn is_fresh(place: &ReportFolder, folders: &Folders) -> bool {
    check(place, folders, &folders.root.join("templates")).is_ok_and(|lines| lines.is_empty())
}

fn is_running(place: &ReportFolder, folders: &Folders) -> Outcome<bool> {
    let lock = stamp::lock_file(&Store::new(&folders.store), &place.folder);
    Ok(lock.exists() && Lock::try_take(&lock)?.is_none())
}
