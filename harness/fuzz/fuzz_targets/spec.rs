//! A study's spec, alone or upon the committed base: read, merged in every profile, decoded, checked; every problem worded.
//! `study` reads in each profile what `validate` passes.
#![no_main]

use harness_study::{
    spec::{decode::check_profiles, diagnosis::Problems, layers::Spec},
    study::{Resolved, Study, check},
};
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
    let spec = match Spec::read(root.path(), file) {
        Ok(spec) => spec,
        Err(problems) => return told(&problems),
    };
    if let Some(problems) = Problems::found(check_profiles::<Study>(&spec, check)) {
        return told(&problems);
    }
    for profile in spec.profiles() {
        let resolved = Resolved::new(&spec, profile, &[]);
        assert!(resolved.is_ok(), "{:?}", resolved.err());
    }
});

/// Words the problems, as text and as JSON.
fn told(problems: &Problems) {
    assert!(!problems.to_string().is_empty() && serde_json::to_string(problems.all()).is_ok());
}
