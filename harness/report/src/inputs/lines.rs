//! Reads JSON files, and names the lines of tables that figures are made of.

use crate::error::ReportError;
use harness_record::{RecordError, files, run::file, vocabulary::Key};
use serde::de::DeserializeOwned;
use std::{ops::RangeInclusive, path::Path};

/// The size limit for reading a JSON file, in bytes. Only files with lists of skipped files can be long.
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

    /// Returns the name of the table's file in the folder of a run or in the data folder.
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

/// Line numbers of a file, both ends included.
pub(crate) type Lines = RangeInclusive<u64>;

/// Consecutive lines of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rows {
    pub(crate) table: Table,
    /// The first digits of the run's key; empty for a table that no run wrote.
    pub(crate) run: String,
    pub(crate) lines: Lines,
}

impl Rows {
    /// Names lines of a run's table.
    pub(crate) fn new(table: Table, run: &Key, lines: Lines) -> Self {
        Self { table, run: run.short().to_owned(), lines }
    }

    /// Groups line numbers in ascending order into ranges of consecutive lines.
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

/// Reads a JSON file of the data folder.
pub(crate) fn json<T: DeserializeOwned>(path: &Path) -> Result<T, ReportError> {
    let bytes = files::read(path, JSON_LIMIT)?;
    let wrap = |source| RecordError::Json { path: path.to_owned(), source };
    Ok(serde_json::from_slice(&bytes).map_err(wrap)?)
}
