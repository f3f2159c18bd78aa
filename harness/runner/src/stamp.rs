//! What a report was made from, so that a second start sees at once that there is nothing to do.

use harness_record::{Result, digest, files, store::Store};
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// The note of a report's last rendering, kept in the store.
pub(crate) struct Stamp {
    path: PathBuf,
}

impl Stamp {
    pub(crate) fn new(store: &Store, profile: &str, study: &str) -> Self {
        Self { path: store.root().join("studies").join(format!("{profile}-{study}.stamp")) }
    }

    /// Whether nothing changed since [`Stamp::set`]: settings and stages (`fingerprint`), every file of the report, the
    /// templates, and this program's version.
    pub(crate) fn is_fresh(&self, fingerprint: &str, report: &Path, templates: &Path) -> bool {
        let Ok(noted) = files::read(&self.path, 1 << 10) else { return false };
        text(fingerprint, report, templates).is_some_and(|text| text.as_bytes() == noted)
    }

    pub(crate) fn set(&self, fingerprint: &str, report: &Path, templates: &Path) -> Result<()> {
        let text = text(fingerprint, report, templates).unwrap_or_default();
        files::write(&self.path, text.as_bytes())
    }
}

fn text(fingerprint: &str, report: &Path, templates: &Path) -> Option<String> {
    let mut words = vec![env!("CARGO_PKG_VERSION").to_owned(), fingerprint.to_owned()];
    for folder in [report, templates] {
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
