//! JSON files, and the lines of tables that figures are made of.

use crate::error::ReportError;
use harness_record::{RecordError, files, run::file, vocabulary::Key};
use serde::de::DeserializeOwned;
use std::{ops::RangeInclusive, path::Path};

/// The most that is read of one JSON file, in bytes: lists of skipped files can be long, nothing else is.
const JSON_LIMIT: u64 = 64 << 20;

/// A table that figures come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Table {
    Metrics,
    Images,
    Baselines,
    Confusion,
    Calibration,
    /// The printed figures, which no run wrote.
    Published,
}

impl Table {
    pub(crate) const ALL: [Self; 6] =
        [Self::Metrics, Self::Images, Self::Baselines, Self::Confusion, Self::Calibration, Self::Published];

    /// Name of its file, in the folder of a run or in the data folder.
    pub(crate) fn file(self) -> &'static str {
        match self {
            Self::Metrics => file::METRICS,
            Self::Images => file::PER_IMAGE,
            Self::Baselines => file::BASELINES,
            Self::Confusion => file::CONFUSION,
            Self::Calibration => file::CALIBRATION,
            Self::Published => super::file::PUBLISHED,
        }
    }
}

/// Lines of a file, from and to.
pub(crate) type Lines = RangeInclusive<u64>;

/// Lines of a table that follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rows {
    pub(crate) table: Table,
    /// The first digits of the run's key; empty for what no run wrote.
    pub(crate) run: String,
    pub(crate) lines: Lines,
}

impl Rows {
    /// Lines of a table of a run.
    pub(crate) fn new(table: Table, run: &Key, lines: Lines) -> Self {
        Self { table, run: run.short().to_owned(), lines }
    }

    /// Ranges of lines that hold `all`, which ascend.
    pub(crate) fn of_lines(table: Table, run: &Key, all: impl IntoIterator<Item = u64>) -> Vec<Self> {
        let mut found: Vec<Lines> = Vec::new();
        for line in all {
            match found.last_mut() {
                Some(last) if *last.end() + 1 == line => *last = *last.start()..=line,
                _ => found.push(line..=line),
            }
        }
        found.into_iter().map(|lines| Self::new(table, run, lines)).collect()
    }
}

/// A JSON file of the data folder.
pub(crate) fn json<T: DeserializeOwned>(path: &Path) -> Result<T, ReportError> {
    let bytes = files::read(path, JSON_LIMIT)?;
    let wrap = |source| RecordError::Json { path: path.to_owned(), source };
    Ok(serde_json::from_slice(&bytes).map_err(wrap)?)
}
