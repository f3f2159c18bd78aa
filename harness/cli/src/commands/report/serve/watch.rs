//! Finds the reports that must be rendered again. It polls modification times: that works on every disk, including
//! mounted ones, and a report has only some dozens of files.

use crate::{cli::Folders, manifests, reports::folder::ReportFolder};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::SystemTime,
};
use walkdir::WalkDir;

/// The sizes and modification times of the files that a report is rendered from.
type Seen = BTreeMap<PathBuf, (u64, Option<SystemTime>)>;

/// Watches the files that a report is rendered from.
pub(super) struct Watch {
    roots: Vec<PathBuf>,
    /// The files at the last rendering; `None` before the first.
    rendered: Option<Seen>,
    /// The files at the last look.
    now: Seen,
    study: String,
}

impl Watch {
    pub(super) fn of(place: &ReportFolder, folders: &Folders) -> Self {
        let roots = vec![
            place.folder.join("data"),
            folders.root.join("templates"),
            folders.root.join("studies"),
            folders.root.join(manifests::FOLDER),
        ];
        Self { roots, rendered: None, now: Seen::new(), study: place.study.clone() }
    }

    /// Looks at the files.
    pub(super) fn look(&mut self) {
        let entries = self.roots.iter().flat_map(|root| WalkDir::new(root).into_iter().flatten());
        let files = entries.filter(|entry| entry.file_type().is_file() && !is_passing(entry.path()));
        let of_study = files.filter(|entry| is_of(entry.path(), &self.study));
        // A file that vanished during the walk counts as removed.
        self.now = of_study
            .filter_map(|entry| {
                let about = entry.metadata().ok()?;
                Some((entry.into_path(), (about.len(), about.modified().ok())))
            })
            .collect();
    }

    /// Returns true if the files differ from those that the report was rendered from.
    pub(super) fn is_stale(&self) -> bool {
        self.rendered.as_ref() != Some(&self.now)
    }

    /// Notes that the report is rendered now, from the files at the last look. Later changes make it stale again.
    pub(super) fn begin(&mut self) {
        self.rendered = Some(self.now.clone());
    }
}

/// Returns true for the files that editors and this program keep for a moment while they write.
fn is_passing(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') || name.ends_with('~') || path.extension().is_some_and(|x| x == "tmp" || x == "swp")
}

/// Returns true if a file can matter to a study: `blurring.md.j2` and `blurring.yaml` matter only to `blurring`.
fn is_of(path: &Path, study: &str) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let folder = path.parent().and_then(Path::file_name).unwrap_or_default();
    let stems = (folder.to_str(), name.strip_suffix(".md.j2"), name.strip_suffix(".yaml"));
    let ((Some("templates"), Some(own), _) | (Some("studies"), _, Some(own))) = stems else { return true };
    own == study || own == "study"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_other_studies_do_not_matter() {
        for (path, matters) in [
            ("templates/blurring.md.j2", true),
            ("templates/baselines.md.j2", false),
            ("templates/study.md.j2", true),
            ("templates/page.html.j2", true),
            ("templates/partials/data.md.j2", true),
            ("studies/baselines.yaml", false),
            ("studies/_base/vqvae-pets.yaml", true),
            ("reports/demo/blurring/data/runs.json", true),
        ] {
            assert_eq!(is_of(Path::new(path), "blurring"), matters, "{path}");
        }
    }
}
