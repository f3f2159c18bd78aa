//! Where the files lie that a report is rendered from, relative to its data folder `reports/<profile>/<study>/data/`.

use harness_record::vocabulary::Key;
use std::path::{Path, PathBuf};

/// [`StudyInput`](super::StudyInput), JSON.
pub const STUDY: &str = "study.json";
/// Rows of [`PlaceRow`](harness_record::rows::PlaceRow), CSV: the runs of the study.
pub const PLACES: &str = "places.csv";
/// Rows of [`PublishedRow`](super::PublishedRow) or of [`PublishedVerdict`](super::PublishedVerdict), CSV.
pub const PUBLISHED: &str = "published.csv";
/// The resolved spec, YAML.
pub const SPEC: &str = "spec.yaml";
/// Folder of the runs of a profile, a folder each. It lies in the folder of the profile.
pub const RUNS: &str = "runs";
/// A map from [`Key`] to [`HostRecord`](harness_record::run::HostRecord), JSON. It lies in the folder of the profile.
pub const PROVENANCE: &str = "provenance.json";

/// The folder of the profile that the data folder `data` belongs to.
pub fn profile_folder(data: &Path) -> PathBuf {
    data.parent().and_then(Path::parent).map_or_else(|| data.join("../.."), Path::to_owned)
}

/// The folder of a run that the study of the data folder `data` is made of.
pub fn run_folder(data: &Path, run: &Key) -> PathBuf {
    profile_folder(data).join(RUNS).join(run.short())
}

/// The first eight characters of a digest, which stand for it in text.
pub fn short(digest: &str) -> &str {
    digest.char_indices().nth(8).map_or(digest, |(end, _)| &digest[..end])
}
