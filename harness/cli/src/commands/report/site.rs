//! The page of all reports, `reports/index.html`.

use super::{Place, places};
use crate::{
    cli::Folders,
    failure::{Failure, Outcome},
};
use harness_report::{Difference, RenderedFile};
use harness_study::spec::layers::PROFILES;
use std::path::Path;

/// Writes it, if it would change.
pub(crate) fn write(folders: &Folders) -> Outcome {
    let page = render(folders)?;
    let differences =
        harness_report::differences(&folders.reports, std::slice::from_ref(&page)).map_err(Failure::run)?;
    if differences.is_empty() {
        return Ok(());
    }
    harness_report::write_file(&folders.reports, &page).map_err(Failure::run)
}

/// What would change in it, if anything would.
pub(super) fn check(folders: &Folders) -> Outcome<Option<String>> {
    let page = render(folders)?;
    let differences = harness_report::differences(&folders.reports, &[page]).map_err(Failure::run)?;
    let line = |found: &Difference| format!("{}: {}", folders.reports.join(&found.path).display(), found.what);
    Ok(differences.first().map(line))
}

/// Of the reports that have a page: the data of another may be about to be collected, by another process.
fn render(folders: &Folders) -> Outcome<RenderedFile> {
    let mut places = places(&folders.reports);
    places.retain(|place| place.folder.join("index.html").exists());
    of(&places, folders)
}

/// The page of some of the reports.
pub(super) fn of(places: &[Place], folders: &Folders) -> Outcome<RenderedFile> {
    let mut found: Vec<(String, String)> =
        places.iter().map(|place| (place.profile.clone(), place.study.clone())).collect();
    // What comes nearest to the published experiment comes first.
    let rank = |profile: &str| PROFILES.iter().position(|known| *known == profile);
    found.sort_by(|a, b| (rank(&a.0), &a.1).cmp(&(rank(&b.0), &b.1)));
    let templates: &Path = &folders.root.join("templates");
    harness_report::site(&folders.reports, &found, templates).map_err(Failure::run)
}
