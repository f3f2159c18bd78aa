//! Reads each run of a study once: `places.csv`, and the folders of the runs.

use super::{
    file,
    lines::{Rows, Table},
};
use crate::error::ReportError;
use harness_record::{
    digest, files,
    rows::{CalibrationRow, ConfusionRow, ImageRow, MetricRow, PlaceRow},
    run::{RunRecord, file as name},
    table::{self, Line},
    vocabulary::{Key, Predictor, Protocol, Split, Stage},
};
use rayon::prelude::*;
use serde::de::DeserializeOwned;
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Deref,
    path::{Path, PathBuf},
};

/// The size limit for reading a file of a run, in bytes. The file for the full test set at five levels of blur is below
/// 100 MB.
const LIMIT: u64 = 1 << 30;

/// The places of a study, and its runs.
#[derive(Debug)]
pub(crate) struct Runs {
    /// The places, in the order of the file.
    places: Vec<PlaceRow>,
    runs: BTreeMap<Key, Run>,
}

/// A run with its tables. Tables that the run did not write are empty.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) record: RunRecord,
    pub(crate) metrics: Vec<Line<MetricRow>>,
    pub(crate) images: Vec<Line<ImageRow>>,
    /// The rows of the baselines. They are read only for the first test of the study, because baselines do not depend
    /// on a network.
    pub(crate) baselines: Vec<Line<ImageRow>>,
    pub(crate) confusion: Vec<Line<ConfusionRow>>,
    pub(crate) calibration: Vec<Line<CalibrationRow>>,
}

/// A row of a run's `metrics.csv`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured<'a> {
    pub(crate) run: &'a Run,
    line: &'a Line<MetricRow>,
}

impl Deref for Measured<'_> {
    type Target = MetricRow;

    fn deref(&self) -> &MetricRow {
        &self.line.row
    }
}

impl<'a> Measured<'a> {
    /// Returns the name of the row's metric.
    pub(crate) fn metric_name(self) -> &'a str {
        &self.line.row.metric
    }

    /// Returns the place of the row in its file.
    pub(crate) fn rows(&self) -> Rows {
        Rows::new(Table::Metrics, self.run.key(), self.line.line..=self.line.line)
    }
}

impl Runs {
    /// Reads the runs of the data folder `data`.
    ///
    /// # Errors
    /// Fails if a file is missing, is damaged or belongs to another run. The error carries the path.
    pub(crate) fn read(data: &Path) -> Result<Self, ReportError> {
        let places = places(data)?;
        let first_test = places.iter().find(|place| place.stage == Stage::Evaluate).map(|place| &place.run);
        let mut seen = BTreeSet::new();
        let distinct: Vec<&PlaceRow> = places.iter().filter(|place| seen.insert(&place.run)).collect();
        let read = |place: &&PlaceRow| {
            let folder = RunFolder::open(data, place)?;
            Ok((place.run.clone(), Run::read(folder, first_test == Some(&place.run))?))
        };
        let runs = distinct.par_iter().map(read).collect::<Result<_, ReportError>>()?;
        Ok(Self { places, runs })
    }

    /// Builds the value from runs that have already been read, each with one place.
    pub(crate) fn of_runs(all: impl IntoIterator<Item = (PlaceRow, Run)>) -> Self {
        let (places, runs): (Vec<PlaceRow>, Vec<Run>) = all.into_iter().unzip();
        Self { places, runs: runs.into_iter().map(|run| (run.key().clone(), run)).collect() }
    }

    /// Returns the places and their runs, in the order of the file.
    pub(crate) fn places(&self) -> impl Iterator<Item = (&PlaceRow, &Run)> {
        self.places.iter().filter_map(|place| Some((place, self.runs.get(&place.run)?)))
    }

    /// Returns the places of an arm in a stage under a protocol, one for each seed.
    pub(crate) fn of<'a>(
        &'a self,
        arm: &str,
        stage: Stage,
        protocol: Option<Protocol>,
    ) -> impl Iterator<Item = (&'a PlaceRow, &'a Run)> {
        self.places().filter(move |(place, _)| place.arm == arm && place.stage == stage && place.protocol == protocol)
    }

    /// Returns the run whose key begins with these digits.
    pub(crate) fn by_short(&self, short: &str) -> Option<&Run> {
        self.runs.values().find(|run| run.key().short() == short)
    }

    /// Returns the first test of the study. Its baselines are used for all tests.
    pub(crate) fn first_test(&self) -> Option<&Run> {
        self.places().find(|(place, _)| place.stage == Stage::Evaluate).map(|(_, run)| run)
    }
}

/// Reads the places of the data folder `data`.
pub(crate) fn places(data: &Path) -> Result<Vec<PlaceRow>, ReportError> {
    let path = data.join(file::PLACES);
    let places: Vec<PlaceRow> = table::read_rows(&path)?;
    let mut shorts: BTreeMap<&str, &Key> = BTreeMap::new();
    for place in &places {
        if *shorts.entry(place.run.short()).or_insert(&place.run) != &place.run {
            return Err(ReportError::SameDigits { path, digits: place.run.short().to_owned() });
        }
    }
    Ok(places)
}

impl Run {
    pub(crate) fn key(&self) -> &Key {
        &self.record.key
    }

