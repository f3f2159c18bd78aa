//! `list`: lists the studies, how fresh each report is, and the reports with changed settings.

use crate::reports::{
    folder::{ReportFolder, places},
    freshness::{read_study, recorded},
    rendering::check,
};
use crate::{
    cli::Folders,
    failure::{Failure, Outcome},
    output::{say, say_json, table},
    registry::locked,
    stamp,
};
use harness_record::{files::Lock, store::Store};
use harness_report::inputs::{Registration, file};
use harness_study::{
    spec::layers::{self, Spec},
    study::{Resolved, Study},
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
    /// `edited after the first results` if the study is not as it was registered.
    #[serde(skip_serializing_if = "Option::is_none")]
    edited: Option<&'static str>,
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
            rows.push(Row { study: name, profile: "-".into(), state, title, report, edited: None, set });
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
    cells.extend(rows.into_iter().map(Row::cells));
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
    let edited = resolved.as_ref().ok().map(|resolved| edited(&place, &resolved.study)).transpose()?.flatten();
    let title = resolved.map(|resolved| resolved.study.title).unwrap_or_default();
    Ok(Row { edited, ..Row::new(&place, state, title, Vec::new()) })
}

/// Says so if a study is not as it was registered. `None` if it is, or if its report holds no registration.
fn edited(place: &ReportFolder, study: &Study) -> Outcome<Option<&'static str>> {
    let data = place.folder.join("data");
    let Some(registration) = Registration::read(&data.join(file::REGISTRATION))? else { return Ok(None) };
    // The report's own data say which images were tested.
    let images = read_study(&data)?.map(|input| input.test_images).unwrap_or_default();
    Ok((!registration.locked.edits(&locked(study, images)).is_empty()).then(|| registration.edited()))
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
        let (study, profile) = (place.name.clone(), place.profile.clone());
        Self { study, profile, state: state.to_owned(), title, report, edited: None, set }
    }

    fn cells(self) -> Vec<String> {
        let edited = self.edited.map(|edited| format!(", {edited}")).unwrap_or_default();
        vec![self.study, self.profile, self.state + &edited, self.title]
    }
}

fn is_fresh(place: &ReportFolder, folders: &Folders) -> bool {
    check(place, folders, &folders.root.join("templates")).is_ok_and(|lines| lines.is_empty())
}

fn is_running(place: &ReportFolder, folders: &Folders) -> Outcome<bool> {
    let lock = stamp::lock_file(&Store::new(&folders.store), &place.folder);
    Ok(lock.exists() && Lock::try_take(&lock)?.is_none())
}
