//! A manifest: read, checked, every problem worded. Of a sound one no place leaves the data folder.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::{
    fs,
    path::{Component, Path, PathBuf},
    sync::LazyLock,
};
use tempfile::TempDir;

static ROOT: LazyLock<(TempDir, PathBuf)> = LazyLock::new(|| {
    let root = harness_fuzz::folder();
    let file = root.path().join("fuzzed.yaml");
    (root, file)
});

fuzz_target!(|bytes: &[u8]| {
    let (_, file) = &*ROOT;
    fs::write(file, bytes).expect("a file");
    let Some(manifest) = harness_cli::fuzzing::manifest(file) else { return };
    let data = Path::new("/data");
    stays(data, &manifest.place(data));
    for file in manifest.files() {
        stays(data, &manifest.place_of(file, data));
        file.from.iter().for_each(|source| assert!(!source.address().is_empty()));
    }
    for expected in &manifest.expect {
        stays(data, &data.join(expected.path()));
    }
    harness_fetch::install::missing(&manifest, data, "cannot be fetched");
});

/// Panics if `path` is not below `data`.
fn stays(data: &Path, path: &Path) {
    let below = path.strip_prefix(data).expect("a place below the data folder");
    assert!(below.components().all(|part| matches!(part, Component::Normal(_))), "{}", path.display());
}