    /// Reads the tables of a run; reads its baselines only if `with_baselines` is true.
    pub(crate) fn read(folder: RunFolder, with_baselines: bool) -> Result<Self, ReportError> {
        Ok(Self {
            metrics: folder.rows(name::METRICS)?,
            images: folder.optional_rows(name::PER_IMAGE)?,
            baselines: if with_baselines { folder.optional_rows(name::BASELINES)? } else { Vec::new() },
            confusion: folder.optional_rows(name::CONFUSION)?,
            calibration: folder.optional_rows(name::CALIBRATION)?,
            record: folder.record,
        })
    }

    /// Returns the rows of a split, predictor and metric, in the order of the file.
    pub(crate) fn of<'a>(
        &'a self,
        split: Split,
        predictor: Predictor,
        metric: &str,
    ) -> impl Iterator<Item = Measured<'a>> {
        self.all().filter(move |row| row.split == split && row.predictor == predictor && row.metric == metric)
    }

    /// Returns all rows of `metrics.csv`.
    pub(crate) fn all(&self) -> impl Iterator<Item = Measured<'_>> {
        self.metrics.iter().map(|line| Measured { run: self, line })
    }

    /// Returns true if the table contains both ends of the line range.
    pub(crate) fn has(&self, rows: &Rows) -> bool {
        let ends = || [*rows.lines.start(), *rows.lines.end()];
        match rows.table {
            Table::Metrics => has_lines(&self.metrics, ends()),
            Table::Images => has_lines(&self.images, ends()),
            Table::Baselines => has_lines(&self.baselines, ends()),
            Table::Confusion => has_lines(&self.confusion, ends()),
            Table::Calibration => has_lines(&self.calibration, ends()),
            Table::Published => false,
        }
    }
}

/// Returns true if there are rows on both lines. The rows are sorted by line, as in the file.
fn has_lines<T>(rows: &[Line<T>], ends: [u64; 2]) -> bool {
    ends.iter().all(|line| rows.binary_search_by_key(line, |row| row.line).is_ok())
}

/// The folder of a run. Its record has been checked against its place.
#[derive(Debug)]
pub(crate) struct RunFolder {
    pub(crate) path: PathBuf,
    pub(crate) record: RunRecord,
}

impl RunFolder {
    /// Opens the run of a place in the study of the data folder `data`.
    pub(crate) fn open(data: &Path, place: &PlaceRow) -> Result<Self, ReportError> {
        let path = file::run_folder(data, &place.run);
        if !path.join(name::RUN).exists() {
            return Err(ReportError::NoRun { path, key: place.run.clone() });
        }
        let folder = Self { record: RunRecord::read(&path)?, path };
        let record = &folder.record;
        if record.key != place.run || record.stage != place.stage {
            let found = format!("{} {}", record.stage, record.key);
            let expected = format!("{} {}", place.stage, place.run);
            return Err(ReportError::OtherRun { path: folder.path.join(name::RUN), found, expected });
        }
        Ok(folder)
    }

    /// Returns true if the run wrote a file with this name.
    pub(crate) fn wrote(&self, name: &str) -> bool {
        self.record.files.contains_key(name)
    }

    /// Returns the bytes of a file after checking that they are the bytes that the run wrote.
    pub(crate) fn bytes(&self, name: &str) -> Result<Vec<u8>, ReportError> {
        let path = self.path.join(name);
        let bytes = files::read(&path, LIMIT)?;
        match self.record.files.get(name) {
            Some(digest) if *digest == digest::of_bytes(&bytes) => Ok(bytes),
            _ => Err(ReportError::Damaged { path }),
        }
    }

    fn rows<T: DeserializeOwned>(&self, name: &str) -> Result<Vec<Line<T>>, ReportError> {
        Ok(table::parse(&self.path.join(name), &self.bytes(name)?)?)
    }

    fn optional_rows<T: DeserializeOwned>(&self, name: &str) -> Result<Vec<Line<T>>, ReportError> {
        if self.wrote(name) { self.rows(name) } else { Ok(Vec::new()) }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Returns a run without rows whose key is the digest of `name`.
    pub(crate) fn run(name: &str, stage: Stage) -> Run {
        let record = RunRecord {
            key: digest::of_bytes(name.as_bytes()).parse().unwrap(),
            stage,
            parents: Vec::new(),
            seed: 0,
            protocol: None,
            device: "cpu".to_owned(),
            deterministic: true,
            data: String::new(),
            parameters: 0,
            epochs: 1,
            kept_epoch: 1,
            algorithms: Vec::new(),
            versions: BTreeMap::new(),
            settings: serde_json::Value::Null,
            files: BTreeMap::new(),
        };
        let (metrics, images, baselines) = (Vec::new(), Vec::new(), Vec::new());
        Run { record, metrics, images, baselines, confusion: Vec::new(), calibration: Vec::new() }
    }

    /// Returns a place of `run` under the corrected protocol.
    pub(crate) fn place(arm: &str, seed: u64, run: &Run) -> PlaceRow {
        let protocol = Some(Protocol::Corrected);
        PlaceRow { arm: arm.to_owned(), protocol, seed, stage: run.record.stage, run: run.key().clone() }
    }
}
