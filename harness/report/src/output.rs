//! The report on disk: writes it, or compares it with the files on disk without writing.

use crate::error::ReportError;
use harness_record::{RecordError, files};
use serde::Serialize;
use std::{
    fmt,
    path::{Path, PathBuf},
};

/// Folders that hold only rendered files.
const OWN_FOLDERS: [&str; 3] = ["charts", "gallery", "tables"];

/// A file of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedFile {
    /// Path relative to the report's folder, with forward slashes.
    pub path: PathBuf,
    /// The content of the file.
    pub bytes: Vec<u8>,
}

impl RenderedFile {
    pub(crate) fn new(path: impl Into<PathBuf>, bytes: Vec<u8>) -> Self {
        Self { path: path.into(), bytes }
    }
}

/// The way a file on disk differs from the rendered one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The file has other bytes.
    Edited,
    /// The file is missing.
    Missing,
    /// The file exists but is not part of the report.
    Unexpected,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Edited => "edited",
            Self::Missing => "missing",
            Self::Unexpected => "unexpected",
        })
    }
}

/// A file that [`write()`] would change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Path relative to the report's folder.
    pub path: PathBuf,
    /// The kind of difference.
    pub what: Change,
}

/// Returns the files of `rendered` that are missing from `folder` or differ there, in their order.
///
/// # Errors
/// Fails if an existing file cannot be read.
pub fn differences(folder: &Path, rendered: &[RenderedFile]) -> Result<Vec<Difference>, ReportError> {
    let mut differences = Vec::new();
    for file in rendered {
        if let Some(what) = change(&folder.join(&file.path), &file.bytes)? {
            differences.push(Difference { path: file.path.clone(), what });
        }
    }
    Ok(differences)
}

/// Writes a file that belongs to no single report. The file appears whole or not at all.
///
/// # Errors
/// Fails if the file cannot be written.
pub fn write_file(folder: &Path, rendered: &RenderedFile) -> Result<(), ReportError> {
    Ok(files::write(&folder.join(&rendered.path), &rendered.bytes)?)
}

/// Writes the files of a report that changed, each whole or not at all, and removes files from the report's own folders
/// that no longer belong to it.
///
/// # Errors
/// Fails if a file cannot be written or removed.
pub fn write(report_dir: &Path, rendered: &[RenderedFile]) -> Result<(), ReportError> {
    for file in rendered {
        if change(&report_dir.join(&file.path), &file.bytes)?.is_some() {
            write_file(report_dir, file)?;
        }
    }
    for stray in strays(report_dir, rendered)? {
        let path = report_dir.join(stray);
        std::fs::remove_file(&path).map_err(ReportError::io("remove", path))?;
    }
    Ok(())
}

/// Returns rows as CSV with their header; the header is there even if there are no rows. Floats are the shortest text
/// that reads back to the same value.
pub(crate) fn csv<T: Serialize, const N: usize>(
    file: &str,
    header: [&str; N],
    rows: &[T],
) -> Result<Vec<u8>, ReportError> {
    let wrap = |source| RecordError::Csv { path: file.into(), source };
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    writer.write_record(header).map_err(wrap)?;
    for row in rows {
        writer.serialize(row).map_err(wrap)?;
    }
    Ok(writer.into_inner().map_err(|e| wrap(e.into_error().into()))?)
}

fn change(path: &Path, bytes: &[u8]) -> Result<Option<Change>, ReportError> {
    match std::fs::read(path) {
        Ok(found) => Ok((found != bytes).then_some(Change::Edited)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Some(Change::Missing)),
        Err(e) => Err(ReportError::io("read", path)(e)),
    }
}

/// Returns the files in the report's own folders that were not rendered, sorted.
pub(crate) fn strays(report_dir: &Path, rendered: &[RenderedFile]) -> Result<Vec<PathBuf>, ReportError> {
    let mut found = Vec::new();
    for name in OWN_FOLDERS {
        let folder = report_dir.join(name);
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
            Err(e) => return Err(ReportError::io("list", folder)(e)),
        };
        for entry in entries {
            let entry = entry.map_err(ReportError::io("list", &folder))?;
            let path = Path::new(name).join(entry.file_name());
            if entry.path().is_file() && !rendered.iter().any(|file| file.path == path) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
