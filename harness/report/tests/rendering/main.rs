//! Renders reports from data that are written by hand, and reads them as their readers do.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod charts;
mod checklist;
mod fixture;
mod prose;
mod report;
mod studies;
mod tracing;

use fixture::{Report, Size};
use harness_report::{RenderedFile, ReportError};
use std::path::{Path, PathBuf};

/// The templates of the project.
fn templates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../templates")
}

/// A report with its data and runs.
fn folder(study: &serde_json::Value, size: Size) -> Report {
    let folder = Report::new();
    fixture::write(&folder.data(), study, size);
    folder
}

/// Rendered as what its `study.json` says that it is.
fn render(data: &Path, templates: &Path) -> Result<Vec<RenderedFile>, ReportError> {
    harness_report::render(data, templates, fixture::setting(data))
}

fn text<'a>(files: &'a [RenderedFile], path: &str) -> &'a str {
    let file = files.iter().find(|f| f.path == Path::new(path)).unwrap();
    std::str::from_utf8(&file.bytes).unwrap()
}
