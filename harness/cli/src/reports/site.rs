//! Writes the page of all reports, `reports/index.html`, and what every page links to: `style.css` and `tables.js`.
//!
//! Reports with changed settings are not on the page, which is committed: a trial run must not change it.

use super::folder::{ReportFolder, places};
use crate::{cli::Folders, failure::Outcome};
use harness_report::{Difference, RenderedFile};
use harness_study::spec::layers::PROFILES;
use std::path::Path;

/// Writes the files that would change.
pub(crate) fn write(folders: &Folders) -> Outcome {
    let files = render(folders)?;
    let differences = harness_report::differences(&folders.reports, &files)?;
    for file in files.iter().filter(|file| differences.iter().any(|found| found.path == file.path)) {
        harness_report::write_file(&folders.reports, file)?;
    }
    Ok(())
}

/// Lists the files that would change, one line per file.
pub(crate) fn check(folders: &Folders) -> Outcome<Vec<String>> {
    let differences = harness_report::differences(&folders.reports, &render(folders)?)?;
    let line = |found: &Difference| format!("{}: {}", folders.reports.join(&found.path).display(), found.what);
    Ok(differences.iter().map(line).collect())
}

/// Renders the page of the reports that have a page themselves: another process may be about to collect the data of the
/// others.
fn render(folders: &Folders) -> Outcome<Vec<RenderedFile>> {
    let mut places = places(&folders.reports);
    places.retain(|place| place.folder.join("index.html").exists());
    of(&places, folders)
}

/// The page of the reports in `places`, and the files that all pages link to.
pub(crate) fn of(places: &[ReportFolder], folders: &Folders) -> Outcome<Vec<RenderedFile>> {
    let listed = places.iter().filter(|place| !place.is_modified());
    let mut found: Vec<(String, String)> = listed.map(|place| (place.profile.clone(), place.study.clone())).collect();
    // The reports nearest to the published experiment come first.
    let rank = |profile: &str| PROFILES.iter().position(|known| *known == profile);
    found.sort_by(|a, b| (rank(&a.0), &a.1).cmp(&(rank(&b.0), &b.1)));
    let templates: &Path = &folders.root.join("templates");
    let page = harness_report::site(&folders.reports, &found, templates)?;
    let assets = harness_report::assets(templates)?;
    Ok([page].into_iter().chain(assets).collect())
}
