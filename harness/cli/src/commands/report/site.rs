//! The page of all reports, `reports/index.html`, and what every page links to: `style.css` and `tables.js`.

use super::{Place, places};
use crate::{
    cli::Folders,
    failure::{Failure, Outcome},
};
use harness_report::{Difference, RenderedFile};
use harness_study::spec::layers::PROFILES;
use std::path::Path;

/// Writes those that would change.
pub(crate) fn write(folders: &Folders) -> Outcome {
    let files = render(folders)?;
    let differences = harness_report::differences(&folders.reports, &files).map_err(Failure::run)?;
    for file in files.iter().filter(|file| differences.iter().any(|found| found.path == file.path)) {
        harness_report::write_file(&folders.reports, file).map_err(Failure::run)?;
    }
    Ok(())
}

/// What would change in them, a line a file.
pub(super) fn check(folders: &Folders) -> Outcome<Vec<String>> {
    let differences = harness_report::differences(&folders.reports, &render(folders)?).map_err(Failure::run)?;
    let line = |found: &Difference| format!("{}: {}", folders.reports.join(&found.path).display(), found.what);
    Ok(differences.iter().map(line).collect())
}

/// Of the reports that have a page: the data of another may be about to be collected, by another process.
fn render(folders: &Folders) -> Outcome<Vec<RenderedFile>> {
    let mut places = places(&folders.reports);
    places.retain(|place| place.folder.join("index.html").exists());
    of(&places, folders)
}

/// The page of some of the reports, and what all pages link to.
pub(super) fn of(places: &[Place], folders: &Folders) -> Outcome<Vec<RenderedFile>> {
    let mut found: Vec<(String, String)> =
        places.iter().map(|place| (place.profile.clone(), place.study.clone())).collect();
    // What comes nearest to the published experiment comes first.
    let rank = |profile: &str| PROFILES.iter().position(|known| *known == profile);
    found.sort_by(|a, b| (rank(&a.0), &a.1).cmp(&(rank(&b.0), &b.1)));
    let templates: &Path = &folders.root.join("templates");
    let page = harness_report::site(&folders.reports, &found, templates).map_err(Failure::run)?;
    let assets = harness_report::assets(templates).map_err(Failure::run)?;
    Ok([page].into_iter().chain(assets).collect())
}
