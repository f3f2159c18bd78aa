//! Notes what a report was made from, so that a second start sees at once that there is nothing to do.

use harness_record::{Result, digest, files, store::Store};
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// The note of a report's last rendering, kept in the store.
pub(crate) struct Stamp {
    path: PathBuf,
}

impl Stamp {
    pub(crate) fn new(store: &Store, report: &Path) -> Self {
        Self { path: beside(store, report, "stamp") }
    }

    /// Returns true if nothing changed since [`Stamp::set`]: the settings and stages (`fingerprint`), every file of
    /// `folders` (the report, its runs, its templates, the manifests), and this program.
    pub(crate) fn is_fresh(&self, fingerprint: &str, folders: &[PathBuf]) -> bool {
        let Ok(noted) = files::read(&self.path, 1 << 10) else { return false };
        text(fingerprint, folders).is_some_and(|text| text.as_bytes() == noted)
    }

    pub(crate) fn set(&self, fingerprint: &str, folders: &[PathBuf]) -> Result<()> {
        let text = text(fingerprint, folders).unwrap_or_default();
        files::write(&self.path, text.as_bytes())
    }
}

/// The lock file of a study's report. The lock is held while the study runs, so that other processes see that it runs.
pub(crate) fn lock_file(store: &Store, report: &Path) -> PathBuf {
    beside(store, report, "lock")
}

/// A file of the store that belongs to the report in the folder `report`: `studies/demo-blurring-1f2e3d4c.stamp`.
fn beside(store: &Store, report: &Path, extension: &str) -> PathBuf {
    let name = |path: Option<&Path>| path.and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
    // Two folders of reports may share a store: each report has its own file.
    let whole = std::path::absolute(report).unwrap_or_else(|_| report.to_owned());
    let place = digest::of_bytes(whole.to_string_lossy().as_bytes());
    let file = format!("{}-{}-{}.{extension}", name(report.parent()), name(Some(report)), &place[..8]);
    store.root().join("studies").join(file)
}

/// Identifies this program by its file: another build may render differently.
fn program() -> Option<String> {
    let file = std::env::current_exe().ok()?.metadata().ok()?;
    Some(format!("{} {:?}", file.len(), file.modified().ok()?))
}

fn text(fingerprint: &str, folders: &[PathBuf]) -> Option<String> {
    let mut words = vec![program()?, fingerprint.to_owned()];
    for folder in folders {
        for entry in WalkDir::new(folder).sort_by_file_name() {
            let entry = entry.ok()?;
            if entry.file_type().is_file() {
                words.push(entry.path().strip_prefix(folder).ok()?.display().to_string());
                words.push(digest::of_file(entry.path()).ok()?);
            }
        }
    }
    Some(digest::of_bytes(words.join("\n").as_bytes()))
}
