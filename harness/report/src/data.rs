//! The data folder, read and checked.

use crate::{
    error::ReportError,
    input::{
        CalibrationInput, ChangesInput, ConfusionInput, DatasetInput, GalleryRow, ImagePrefix, MetricInput,
        PublishedRow, RunInput, Setting, StudyInput, file,
    },
    markdown::escape,
    scores::{ScoreLine, Scores},
    spec::{BASELINES, PERFECT_IN_UNIT_RANGE},
    trace,
};
use harness_record::{RecordError, digest, files, rows, rows::ImageRow};
use serde::de::DeserializeOwned;
use std::{
    collections::BTreeMap,
    ops::Range,
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
    pub(crate) metrics: MetricLines,
    pub(crate) scores: Scores,
    pub(crate) confusion: Vec<Line<ConfusionInput>>,
    pub(crate) calibration: Vec<Line<CalibrationInput>>,
    pub(crate) changes: Option<ChangesInput>,
    pub(crate) published: Vec<PublishedLine>,
    pub(crate) gallery: Vec<GalleryRow>,
    /// SHA-256 of every file, by its name relative to the data folder.
    pub(crate) digests: BTreeMap<String, String>,
}

/// A row of a table and the line that it stands on.
#[derive(Debug)]
pub(crate) struct Line<T> {
    pub(crate) line: u64,
    pub(crate) row: T,
}

/// A row of `metrics.csv`.
pub(crate) type MetricLine = Line<MetricInput>;

/// The rows of `metrics.csv`, in their order.
#[derive(Debug)]
pub(crate) struct MetricLines {
    lines: Vec<MetricLine>,
    /// Places of the rows of each metric.
    places: BTreeMap<String, Vec<usize>>,
    runs: BTreeMap<String, RunLines>,
}

/// The rows of a run.
#[derive(Debug, Default)]
struct RunLines {
    /// Where they stand one after the other.
    places: Vec<Range<usize>>,
    last_epoch: u32,
}

impl MetricLines {
    fn new(lines: Vec<MetricLine>) -> Self {
        let mut places: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (i, line) in lines.iter().enumerate() {
            match places.get_mut(&line.row.metric) {
                Some(all) => all.push(i),
                None => drop(places.insert(line.row.metric.clone(), vec![i])),
            }
        }
        let mut runs: BTreeMap<String, RunLines> = BTreeMap::new();
        let mut start = 0;
        for rows in lines.chunk_by(|one, next| one.row.run == next.row.run) {
            let run = runs.entry(rows[0].row.run.clone()).or_default();
            run.places.push(start..start + rows.len());
            run.last_epoch = rows.iter().map(|line| line.row.epoch).fold(run.last_epoch, u32::max);
            start += rows.len();
        }
        Self { lines, places, runs }
    }

    /// All rows.
    pub(crate) fn all(&self) -> &[MetricLine] {
        &self.lines
    }

    /// The rows of a run, in the order of the file.
    pub(crate) fn of_run(&self, run: &str) -> impl Iterator<Item = &MetricLine> {
        self.runs.get(run).into_iter().flat_map(|run| &run.places).flat_map(|rows| &self.lines[rows.clone()])
    }

    /// The last epoch that a run has rows of.
    pub(crate) fn last_epoch(&self, run: &str) -> Option<u32> {
        self.runs.get(run).map(|run| run.last_epoch)
    }

    /// The rows of a stage, split, predictor and metric, in the order of the file.
    pub(crate) fn of<'a>(&'a self, place: [&str; 4]) -> impl Iterator<Item = &'a MetricLine> {
        let [stage, split, predictor, metric] = place;
        let lines = self.places.get(metric).into_iter().flatten().map(|&i| &self.lines[i]);
        lines.filter(move |line| {
            let row = &line.row;
            row.stage == stage && row.split == split && row.predictor == predictor
        })
    }
}

/// A row of `published.csv`, the line that it stands on, and the verdict that it records.
#[derive(Debug)]
pub(crate) struct PublishedLine {
    pub(crate) line: u64,
    pub(crate) row: PublishedRow,
    pub(crate) recorded: Recorded,
}

