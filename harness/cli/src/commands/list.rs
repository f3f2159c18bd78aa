//! `list`: lists the studies, and how fresh each report is.

use crate::reports::{folder::ReportFolder, rendering::check};
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
    study: String,
    profile: String,
    state: String,
    title: String,
    report: String,
}

pub(crate) fn run(folders: &Folders, as_json: bool) -> Outcome {
    let mut rows = Vec::new();
    for name in layers::names(&folders.root).map_err(Failure::run)? {
        let Ok(spec) = Spec::named(&folders.root, &name) else {
            let state = "invalid: see `harness validate`".to_owned();
            rows.push(Row { study: name, profile: "-".into(), state, title: String::new(), report: String::new() });
            continue;
        };
        for profile in spec.profiles() {
            rows.push(row(&spec, profile, folders)?);
        }
    }
    if as_json {
        return say_json(&rows);
    }
    let mut cells = vec![["study", "profile", "state", "title"].map(str::to_owned).to_vec()];
    cells.extend(rows.into_iter().map(|row| vec![row.study, row.profile, row.state, row.title]));
    say(&table(&cells))
}

fn row(spec: &Spec, profile: &str, folders: &Folders) -> Outcome<Row> {
    let folder = folders.reports.join(profile).join(&spec.name);
    let place = ReportFolder { profile: profile.to_owned(), study: spec.name.clone(), folder };
    let resolved = Resolved::new(spec, profile, &[]);
    let state = match &resolved {
        Err(_) => "invalid: see `harness validate`",
        Ok(_) if is_running(&place, folders)? => "running",
        Ok(_) if !place.folder.join("data").is_dir() => "missing",
        Ok(_) if check(&place, folders, &folders.root.join("templates")).is_ok_and(|lines| lines.is_empty()) => "fresh",
        Ok(_) => "stale",
    };
    let title = resolved.map(|resolved| resolved.study.title).unwrap_or_default();
    let report = place.folder.join("index.html").display().to_string();
    Ok(Row { study: place.study, profile: place.profile, state: state.to_owned(), title, report })
}

fn is_running(place: &ReportFolder, folders: &Folders) -> Outcome<bool> {
    let lock = stamp::lock_file(&Store::new(&folders.store), &place.folder);
    Ok(lock.exists() && Lock::try_take(&lock)?.is_none())
}
