//! `report`: render again from the data folders alone, or check that nothing would change.

use super::{count, say};
use crate::{
    cli::{self, Folders},
    collect::{self, Facts, Recorded, SPEC},
    failure::{Failure, Outcome},
    spec::layers::{self, PROFILES, Spec},
    stamp,
    study::{Resolved, Study},
};
use harness_record::{files, files::Lock, store::Store};
use harness_report::{
    ReportError,
    input::{StudyInput, file},
};
use std::path::{Path, PathBuf};

/// A report that has data.
pub(crate) struct Place {
    pub(crate) profile: String,
    pub(crate) study: String,
    pub(crate) folder: PathBuf,
}

/// How the data of a report stand to the spec of today.
pub(crate) enum Freshness {
    /// The data are of today's spec; the bytes of `study.json` that today's words give.
    Current(Vec<u8>),
    /// The spec asks for other numbers now.
    Stale,
    /// The study's spec is gone, or cannot be read, or the data do not say what they were run with.
    Unknown(String),
}

pub(crate) fn run(options: &cli::Report, folders: &Folders) -> Outcome {
    let places = chosen(options, folders)?;
    let templates = folders.root.join("templates");
    let mut differences = Vec::new();
    for place in &places {
        if options.check {
            differences.extend(check(place, folders, &templates)?);
            continue;
        }
        let store = Store::new(&folders.store);
        let lock = stamp::lock_file(&store, &place.folder);
        let Some(_lock) = Lock::try_take(&lock)? else {
            let text =
                format!("study {} ({}) is running and writes this report; try again", place.study, place.profile);
            return Err(Failure::Locked(text));
        };
        match freshness(place, folders)? {
            Freshness::Current(study) => files::write(&place.folder.join("data").join(file::STUDY), &study)?,
            Freshness::Stale => warn(&format!(
                "warning: {}: studies/{}.yaml has changed since these data were made; `harness study {} --profile {}` makes them anew",
                place.folder.display(),
                place.study,
                place.study,
                place.profile
            )),
            Freshness::Unknown(why) => warn(&format!("warning: {}: {why}", place.folder.display())),
        }
        render(&place.folder, &templates)?;
        say(&format!("report: {}", place.folder.join("index.html").display()))?;
        if options.open {
            open(&place.folder.join("index.html"))?;
        }
    }
    if differences.is_empty() {
        if options.check {
            say(&format!("{} checked: nothing would change", count(places.len(), "report")))?;
        }
        return Ok(());
    }
    for line in &differences {
        say(line)?;
    }
    Err(Failure::Check(format!("{} would change", count(differences.len(), "file"))))
}

/// Renders a report and writes what changed.
pub(crate) fn render(report: &Path, templates: &Path) -> Outcome {
    let files = harness_report::render(&report.join("data"), templates).map_err(Failure::run)?;
    harness_report::write(report, &files).map_err(Failure::run)?;
    Ok(())
}

/// What would change in a report, a line a file.
pub(crate) fn check(place: &Place, folders: &Folders, templates: &Path) -> Outcome<Vec<String>> {
    let mut lines = Vec::new();
    let shown = |path: &Path| place.folder.join(path).display().to_string();
    match freshness(place, folders)? {
        Freshness::Current(study) => {
            let path = Path::new("data").join(file::STUDY);
            if files::read(&place.folder.join(&path), 64 << 20)? != study {
                lines.push(format!("{}: edited, or the words of the spec changed", shown(&path)));
            }
        }
        Freshness::Stale => lines.push(format!(
            "{}: stale: studies/{}.yaml asks for other numbers now",
            shown(&Path::new("data").join(SPEC)),
            place.study
        )),
        Freshness::Unknown(why) => lines.push(format!("{}: {why}", shown(&Path::new("data").join(SPEC)))),
    }
    match harness_report::check(&place.folder, templates) {
        Ok(differences) => {
            lines.extend(differences.iter().map(|found| format!("{}: {}", shown(&found.path), found.what)));
            Ok(lines)
        }
        Err(edited @ ReportError::Published { .. }) => {
            lines.push(edited.to_string());
            Ok(lines)
        }
        Err(other) => Err(Failure::run(other)),
    }
}

