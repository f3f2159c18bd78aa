//! `report --bundle`: what a supplement holds, that it can be checked alone, and what is kept out of it.

use crate::studio::{Said, Studio, contents, copy};
use std::{
    collections::BTreeMap,
    fs,
    io::{Cursor, Read as _},
    path::Path,
};

const REPORT: &str = "reports/demo/blurring";

fn bundle(studio: &Studio, file: &str, more: &[&str]) -> Said {
    studio.run(&[&["report", "blurring", "--profile", "demo", "--bundle", file][..], more].concat())
}

/// The files of an archive, by their names inside its one folder.
fn unpacked(archive: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(fs::read(archive).unwrap())).unwrap();
    let mut files = BTreeMap::new();
    for i in 0..archive.len() {
        let mut file = archive.by_index(i).unwrap();
        assert_eq!((file.unix_mode(), file.last_modified().unwrap().year()), (Some(0o100_644), 1980));
        let name = file.name().unwrap().strip_prefix("supplement/").unwrap().to_owned();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        files.insert(name, bytes);
    }
    files
}

/// Writes the files of an archive below `folder`.
fn unpack(files: &BTreeMap<String, Vec<u8>>, folder: &Path) {
    for (name, bytes) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

#[test]
fn a_supplement_can_be_checked_alone() {
    let studio = Studio::finished();
    let before = contents(&studio.path("."));
    let outside = tempfile::tempdir().unwrap();
    let archives = ["one.zip", "two.zip"].map(|name| outside.path().join(name));
    for archive in &archives {
        bundle(&studio, archive.to_str().unwrap(), &[]).ended(0).answers(".zip: ");
    }
    assert_eq!(contents(&studio.path(".")), before);
    let [one, two] = archives.each_ref().map(|archive| fs::read(archive).unwrap());
    assert!(one == two, "the same report, the same bytes");
    let files = unpacked(&archives[0]);
    for name in [
        "README.txt",
        "SHA256SUMS",
        "Cargo.lock",
        "studies/blurring.yaml",
        "studies/_base/vqvae-pets.yaml",
        "templates/blurring.md.j2",
        "templates/page.html.j2",
        "templates/partials/page.css",
        "data-manifests/synthetic-pets.yaml",
        "data-manifests/published/seed.csv",
        "reports/index.html",
        "reports/demo/blurring/index.html",
        "reports/demo/blurring/report.md",
        "reports/demo/blurring/data/spec.yaml",
        "reports/demo/blurring/data/places.csv",
        "reports/demo/provenance.json",
    ] {
        assert!(files.contains_key(name), "{name} is missing: {:?}", files.keys());
    }
    // Other studies and unused data are left out.
    for name in ["studies/baselines.yaml", "templates/baselines.md.j2", "data-manifests/cifar-10.yaml"] {
        assert!(!files.contains_key(name), "{name}");
    }
    for (name, bytes) in contents(&studio.path(REPORT)) {
        assert!(files[&format!("{REPORT}/{name}")] == bytes, "{name}");
    }
    let sums = String::from_utf8(files["SHA256SUMS"].clone()).unwrap();
    assert_eq!(sums.lines().count(), files.len() - 1);
    for line in sums.lines() {
        let (sum, name) = line.split_once("  ").unwrap();
        assert_eq!(harness_record::digest::of_bytes(&files[name]), sum, "{name}");
    }
    let text = String::from_utf8(files["README.txt"].clone()).unwrap();
    for part in [
        "demo/blurring",
        "harness report --check",
        "harness study blurring --profile demo",
        "), specs (commit unknown)",
        "licence:",
        "sha256sum -c SHA256SUMS",
    ] {
        assert!(text.contains(part), "{part} in:\n{text}");
    }
    // The check runs elsewhere, on these files alone.
    let elsewhere = tempfile::tempdir().unwrap();
    unpack(&files, elsewhere.path());
    let mut check = studio.harness(&["report", "--check"]);
    check.current_dir(elsewhere.path());
    Said::of(check).ended(0).answers("1 report checked: nothing would change");
}

#[test]
fn a_report_with_changed_settings_brings_its_own_notes() {
    let studio = Studio::finished();
    studio.study(&["--set", "finetuning.epochs=1"]).ended(0);
    let report = "blurring+finetuning.epochs=1";
    studio.run(&["report", report, "--bundle", "a.zip"]).ended(0);
    let files = unpacked(&studio.path("a.zip"));
    let notes = String::from_utf8(files[&format!("reports/demo/{report}/provenance.json")].clone()).unwrap();
    assert!(notes.contains("\"harness\"") && !notes.contains("\"host\""), "{notes}");
    assert!(!files.contains_key("reports/demo/provenance.json") && files.contains_key("templates/blurring.md.j2"));
    let elsewhere = tempfile::tempdir().unwrap();
    unpack(&files, elsewhere.path());
    let mut check = studio.harness(&["report", "--check"]);
    check.current_dir(elsewhere.path());
    Said::of(check).ended(0).answers("1 report checked: nothing would change");
}

#[test]
fn the_time_of_its_files_can_be_said() {
    let studio = Studio::finished();
    let at = |time: &str| {
        let mut command = studio.harness(&["report", "blurring", "--bundle", "a.zip"]);
        command.env("SOURCE_DATE_EPOCH", time);
        Said::of(command)
    };
    at("1700000000").ended(0);
    let mut archive = zip::ZipArchive::new(Cursor::new(fs::read(studio.path("a.zip")).unwrap())).unwrap();
    let time = archive.by_index(0).unwrap().last_modified().unwrap();
    assert_eq!((time.year(), time.month(), time.day(), time.hour()), (2023, 11, 14, 22));
    let before = fs::read(studio.path("a.zip")).unwrap();
    for wrong in ["yesterday", "-1", "0", "99999999999"] {
        at(wrong).ended(2).tells("SOURCE_DATE_EPOCH");
    }
    assert!(fs::read(studio.path("a.zip")).unwrap() == before);
}

#[test]
fn nothing_in_it_tells_of_a_machine_or_a_user() {
    let studio = Studio::finished();
    bundle(&studio, "a.zip", &[]).ended(0);
    let here = studio.path(".").canonicalize().unwrap().display().to_string();
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned();
    for (name, bytes) in unpacked(&studio.path("a.zip")) {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(&here) && !text.contains("/home/"), "{name}");
        assert!(
            host.len() < 4 || !text.split(|c: char| !c.is_alphanumeric() && c != '-').any(|word| word == host),
            "{name}"
        );
    }
    fs::remove_file(studio.path("a.zip")).unwrap();
    // If the data hold such a text, nothing is written, and the error names the place.
    for (text, told) in [(here.as_str(), here.as_str()), ("/home/ada/pets", "/home/ada/pets")] {
        fs::write(studio.path(REPORT).join("data/log.txt"), format!("first\nread {text}\n")).unwrap();
        studio.run(&["report", "blurring"]).ended(0);
        let said = bundle(&studio, "a.zip", &[]).ended(1).tells("nothing was written").tells(told);
        said.tells("reports/demo/blurring/data/log.txt:2");
        assert!(!studio.path("a.zip").exists());
    }
}

