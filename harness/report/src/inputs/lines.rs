//! The data folder's files, read: JSON, and tables whose rows know their lines.

use crate::error::ReportError;
use harness_record::{RecordError, files, rows};
use serde::de::DeserializeOwned;
use std::{ops::RangeInclusive, path::Path};

/// The most that is read of one JSON file, in bytes: lists of skipped files can be long, nothing else is.
const JSON_LIMIT: u64 = 64 << 20;
/// The most that is read of one table, in bytes: the full test set under every arm, seed and condition is below 100 MB.
pub(super) const CSV_LIMIT: u64 = 1 << 30;

/// A row of a table and the line that it stands on.
#[derive(Debug)]
pub(crate) struct Line<T> {
    pub(crate) line: u64,
    pub(crate) row: T,
}

/// Lines of a table, from and to.
pub(crate) type Lines = RangeInclusive<u64>;

/// Adds a line to the last of `all` if it follows that.
pub(crate) fn add_line(all: &mut Vec<Lines>, line: u64) {
    match all.last_mut() {
        Some(last) if *last.end() + 1 == line => *last = *last.start()..=line,
        _ => all.push(line..=line),
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
pub(super) fn headers_of(reader: &mut csv::Reader<&[u8]>, path: &Path) -> Result<csv::StringRecord, ReportError> {
    let headers = reader.headers().map_err(|source| RecordError::Csv { path: path.to_owned(), source })?.clone();
    if headers.is_empty() { Err(ReportError::Empty { path: path.to_owned() }) } else { Ok(headers) }
}

pub(crate) fn optional_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<Line<T>>, ReportError> {
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
