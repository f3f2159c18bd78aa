//! Which reports must be rendered again. Times of change are looked at again and again: that works on every disk, mounted ones
//! too, and a report has some dozens of files.

use super::super::Place;
use crate::{cli::Folders, manifests};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::SystemTime,
};
use walkdir::WalkDir;

/// What is known of the files that a report is rendered from: their sizes and times of change.
type Seen = BTreeMap<PathBuf, (u64, Option<SystemTime>)>;

/// Watches the files that a report is rendered from.
pub(super) struct Watch {
    roots: Vec<PathBuf>,
    /// As they were when it was last rendered; `None` before the first time.
    rendered: Option<Seen>,
    /// As they are.
    now: Seen,
    study: String,
}

impl Watch {
    pub(super) fn of(place: &Place, folders: &Folders) -> Self {
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
        // A file that went away in between is missed as one that is gone.
        self.now = of_study
            .filter_map(|entry| {
                let about = entry.metadata().ok()?;
                Some((entry.into_path(), (about.len(), about.modified().ok())))
            })
            .collect();
    }

    /// Whether they are not those that the report was rendered from.
    pub(super) fn is_stale(&self) -> bool {
        self.rendered.as_ref() != Some(&self.now)
    }

    /// The report is rendered now, from the files as they were last looked at. What changes meanwhile makes it stale again.
    pub(super) fn begin(&mut self) {
        self.rendered = Some(self.now.clone());
    }
}

/// Whether a file is one of those that editors and this program keep for a moment while they write.
fn is_passing(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') || name.ends_with('~') || path.extension().is_some_and(|x| x == "tmp" || x == "swp")
}

/// Whether a file can matter to a study: `blurring.md.j2` and `blurring.yaml` are about no other.
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