/// Holds the data of a report against the spec of today.
pub(crate) fn freshness(place: &Place, folders: &Folders) -> Outcome<Freshness> {
    let data = place.folder.join("data");
    let path = data.join(SPEC);
    if !path.exists() {
        return Ok(Freshness::Unknown(format!("{SPEC} is missing: what the data were run with is not known")));
    }
    let bytes = files::read(&path, 16 << 20)?;
    let recorded: Recorded = match serde_yaml::from_slice(&bytes) {
        Ok(recorded) => recorded,
        Err(error) => return Ok(Freshness::Unknown(format!("{SPEC} cannot be read: {error}"))),
    };
    let current = Spec::named(&folders.root, &place.study)
        .and_then(|spec| Resolved::new(&spec, &recorded.profile, &recorded.settings));
    let current = match current {
        Ok(current) => current,
        Err(problems) => {
            return Ok(Freshness::Unknown(format!("studies/{}.yaml cannot be read:\n{problems}", place.study)));
        }
    };
    if numbers_of(&current.study)? != numbers_of(&recorded.study)? {
        return Ok(Freshness::Stale);
    }
    let study = data.join(file::STUDY);
    let facts = match serde_json::from_slice::<StudyInput>(&files::read(&study, 64 << 20)?) {
        Ok(input) => Facts { deterministic: input.deterministic, setting: input.setting },
        Err(error) => return Ok(Freshness::Unknown(format!("{} cannot be read: {error}", file::STUDY))),
    };
    Ok(Freshness::Current(collect::json(&collect::study_input(&current, &recorded.settings, facts))?))
}

/// The part of a study that decides its numbers: all but words and the report's own section.
fn numbers_of(study: &Study) -> Outcome<serde_json::Value> {
    let mut value = serde_json::to_value(study).map_err(Failure::run)?;
    if let Some(fields) = value.as_object_mut() {
        for words in ["title", "question", "expectation"] {
            fields.remove(words);
        }
        // Which pictures and printed tables are collected is decided when the numbers are; the rest is presentation.
        if let Some(report) = fields.get_mut("report").and_then(|r| r.as_object_mut()) {
            report.retain(|key, _| key == "gallery" || key == "published");
        }
        // A base offers variants to all studies; those that no arm takes decide nothing.
        if let Some(variants) = fields.get_mut("variants").and_then(|v| v.as_object_mut()) {
            variants.retain(|name, _| study.arms.iter().any(|arm| arm.variants.contains(name)));
        }
        for arm in fields.get_mut("arms").and_then(|a| a.as_array_mut()).into_iter().flatten() {
            if let Some(arm) = arm.as_object_mut() {
                arm.remove("label");
                arm.remove("description");
            }
        }
    }
    Ok(value)
}

/// All reports that have data, by profile and study.
pub(crate) fn places(reports: &Path) -> Vec<Place> {
    let mut places = Vec::new();
    for profile in PROFILES {
        let Ok(entries) = std::fs::read_dir(reports.join(profile)) else { continue };
        for entry in entries.flatten() {
            let folder = entry.path();
            if folder.join("data").is_dir() {
                let study = entry.file_name().to_string_lossy().into_owned();
                places.push(Place { profile: profile.to_owned(), study, folder });
            }
        }
    }
    places.sort_by(|a, b| a.folder.cmp(&b.folder));
    places
}

fn chosen(options: &cli::Report, folders: &Folders) -> Outcome<Vec<Place>> {
    let mut places = places(&folders.reports);
    if let Some(profile) = &options.profile {
        places.retain(|place| place.profile == *profile);
    }
    for name in &options.names {
        if !places.iter().any(|place| place.study == *name) {
            // A wrong name gets its "did you mean" here; a right one has no data yet.
            Spec::named(&folders.root, name)?;
            let where_ = options.profile.as_ref().map_or(String::new(), |p| format!(" in profile {p}"));
            return Err(Failure::Usage(format!(
                "study {name} has no report{where_} yet: run `harness study {name}` first (--profile demo is the quickest)"
            )));
        }
    }
    if !options.names.is_empty() {
        places.retain(|place| options.names.contains(&place.study));
    }
    if places.is_empty() {
        let known = layers::names(&folders.root).unwrap_or_default().join(", ");
        let text = format!("there are no reports in {} yet; studies: {known}", folders.reports.display());
        return Err(Failure::Usage(text));
    }
    Ok(places)
}

fn warn(line: &str) {
    // Where stderr is closed there is no one to tell.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("{line}\n").as_bytes());
}

/// Opens a page in the user's browser.
fn open(page: &Path) -> Outcome {
    let program = if cfg!(target_os = "macos") {
        "open"
    } else if cfg!(windows) {
        "explorer"
    } else {
        "xdg-open"
    };
    let status = std::process::Command::new(program).arg(page).status();
    match status {
        Ok(status) if status.success() || cfg!(windows) => Ok(()),
        _ => {
            Err(Failure::Run(format!("cannot open a browser with `{program}`; open {} by hand", page.display()).into()))
        }
    }
}
