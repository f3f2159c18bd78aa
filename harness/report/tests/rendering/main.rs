//! Renders reports from handwritten data and checks them from the reader's point of view.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod charts;
mod checklist;
mod differences;
mod fixture;
mod prose;
mod report;
mod studies;
mod tracing;

use fixture::{Report, Size};
use harness_report::{RenderedFile, ReportError};
use std::path::{Path, PathBuf};

/// Returns the templates of the project.
fn templates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../templates")
}

/// Creates a report with its data and runs.
fn folder(study: &serde_json::Value, size: Size) -> Report {
    let folder = Report::new();
    fixture::write(&folder.data(), study, size);
    folder
}

/// Renders with the fidelity that the folder's `study.json` names.
fn render(data: &Path, templates: &Path) -> Result<Vec<RenderedFile>, ReportError> {
    harness_report::render(data, templates, fixture::fidelity(data), &[])
}

fn text<'a>(files: &'a [RenderedFile], path: &str) -> &'a str {
    let file = files.iter().find(|f| f.path == Path::new(path)).unwrap();
    std::str::from_utf8(&file.bytes).unwrap()
}
