//! The seeds of `harness/fuzz`: each gives the result that their README states. Fuzzing needs nightly Rust; this test
//! does not.

use crate::studio::{Studio, paths};
use harness_fetch::archive::{Format, Limits, unpack};
use harness_images::{
    datasets::{DatasetSpec, survey},
    pixels::{decode, decode_labels},
};
use harness_record::{monitor::Silent, vocabulary::Purpose};
use std::{collections::BTreeMap, fs, ops::ControlFlow, path::Path};

const README: &str = "README.md";

/// The limits of `harness/fuzz/fuzz_targets/archive.rs`.
const LIMITS: Limits = Limits { entries: 64, member_bytes: 1 << 14, total_bytes: 1 << 16, ratio: 20, name_bytes: 128 };

#[test]
fn every_seed_gives_the_result_that_the_readme_states() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds");
    let studio = Studio::new();
    let mut given = BTreeMap::new();
    for (name, path) in paths(&folder).into_iter().filter(|(name, _)| name != README) {
        let result = match name.split_once('/').unwrap().0 {
            "archive" => archive(&path),
            "image" => image(&path),
            "list" => list(&path),
            "manifest" => checked(&studio, &path, "data-manifests/seed.yaml"),
            "spec" => checked(&studio, &path, "studies/seed.yaml"),
            kind => panic!("{kind}: no such fuzz target"),
        };
        given.insert(name, result.to_owned());
    }
    assert_eq!(given, stated(&fs::read_to_string(folder.join(README)).unwrap()));
}

/// The files and results in the README's table.
fn stated(readme: &str) -> BTreeMap<String, String> {
    let row = |line: &str| {
        let cells: Vec<_> = line.strip_prefix("| `")?.split(" | ").collect();
        let [file, .., result] = cells.as_slice() else { return None };
        Some((file.trim_end_matches('`').to_owned(), result.trim_end_matches(" |").to_owned()))
    };
    readme.lines().filter_map(row).collect()
}

fn archive(path: &Path) -> &'static str {
    let home = tempfile::tempdir().unwrap();
    let format = Format::of(path).unwrap().unwrap();
    let result = unpack(path, format, &home.path().join("into"), &LIMITS, &mut |_| ControlFlow::Continue(()));
    assert!(paths(home.path()).keys().all(|name| name.starts_with("into/")), "{}", path.display());
    if result.is_ok() { "unpacked" } else { "refused" }
}

fn image(path: &Path) -> &'static str {
    let bytes = fs::read(path).unwrap();
    match (decode(&bytes).is_ok(), decode_labels(&bytes).is_ok()) {
        (true, true) => "photograph and labels",
        (true, false) => "photograph",
        (false, true) => "labels",
        (false, false) => "refused",
    }
}

/// The file holds `trainval.txt`, `test.txt` and `list.txt`, separated by lines of `====`.
fn list(path: &Path) -> &'static str {
    let home = tempfile::tempdir().unwrap();
    let annotations = home.path().join("pets/annotations");
    fs::create_dir_all(annotations.join("trimaps")).unwrap();
    fs::create_dir_all(home.path().join("pets/images")).unwrap();
    let bytes = fs::read(path).unwrap();
    let mut parts = split(&bytes, b"\n====\n").into_iter();
    for name in ["trainval.txt", "test.txt", "list.txt"] {
        fs::write(annotations.join(name), parts.next().unwrap_or_default()).unwrap();
    }
    let spec: DatasetSpec = serde_json::from_str(r#"{"oxford-iiit-pet": {"folder": "pets"}}"#).unwrap();
    let result = survey(&spec, Purpose::Segmentation, home.path(), &home.path().join("cache"), &Silent);
    if result.is_ok() { "read" } else { "refused" }
}

fn split<'a>(bytes: &'a [u8], cut: &[u8]) -> Vec<&'a [u8]> {
    match bytes.windows(cut.len()).position(|window| window == cut) {
        Some(at) => [vec![&bytes[..at]], split(&bytes[at + cut.len()..], cut)].concat(),
        None => vec![bytes],
    }
}

/// The verdict of `validate` on a spec or a manifest that is put at `place`.
fn checked(studio: &Studio, path: &Path, place: &str) -> &'static str {
    fs::copy(path, studio.path(place)).unwrap();
    let said = studio.run(&["validate", place]);
    if said.ended_badly() {
        said.ended(3);
        "invalid"
    } else {
        said.ended(0);
        "valid"
    }
}
