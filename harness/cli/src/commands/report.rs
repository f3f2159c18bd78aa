//! `report`: renders reports again from their data folders alone, checks that nothing would change, or prints the
//! verdicts.

mod bundle;
mod serve;
pub(crate) mod site;
mod verdicts;

use super::{count, say};
use crate::{
    cli::{self, Folders},
    collect::{self, Facts, Recorded},
    failure::{Failure, Outcome},
    manifests, stamp,
};
use harness_record::{files, files::Lock, store::Store, table};
use harness_report::{
    ReportError,
    inputs::{PublishedRow, Setting, StudyInput, file},
};
use harness_study::{
    setting::setting,
    spec::layers::{self, PROFILES, Spec},
    study::{Resolved, Study},
};
use rayon::prelude::*;
use std::path::{Path, PathBuf};

/// A report that has data.
pub(crate) struct Place {
    pub(crate) profile: String,
    pub(crate) study: String,
    pub(crate) folder: PathBuf,
}

/// The relation between a report's data and today's spec.
pub(crate) enum Freshness {
    /// The data match today's spec.
    Current(Current),
    /// The spec asks for other numbers now.
    Stale,
    /// The study's spec is missing or cannot be read, or the data do not say what they were run with.
    Unknown(String),
}

/// The parts of today's spec that matter to data which match it.
pub(crate) struct Current {
    /// The bytes of `study.json` with the words of today's spec.
    study: Vec<u8>,
    /// The experiment that the data belong to.
    setting: Setting,
    /// The printed figures of the tables that the spec names.
    printed: Vec<PublishedRow>,
}

impl Freshness {
    /// The setting to render the report with. Data that do not match today's spec cannot prove that they are the
    /// published experiment, whatever they say.
    fn setting(&self) -> Setting {
        if let Self::Current(current) = self { current.setting } else { Setting::Unknown }
    }
}

pub(crate) fn run(options: &cli::Report, folders: &Folders) -> Outcome {
    let places = chosen(options, folders)?;
    if options.verdicts {
        return verdicts::run(&places, folders, options);
    }
    if let Some(out) = &options.bundle {
        return bundle::run(&places, folders, out);
    }
    if options.serve {
        return serve::run(&places, folders, options);
    }
    let templates = folders.root.join("templates");
    // Reports do not depend on each other, so they are rendered in parallel; the messages keep the order of the
    // reports.
    let rendered: Vec<Outcome<Vec<String>>> = places
        .par_iter()
        .map(|place| {
            if options.check {
                check(place, folders, &templates)
            } else {
                make(place, folders, options.renew).map(|()| Vec::new())
            }
        })
        .collect();
    let mut differences = Vec::new();
    for (place, outcome) in places.iter().zip(rendered) {
        differences.extend(outcome?);
        if !options.check {
            say(&format!("report: {}", place.folder.join("index.html").display()))?;
            if options.open {
                open(&place.folder.join("index.html"))?;
            }
        }
    }
    if !options.check {
        return site::write(folders);
    }
    if options.names.is_empty() && options.profile.is_none() {
        differences.extend(site::check(folders)?);
    }
    if differences.is_empty() {
        return say(&format!("{} checked: nothing would change", count(places.len(), "report")));
    }
    for line in &differences {
        say(line)?;
    }
    Err(Failure::Check(format!("{} would change", count(differences.len(), "file"))))
}

/// Renders a report from its data, with the words of today's spec.
fn make(place: &Place, folders: &Folders, renew: bool) -> Outcome {
    let store = Store::new(&folders.store);
    let lock = stamp::lock_file(&store, &place.folder);
    let Some(_lock) = Lock::try_take(&lock)? else {
        let text = format!("study {} ({}) is running and writes this report; try again", place.study, place.profile);
        return Err(Failure::Locked(text));
    };
    let freshness = freshness(place, folders)?;
    match &freshness {
        Freshness::Current(current) => take_over(place, current, renew)?,
        Freshness::Stale => warn(&format!(
            "warning: {}: studies/{}.yaml has changed since these data were made; `harness study {} --profile {}` makes them anew",
            place.folder.display(),
            place.study,
            place.study,
            place.profile
        )),
        Freshness::Unknown(why) => warn(&format!("warning: {}: {why}", place.folder.display())),
    }
    render(&place.folder, &folders.root.join("templates"), freshness.setting())
}

/// Writes the words of today's spec into the data and, with `renew`, the verdicts on the printed figures. Without
/// `renew`, fails if the data hold other printed figures than today's.
fn take_over(place: &Place, current: &Current, renew: bool) -> Outcome {
    let data = place.folder.join("data");
    let study = data.join(file::STUDY);
    // An up-to-date file is not touched, because `--serve` watches it.
    if files::read(&study, 64 << 20)? != current.study {
        files::write(&study, &current.study)?;
    }
    if renew {
        return collect::write_published(&current.printed, &data, current.setting);
    }
    if printed_in(&data)? == current.printed { Ok(()) } else { Err(Failure::Check(other_figures(place))) }
}