/// What a row of `published.csv` says was reproduced, as text; `None` where the file has no such column.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Recorded {
    pub(crate) reproduced: Option<String>,
    pub(crate) low: Option<String>,
    pub(crate) high: Option<String>,
    pub(crate) verdict: Option<String>,
}

impl Data {
    /// Reads the folder of a study that ran in `setting`. Printed figures, the gallery, counts of pixels and what changed may
    /// be absent; everything else must be there.
    pub(crate) fn read(dir: &Path, setting: Setting) -> Result<Self, ReportError> {
        let study = StudyInput { setting, ..json(&dir.join(file::STUDY))? };
        check_spec(dir, &study)?;
        Ok(Self {
            runs: runs(&dir.join(file::RUNS))?,
            datasets: json(&dir.join(file::DATASETS))?,
            metrics: MetricLines::new(lines(&dir.join(file::METRICS))?),
            scores: Scores::new(&image_rows(&dir.join(file::PER_IMAGE))?),
            confusion: optional_lines(&dir.join(file::CONFUSION))?,
            calibration: optional_lines(&dir.join(file::CALIBRATION))?,
            changes: if dir.join(file::CHANGES).exists() { Some(json(&dir.join(file::CHANGES))?) } else { None },
            published: published_lines(&dir.join(file::PUBLISHED))?,
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
            PERFECT_IN_UNIT_RANGE => "Perfect mask in 0 to 1",
            _ => self.study.arms.iter().find(|a| a.name == name).map_or(name, |a| &a.label),
        }
    }

    /// Labels of arms.
    pub(crate) fn arm_labels<'a>(&'a self, names: &'a [String]) -> Vec<&'a str> {
        names.iter().map(|name| self.arm_label(name)).collect()
    }

    /// Label of a condition.
    pub(crate) fn condition_label<'a>(&'a self, name: &'a str) -> &'a str {
        self.study.conditions.iter().find(|c| c.name == name).map_or(name, |c| &c.label)
    }

    /// The baselines that a report shows: those that every evaluation has, and others that the data hold rows of.
    pub(crate) fn baselines(&self) -> impl Iterator<Item = &'static str> {
        BASELINES.into_iter().filter(|&name| name != PERFECT_IN_UNIT_RANGE || self.scores.has_baseline(name))
    }

    /// Whether the study tested under more than one condition: with only one, nothing need name it.
    pub(crate) fn has_conditions(&self) -> bool {
        self.study.conditions.len() > 1
    }

    /// Whether the study ran under more than one seed.
    pub(crate) fn has_seeds(&self) -> bool {
        self.study.seeds.len() > 1
    }

