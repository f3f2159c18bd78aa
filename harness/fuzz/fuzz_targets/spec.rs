//! A study's spec, alone or upon the committed base: read, merged in every profile, decoded, checked; every problem worded.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::{fs, path::PathBuf, sync::LazyLock};
use tempfile::TempDir;

const BASE: &str = include_str!("../../../studies/_base/vqvae-pets.yaml");

static ROOT: LazyLock<(TempDir, PathBuf)> = LazyLock::new(|| {
    let root = harness_fuzz::folder();
    fs::create_dir_all(root.path().join("studies/_base")).expect("a folder");
    fs::write(root.path().join("studies/_base/vqvae-pets.yaml"), BASE).expect("a file");
    let file = root.path().join("studies/fuzzed.yaml");
    (root, file)
});

fuzz_target!(|bytes: &[u8]| {
    let (root, file) = &*ROOT;
    fs::write(file, bytes).expect("a file");
    harness_cli::fuzzing::spec(root.path(), file);
});