/// Reads the printed figures that the data hold.
fn printed_in(data: &Path) -> Outcome<Vec<PublishedRow>> {
    let path = data.join(file::PUBLISHED);
    if path.exists() { Ok(table::read_rows(&path)?) } else { Ok(Vec::new()) }
}

fn other_figures(place: &Place) -> String {
    format!(
        "{}: its printed figures are not those of {}/published; `harness report {} --profile {} --renew` takes them from there",
        place.folder.join("data").join(file::PUBLISHED).display(),
        manifests::FOLDER,
        place.study,
        place.profile
    )
}

/// Renders a report and writes what changed.
pub(crate) fn render(report: &Path, templates: &Path, setting: Setting) -> Outcome {
    let files = harness_report::render(&report.join("data"), templates, setting).map_err(Failure::run)?;
    harness_report::write(report, &files).map_err(Failure::run)?;
    Ok(())
}

/// Lists what would change in a report, one line per file.
pub(crate) fn check(place: &Place, folders: &Folders, templates: &Path) -> Outcome<Vec<String>> {
    let mut lines = Vec::new();
    let shown = |path: &Path| place.folder.join(path).display().to_string();
    let freshness = freshness(place, folders)?;
    match &freshness {
        Freshness::Current(current) => {
            let path = Path::new("data").join(file::STUDY);
            if files::read(&place.folder.join(&path), 64 << 20)? != current.study {
                lines.push(format!("{}: edited, or the words of the spec changed", shown(&path)));
            }
            if printed_in(&place.folder.join("data"))? != current.printed {
                lines.push(other_figures(place));
            }
        }
        Freshness::Stale => lines.push(format!(
            "{}: stale: studies/{}.yaml asks for other numbers now",
            shown(&Path::new("data").join(file::SPEC)),
            place.study
        )),
        Freshness::Unknown(why) => lines.push(format!("{}: {why}", shown(&Path::new("data").join(file::SPEC)))),
    }
    match harness_report::check(&place.folder, templates, freshness.setting()) {
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

/// Compares the data of a report with today's spec.
pub(crate) fn freshness(place: &Place, folders: &Folders) -> Outcome<Freshness> {
    let data = place.folder.join("data");
    let path = data.join(file::SPEC);
    if !path.exists() {
        return Ok(Freshness::Unknown(format!("{} is missing: what the data were run with is not known", file::SPEC)));
    }
    let bytes = files::read(&path, 16 << 20)?;
    let recorded: Recorded = match serde_yaml::from_slice(&bytes) {
        Ok(recorded) => recorded,
        Err(error) => return Ok(Freshness::Unknown(format!("{} cannot be read: {error}", file::SPEC))),
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
    let StudyInput { datasets, deterministic, .. } = match read_study(&data)? {
        Ok(input) => input,
        Err(why) => return Ok(Freshness::Unknown(why)),
    };
    let setting = setting(&current, &recorded.settings, &datasets);
    let facts = Facts { deterministic, setting };
    let study = collect::json(&collect::study_input(&current, &recorded.settings, facts, datasets))?;
    let printed = collect::published(&current, &folders.root.join(manifests::FOLDER))?;
    Ok(Freshness::Current(Current { study, setting, printed }))
}

/// Reads `study.json`. The inner error says why it cannot be understood.
fn read_study(data: &Path) -> Outcome<Result<StudyInput, String>> {
    let bytes = files::read(&data.join(file::STUDY), 64 << 20)?;
    Ok(serde_json::from_slice(&bytes).map_err(|error| format!("{} cannot be read: {error}", file::STUDY)))
}

/// The part of a study that decides its numbers: everything but the words and the presentation.
fn numbers_of(study: &Study) -> Outcome<serde_json::Value> {
    let mut value = serde_json::to_value(study).map_err(Failure::run)?;
    if let Some(fields) = value.as_object_mut() {
        for words in ["title", "question", "expectation"] {
            fields.remove(words);
        }
        // The spec's choice of pictures and printed tables takes effect when the numbers are collected; the rest is
        // presentation.
        if let Some(report) = fields.get_mut("report").and_then(|r| r.as_object_mut()) {
            report.retain(|key, _| key == "gallery" || key == "published");
            // A tolerance decides only verdicts, which are computed anew.
            let tables = report.get_mut("published").and_then(|p| p.as_array_mut()).into_iter().flatten();
            tables.filter_map(|table| table.as_object_mut()).for_each(|table| drop(table.remove("tolerance")));
        }
        // A base offers variants to all studies; a variant that no arm uses changes nothing.
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

/// All reports that have data, sorted by profile and study.
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
            // A misspelt name gets its "did you mean" here; a correct one has no data yet.
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
    // If stderr is closed, there is nobody to tell.
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
