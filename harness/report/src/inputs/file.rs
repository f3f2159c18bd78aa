//! The locations of the files that a report is rendered from, relative to its data folder
//! `reports/<profile>/<study>/data/`.

use harness_record::vocabulary::Key;
use std::path::{Path, PathBuf};

/// The study, JSON of [`StudyInput`](super::StudyInput).
pub const STUDY: &str = "study.json";
/// The runs of the study, CSV of [`PlaceRow`](harness_record::rows::PlaceRow).
pub const PLACES: &str = "places.csv";
/// The printed figures, CSV of [`PublishedRow`](super::PublishedRow) or of
/// [`PublishedVerdict`](super::PublishedVerdict).
pub const PUBLISHED: &str = "published.csv";
/// What the study said before its results were known, JSON of [`Registration`](super::Registration).
pub const REGISTRATION: &str = "registration.json";
/// The resolved spec, YAML.
pub const SPEC: &str = "spec.yaml";
/// The folder with the runs of a profile, one folder for each run. It is in the folder of the profile.
pub const RUNS: &str = "runs";
/// A map from [`Key`] to [`HostRecord`](harness_record::run::HostRecord), JSON, and under `tests` the
/// [`Tests`](super::Tests) of each report by its name. It is in the folder of the profile, or in that of a report with
/// changed settings.
pub const PROVENANCE: &str = "provenance.json";

/// Returns the folder of the profile that the data folder `data` belongs to.
pub fn profile_folder(data: &Path) -> PathBuf {
    data.parent().and_then(Path::parent).map_or_else(|| data.join("../.."), Path::to_owned)
}

/// Returns the folder whose [`PROVENANCE`] notes the runs of the data folder `data`.
pub fn provenance_folder(data: &Path) -> PathBuf {
    let own = data.parent().filter(|report| report.join(PROVENANCE).is_file());
    own.map_or_else(|| profile_folder(data), Path::to_owned)
}

/// Returns the folder of a run that belongs to the study of the data folder `data`.
pub fn run_folder(data: &Path, run: &Key) -> PathBuf {
    profile_folder(data).join(RUNS).join(run.short())
}

/// Returns the first eight characters of a digest, which stand for it in text.
pub fn short(digest: &str) -> &str {
    digest.char_indices().nth(8).map_or(digest, |(end, _)| &digest[..end])
}
