//! How long the committed reports take to render: `cargo bench -p harness-report`.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use harness_report::inputs::Fidelity;
use rayon::prelude::*;
use std::{fs, path::PathBuf};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    divan::main();
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// `profile/study` of each committed report, sorted.
fn reports() -> Vec<String> {
    let mut found = Vec::new();
    for profile in fs::read_dir(root().join("reports")).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
        for study in fs::read_dir(profile.path()).unwrap().flatten().filter(|entry| entry.path().join("data").is_dir())
        {
            found.push(format!("{}/{}", profile.file_name().display(), study.file_name().display()));
        }
    }
    found.sort();
    found
}

/// Bytes of the rendered files.
fn render(report: &str) -> usize {
    let data = root().join("reports").join(report).join("data");
    let files = harness_report::render(&data, &root().join("templates"), Fidelity::Sample, &[]).unwrap();
    files.iter().map(|file| file.bytes.len()).sum()
}

#[divan::bench(args = reports(), sample_count = 3)]
fn one(report: &str) -> usize {
    render(report)
}

#[divan::bench(sample_count = 3)]
fn all_in_turn() -> usize {
    reports().iter().map(|report| render(report)).sum()
}

#[divan::bench(sample_count = 3)]
fn all_side_by_side() -> usize {
    reports().par_iter().map(|report| render(report)).sum()
}