    /// ` (condition 0 %)`: the first condition as Markdown, where there are several.
    pub(crate) fn first_in_brackets(&self) -> String {
        if !self.has_conditions() {
            return String::new();
        }
        format!(" (condition {})", escape(self.condition_label(self.first_condition())))
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

/// The runs, whose keys name files.
fn runs(path: &Path) -> Result<Vec<RunInput>, ReportError> {
    let runs: Vec<RunInput> = json(path)?;
    match runs.iter().find(|run| !trace::is_key(&run.record.key)) {
        Some(run) => Err(ReportError::Key { path: path.to_owned(), key: run.record.key.clone() }),
        None => Ok(runs),
    }
}

/// A JSON file of the data folder.
pub(crate) fn json<T: DeserializeOwned>(path: &Path) -> Result<T, ReportError> {
    let bytes = files::read(path, JSON_LIMIT)?;
    let wrap = |source| RecordError::Json { path: path.to_owned(), source };
    Ok(serde_json::from_slice(&bytes).map_err(wrap)?)
}

/// The rows of a table; none if it is not there.
pub(crate) fn optional_rows<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, ReportError> {
    if path.exists() { Ok(rows::read(path)?) } else { Ok(Vec::new()) }
}

/// The names of the columns. An empty file has none: it was cut off, and must not pass for a table without rows.
fn headers_of(reader: &mut csv::Reader<&[u8]>, path: &Path) -> Result<csv::StringRecord, ReportError> {
    let headers = reader.headers().map_err(|source| RecordError::Csv { path: path.to_owned(), source })?.clone();
    if headers.is_empty() { Err(ReportError::Empty { path: path.to_owned() }) } else { Ok(headers) }
}

fn optional_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<Line<T>>, ReportError> {
    if path.exists() { lines(path) } else { Ok(Vec::new()) }
}

/// The rows of a table with the lines that they stand on.
pub(crate) fn lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<Line<T>>, ReportError> {
    let wrap = |source| RecordError::Csv { path: path.to_owned(), source };
    let bytes = files::read(path, CSV_LIMIT)?;
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let headers = headers_of(&mut reader, path)?;
    let mut record = csv::StringRecord::new();
    let mut lines = Vec::new();
    while reader.read_record(&mut record).map_err(wrap)? {
        let row = record.deserialize(Some(&headers)).map_err(wrap)?;
        lines.push(Line { line: record.position().map_or(0, csv::Position::line), row });
    }
    Ok(lines)
}

fn published_lines(path: &Path) -> Result<Vec<PublishedLine>, ReportError> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let wrap = |source| RecordError::Csv { path: path.to_owned(), source };
    let bytes = files::read(path, CSV_LIMIT)?;
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let headers = reader.headers().map_err(wrap)?.clone();
    let mut lines = Vec::new();
    for record in reader.records() {
        let record = record.map_err(wrap)?;
        let row = record.deserialize(Some(&headers)).map_err(wrap)?;
        let cell = |name: &str| {
            let column = headers.iter().position(|head| head == name)?;
            record.get(column).map(str::to_owned)
        };
        let recorded =
            Recorded { reproduced: cell("reproduced"), low: cell("low"), high: cell("high"), verdict: cell("verdict") };
        lines.push(PublishedLine { line: record.position().map_or(0, csv::Position::line), row, recorded });
    }
    Ok(lines)
}

/// The rows of `per_image.csv`.
pub(crate) fn image_rows(path: &Path) -> Result<Vec<ScoreLine>, ReportError> {
    let wrap = |source| RecordError::Csv { path: path.to_owned(), source };
    let bytes = files::read(path, CSV_LIMIT)?;
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let headers = headers_of(&mut reader, path)?;
    let columns = PLACE.map(|name| headers.iter().position(|head| head == name));
    let missing: Vec<&str> =
        PLACE.into_iter().zip(columns).filter_map(|(name, at)| at.is_none().then_some(name)).collect();
    if !missing.is_empty() {
        return Err(ReportError::Columns { path: path.to_owned(), missing: missing.join(", ") });
    }
    let mut record = csv::StringRecord::new();
    let mut rows = Vec::new();
    while reader.read_record(&mut record).map_err(wrap)? {
        // serde cannot flatten two structs of a CSV record without losing types. What it does not find it explains.
        let place = match place_of(&record, columns) {
            Some(place) => place,
            None => record.deserialize(Some(&headers)).map_err(wrap)?,
        };
        let row: (ImagePrefix, ImageRow) = (place, record.deserialize(Some(&headers)).map_err(wrap)?);
        rows.push(Line { line: record.position().map_or(0, csv::Position::line), row });
    }
    Ok(rows)
}

/// Columns of an [`ImagePrefix`].
const PLACE: [&str; 4] = ["arm", "protocol", "seed", "run"];

/// The place of a row, from the columns of [`PLACE`].
fn place_of(record: &csv::StringRecord, columns: [Option<usize>; 4]) -> Option<ImagePrefix> {
    let cell = |i: usize| record.get(columns[i]?);
    Some(ImagePrefix {
        arm: cell(0)?.to_owned(),
        protocol: cell(1)?.to_owned(),
        seed: cell(2)?.parse().ok()?,
        run: cell(3)?.to_owned(),
    })
}

fn digests(dir: &Path) -> Result<BTreeMap<String, String>, ReportError> {
    let mut found = BTreeMap::new();
    let folders = ["", "gallery/", "runs/"];
    for (prefix, folder) in folders.map(|prefix| (prefix, dir.join(prefix))) {
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
