//! The folders of reports.

use harness_study::spec::layers::PROFILES;
use std::path::{Path, PathBuf};

/// A report that has data.
pub(crate) struct ReportFolder {
    pub(crate) profile: String,
    pub(crate) study: String,
    pub(crate) folder: PathBuf,
}

/// All reports that have data, sorted by profile and study.
pub(crate) fn places(reports: &Path) -> Vec<ReportFolder> {
    let mut places = Vec::new();
    for profile in PROFILES {
        let Ok(entries) = std::fs::read_dir(reports.join(profile)) else { continue };
        for entry in entries.flatten() {
            let folder = entry.path();
            if folder.join("data").is_dir() {
                let study = entry.file_name().to_string_lossy().into_owned();
                places.push(ReportFolder { profile: profile.to_owned(), study, folder });
            }
        }
    }
    places.sort_by(|a, b| a.folder.cmp(&b.folder));
    places
}
