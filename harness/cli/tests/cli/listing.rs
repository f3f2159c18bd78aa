//! `list`: the states of a report.

use crate::studio::{Studio, paths, study_called};
use harness_record::files::Lock;
use std::fs;

/// The state of the demo report in the table and in the JSON, which must agree.
#[track_caller]
fn state(studio: &Studio) -> String {
    let json = studio.run(&["list", "--json"]).ended(0).json();
    let rows = json.as_array().unwrap();
    let row = rows.iter().find(|row| row["study"] == "blurring" && row["profile"] == "demo").unwrap();
    assert!(row["report"].as_str().unwrap().ends_with("reports/demo/blurring/index.html"));
    let state = row["state"].as_str().unwrap().to_owned();
    let table = studio.run(&["list"]).ended(0).stdout;
    let line = table.lines().find(|line| line.starts_with("blurring") && line.contains(" demo ")).unwrap();
    assert_eq!(line.split_whitespace().nth(2), Some(state.as_str()), "{table}");
    assert_eq!(table.lines().count(), rows.len() + 1);
    state
}

#[test]
fn missing_then_fresh_then_stale() {
    let studio = Studio::new();
    assert_eq!(state(&studio), "missing");
    assert!(!studio.path("runs").exists() && !studio.path("reports").exists());

    let studio = Studio::finished();
    assert_eq!(state(&studio), "fresh");
    let spec = studio.read("studies/blurring.yaml");
    studio.edit("studies/blurring.yaml", "title: ", "title: On ");
    assert_eq!(state(&studio), "stale");
    fs::write(studio.path("studies/blurring.yaml"), spec).unwrap();
    assert_eq!(state(&studio), "fresh");
    studio.edit("studies/_base/vqvae-pets.yaml", "\n  demo:\n", "\n  demo:\n    evaluation: {batch: 7}\n");
    assert_eq!(state(&studio), "stale");
}

#[test]
fn a_study_that_runs_is_running_and_its_report_is_not_touched() {
    let studio = Studio::finished();
    fs::remove_dir_all(studio.path("runs/studies")).unwrap();
    studio.study(&[]).ended(0);
    let locks: Vec<_> = paths(&studio.path("runs/studies"))
        .into_values()
        .filter(|path| path.extension().is_some_and(|ending| ending == "lock"))
        .collect();
    let of_report: Vec<_> =
        locks.iter().filter(|path| path.file_name().unwrap().to_string_lossy().contains("blurring")).collect();
    assert_eq!(of_report.len(), 1, "{locks:?}");
    let lock = Lock::try_take(of_report[0]).unwrap();
    assert!(lock.is_some());
    assert_eq!(state(&studio), "running");
    studio.run(&["report", "blurring"]).ended(75).tells("is running").tells("try again");
    drop(lock);
    assert_eq!(state(&studio), "fresh");
    studio.run(&["report", "blurring"]).ended(0);
}

#[test]
fn a_new_study_is_one_file() {
    let studio = Studio::finished();
    studio.edit("studies/blurring.yaml", "title: ", "title: A twin of ");
    fs::rename(studio.path("studies/blurring.yaml"), studio.path("studies/twin.yaml")).unwrap();
    fs::rename(studio.path("templates/blurring.md.j2"), studio.path("away.j2")).unwrap();
    let rows = studio.run(&["list", "--json"]).ended(0).json();
    let states: Vec<_> = rows.as_array().unwrap().iter().filter(|row| row["study"] == "twin").collect();
    assert!(states.len() == 3 && states.iter().all(|row| row["state"] == "missing"), "{rows}");
    // It has no prose of its own, so the general template is used. Nothing is trained that the other study has trained.
    let said = studio.run(&study_called("twin", &[])).ended(0);
    assert!(!said.stderr.contains("sitting"), "{}", said.stderr);
    assert!(studio.read("reports/demo/twin/report.md").starts_with("# A twin of Blurring"));
}
