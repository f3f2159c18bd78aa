//! Names of the files in the data folder.

/// [`StudyInput`](super::StudyInput), JSON.
pub const STUDY: &str = "study.json";
/// A list of [`RunInput`](super::RunInput), JSON.
pub const RUNS: &str = "runs.json";
/// A list of [`DatasetInput`](super::DatasetInput), JSON.
pub const DATASETS: &str = "datasets.json";
/// Rows of [`MetricInput`](super::MetricInput), CSV.
pub const METRICS: &str = "metrics.csv";
/// Rows of [`ImagePrefix`](super::ImagePrefix) and then [`ImageRow`](harness_record::rows::ImageRow), CSV.
pub const PER_IMAGE: &str = "per_image.csv";
/// Rows of [`PublishedRow`](super::PublishedRow) or of [`PublishedVerdict`](super::PublishedVerdict), CSV.
pub const PUBLISHED: &str = "published.csv";
/// Rows of [`GalleryRow`](super::GalleryRow), CSV; its pictures lie beside it.
pub const GALLERY: &str = "gallery/index.csv";
/// Rows of [`ConfusionInput`](super::ConfusionInput), CSV.
pub const CONFUSION: &str = "confusion.csv";
/// Rows of [`CalibrationInput`](super::CalibrationInput), CSV.
pub const CALIBRATION: &str = "calibration.csv";
/// [`ChangesInput`](super::ChangesInput), JSON; absent where nothing was collected before.
pub const CHANGES: &str = "changes.json";
/// Folder with the settings of each run and the end of its log.
pub const RUN_FOLDER: &str = "runs";
/// All of them that are written for every study, in the order in which they are listed.
pub const ALL: [&str; 9] = [CALIBRATION, CONFUSION, DATASETS, GALLERY, METRICS, PER_IMAGE, PUBLISHED, RUNS, STUDY];

/// Name of the file with a run's settings, YAML.
pub fn run_spec(key: &str) -> String {
    format!("{}.yaml", short(key))
}

/// Name of the file with the end of a run's log, text.
pub fn run_log(key: &str) -> String {
    format!("{}.log", short(key))
}

/// The first eight characters of a key, which is how runs are called in reports.
pub fn short(key: &str) -> &str {
    key.char_indices().nth(8).map_or(key, |(end, _)| &key[..end])
}
