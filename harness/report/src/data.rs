//! The data folder, read and checked.

use crate::{
    error::ReportError,
    input::{DatasetInput, GalleryRow, ImagePrefix, MetricInput, PublishedRow, RunInput, StudyInput, file},
    scores::Scores,
};
use harness_record::{RecordError, digest, files, rows, rows::ImageRow};
use serde::de::DeserializeOwned;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// The most that is read of one JSON file, in bytes: lists of skipped files can be long, nothing else is.
const JSON_LIMIT: u64 = 64 << 20;
/// The most that is read of one table, in bytes: the full test set under every arm, seed and condition is below 100 MB.
const CSV_LIMIT: u64 = 1 << 30;

/// All that a report is rendered from.
#[derive(Debug)]
pub(crate) struct Data {
    pub(crate) dir: PathBuf,
    pub(crate) study: StudyInput,
    pub(crate) runs: Vec<RunInput>,
    pub(crate) datasets: Vec<DatasetInput>,
    pub(crate) metrics: Vec<MetricLine>,
    pub(crate) scores: Scores,
    pub(crate) published: Vec<PublishedRow>,
    pub(crate) gallery: Vec<GalleryRow>,
    /// SHA-256 of every file, by its name relative to the data folder.
    pub(crate) digests: BTreeMap<String, String>,
}

/// A row of `metrics.csv` and the line that it stands on.
#[derive(Debug)]
pub(crate) struct MetricLine {
    pub(crate) line: u64,
    pub(crate) row: MetricInput,
}

impl Data {
    /// Reads the folder. `published.csv` and the gallery may be absent; everything else must be there.
    pub(crate) fn read(dir: &Path) -> Result<Self, ReportError> {
        let study: StudyInput = json(&dir.join(file::STUDY))?;
        check_spec(dir, &study)?;
        Ok(Self {
            runs: json(&dir.join(file::RUNS))?,
            datasets: json(&dir.join(file::DATASETS))?,
            metrics: metric_lines(&dir.join(file::METRICS))?,
            scores: Scores::new(&image_rows(&dir.join(file::PER_IMAGE))?),
            published: optional_rows(&dir.join(file::PUBLISHED))?,
            gallery: optional_rows(&dir.join(file::GALLERY))?,
            digests: digests(dir)?,
            dir: dir.to_owned(),
            study,
        })
    }

    /// Label of an arm; baselines have one too.
    pub(crate) fn arm_label<'a>(&'a self, name: &'a str) -> &'a str {
        match name {
            "all-background" => "All background",
            "majority-class" => "Majority class",
            _ => self.study.arms.iter().find(|a| a.name == name).map_or(name, |a| &a.label),
        }
    }

    /// Label of a condition.
    pub(crate) fn condition_label<'a>(&'a self, name: &'a str) -> &'a str {
        self.study.conditions.iter().find(|c| c.name == name).map_or(name, |c| &c.label)
    }

    /// Name of the first condition, which claims and tables take where none is named.
    pub(crate) fn first_condition(&self) -> &str {
        self.study.conditions.first().map_or("", |c| &c.name)
    }
}

fn check_spec(dir: &Path, study: &StudyInput) -> Result<(), ReportError> {
    let arms: Vec<_> = study.arms.iter().map(|a| a.name.as_str()).collect();
    let conditions: Vec<_> = study.conditions.iter().map(|c| c.name.as_str()).collect();
    let wrap = |problem| ReportError::Spec { path: dir.join(file::STUDY), problem };
    study.report.check(&arms, &conditions).map_err(wrap)
}

fn json<T: DeserializeOwned>(path: &Path) -> Result<T, ReportError> {
    let bytes = files::read(path, JSON_LIMIT)?;
    let wrap = |source| RecordError::Json { path: path.to_owned(), source };
    Ok(serde_json::from_slice(&bytes).map_err(wrap)?)
}

fn optional_rows<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, ReportError> {
    if path.exists() { Ok(rows::read(path)?) } else { Ok(Vec::new()) }
}

/// The names of the columns. An empty file has none: it was cut off, and must not pass for a table without rows.
fn headers_of(reader: &mut csv::Reader<&[u8]>, path: &Path) -> Result<csv::StringRecord, ReportError> {
    let headers = reader.headers().map_err(|source| RecordError::Csv { path: path.to_owned(), source })?.clone();
    if headers.is_empty() { Err(ReportError::Empty { path: path.to_owned() }) } else { Ok(headers) }
}

fn metric_lines(path: &Path) -> Result<Vec<MetricLine>, ReportError> {
    let wrap = |source| RecordError::Csv { path: path.to_owned(), source };
    let bytes = files::read(path, CSV_LIMIT)?;
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let headers = headers_of(&mut reader, path)?;
    let mut lines = Vec::new();
    for record in reader.records() {
        let record = record.map_err(wrap)?;
        let row = record.deserialize(Some(&headers)).map_err(wrap)?;
        lines.push(MetricLine { line: record.position().map_or(0, csv::Position::line), row });
    }
    Ok(lines)
}

fn image_rows(path: &Path) -> Result<Vec<(ImagePrefix, ImageRow)>, ReportError> {
    let wrap = |source| RecordError::Csv { path: path.to_owned(), source };
    let bytes = files::read(path, CSV_LIMIT)?;
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let headers = headers_of(&mut reader, path)?;
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(wrap)?;
        // Each record is read twice, because serde cannot flatten two structs of a CSV record without losing types.
        let place = record.deserialize(Some(&headers)).map_err(wrap)?;
        rows.push((place, record.deserialize(Some(&headers)).map_err(wrap)?));
    }
    Ok(rows)
}

fn digests(dir: &Path) -> Result<BTreeMap<String, String>, ReportError> {
    let mut found = BTreeMap::new();
    for (prefix, folder) in [("", dir.to_owned()), ("gallery/", dir.join("gallery"))] {
        if !folder.exists() {
            continue;
        }
        for entry in std::fs::read_dir(&folder).map_err(ReportError::io("list", &folder))? {
            let path = entry.map_err(ReportError::io("list", &folder))?.path();
            let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            // A leading dot marks a file that is still being written.
            if path.is_file() && !name.starts_with('.') {
                found.insert(format!("{prefix}{name}"), digest::of_file(&path)?);
            }
        }
    }
    Ok(found)
}
