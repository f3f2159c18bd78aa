//! CSV tables of typed rows, each with its line number. Nothing else reads or writes a record's tables.
//!
//! Floats are written as the shortest text that reads back to the same number.

use crate::{RecordError, Result, files};
use serde::{Serialize, de::DeserializeOwned};
use std::{ops::Deref, path::Path};

/// The largest table that is read, in bytes. The full test set at five blur levels needs about 10 MB.
const LIMIT: u64 = 1 << 30;

/// A row and its line number. The header is line 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line<T> {
    /// Line of the file, counted from 1.
    pub line: u64,
    /// The row.
    pub row: T,
}

impl<T> Deref for Line<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.row
    }
}

/// The CSV text of `rows`, with a header line. `path` names the file in errors.
pub fn to_csv<T: Serialize>(path: &Path, rows: &[T]) -> Result<Vec<u8>> {
    let wrap = |source| RecordError::Csv { path: path.to_owned(), source };
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.serialize(row).map_err(wrap)?;
    }
    writer.into_inner().map_err(|e| wrap(e.into_error().into()))
}

/// Writes `rows` to `path` as CSV, whole or not at all.
pub fn write<T: Serialize>(path: &Path, rows: &[T]) -> Result<()> {
    files::write(path, &to_csv(path, rows)?)
}

/// Reads the table at `path`.
///
/// # Errors
/// Fails if the file cannot be read, if it has no header because it was cut off, or if a row is not a `T`. The error of
/// a row gives its line.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<Vec<Line<T>>> {
    parse(path, &files::read(path, LIMIT)?)
}

/// Reads the rows of the table at `path`, for readers that need no lines.
///
/// # Errors
/// The same as for [`read`].
pub fn read_rows<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    Ok(read(path)?.into_iter().map(|line| line.row).collect())
}

/// Reads the table in `bytes`, the content of the file `path`.
///
/// # Errors
/// The same as for [`read`].
pub fn parse<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<Vec<Line<T>>> {
    let wrap = |source| RecordError::Csv { path: path.to_owned(), source };
    let mut reader = csv::Reader::from_reader(bytes);
    let headers = reader.headers().map_err(wrap)?.clone();
    if headers.is_empty() {
        return Err(RecordError::NoHeader { path: path.to_owned() });
    }
    let mut record = csv::StringRecord::new();
    let mut lines = Vec::new();
    while reader.read_record(&mut record).map_err(wrap)? {
        let row = record.deserialize(Some(&headers)).map_err(wrap)?;
        lines.push(Line { line: record.position().map_or(0, csv::Position::line), row });
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Row {
        name: String,
        value: f64,
    }

    #[test]
    fn rows_come_back_with_their_lines() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rows.csv");
        let row = |name: &str, value| Row { name: name.to_owned(), value };
        let rows = [row("plain", 0.1), row("two\nlines, and a comma", f64::MIN_POSITIVE), row("last", -0.0)];
        write(&path, &rows).unwrap();
        let read = read::<Row>(&path).unwrap();
        assert_eq!(read.iter().map(|line| line.line).collect::<Vec<_>>(), [2, 3, 5]);
        assert_eq!(read_rows::<Row>(&path).unwrap(), rows);
        assert!(read[2].value.is_sign_negative());
    }

    #[test]
    fn a_damaged_table_is_named_with_its_line() {
        let path = Path::new("rows.csv");
        let error = |text: &str| parse::<Row>(path, text.as_bytes()).unwrap_err().to_string();
        assert!(error("name,value\na,1\nb,much\n").contains("line: 3"), "{}", error("name,value\na,1\nb,much\n"));
        assert!(error("name,value\na,1,2\n").contains("line: 2"));
        assert!(error("name\na\n").contains("value"));
        assert!(error("").contains("no header"), "{}", error(""));
        assert!(parse::<Row>(path, b"name,value\n").unwrap().is_empty());
    }
}