#[test]
fn what_cannot_be_bundled_is_refused() {
    let studio = Studio::finished();
    studio.edit(Path::new(REPORT).join("report.md"), "# Blurring", "# Blurred");
    bundle(&studio, "a.zip", &[]).ended(1).tells("report.md: edited").tells("harness report blurring --profile demo");
    studio.run(&["report", "blurring"]).ended(0);
    bundle(&studio, "a.zip", &["--check"]).ended(2);
    bundle(&studio, "a.zip", &["--serve"]).ended(2);
    studio.run(&["report", "bluring", "--bundle", "a.zip"]).ended(3).tells("did you mean `blurring`?");
    #[cfg(unix)]
    {
        fs::create_dir(studio.path(REPORT).join("data/more")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", studio.path(REPORT).join("data/more/link")).unwrap();
        bundle(&studio, "a.zip", &[]).ended(4).tells("links are not bundled");
    }
    assert!(!studio.path("a.zip").exists());
}

#[test]
fn several_reports_go_into_one_file() {
    let studio = Studio::new();
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for report in ["reports/sample/blurring", "reports/sample/baselines", "reports/sample/runs"] {
        copy(&project.join(report), &studio.path(report));
    }
    studio.run(&["report", "--all"]).ended(0);
    studio.run(&["report", "--all", "--bundle", "a.zip"]).ended(0);
    let files = unpacked(&studio.path("a.zip"));
    for name in ["reports/sample/blurring/index.html", "reports/sample/baselines/index.html", "studies/baselines.yaml"]
    {
        assert!(files.contains_key(name), "{name}");
    }
}
