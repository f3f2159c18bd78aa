//! What a study says is locked before its tests, and tests are counted.

use crate::studio::{Studio, assert_same, results};
use serde_json::Value;
use std::fs;

const REPORT: &str = "reports/demo/blurring/report.md";
const REGISTERED: &str = "reports/demo/blurring/data/registration.json";
const EXPECTED: &str = "Every metric falls";

/// The registration in the report.
fn registered(studio: &Studio) -> Value {
    serde_json::from_str(&studio.read(REGISTERED)).unwrap()
}

/// The tests that are noted of the report `name`.
fn noted(studio: &Studio, place: &str, name: &str) -> Value {
    let notes: Value = serde_json::from_str(&studio.read(place)).unwrap();
    notes["tests"][name].clone()
}

#[track_caller]
fn says(studio: &Studio, fragments: &[&str]) {
    let report = studio.read(REPORT);
    for fragment in fragments {
        assert!(report.contains(fragment), "no {fragment:?} in:\n{report}");
    }
}

#[test]
fn an_edit_after_the_results_shows() {
    let studio = Studio::finished();
    assert_eq!(registered(&studio)["occasion"], "first-test");
    says(&studio, &["[x] **Locked before the results**: registered before the first test"]);
    assert!(!studio.read(REPORT).contains("ited after the first results"));
    studio.edit("studies/blurring.yaml", EXPECTED, "No metric falls");
    studio.edit("studies/blurring.yaml", "ssl@blur-0.dice > ssl@blur-25.dice", "ssl@blur-0.dice < ssl@blur-25.dice");
    studio.run(&["list"]).ended(0).answers("stale, edited after the first results");
    studio.run(&["report", "blurring"]).ended(0);
    let rows = studio.run(&["list", "--json"]).ended(0).json();
    let row = rows.as_array().unwrap().iter().find(|row| row["edited"].is_string()).unwrap();
    assert_eq!((&row["edited"], &row["state"]), (&"edited after the first results".into(), &"fresh".into()));
    says(
        &studio,
        &[
            "> **Edited after the first results:**\n> the expectation, the claim first-step-hurts.",
            "| expectation            | Every metric falls",
            " | No metric falls",
            "undecided (exploratory) ",
            "[ ] **Locked before the results**: registered before the first test in the store, but edited after",
        ],
    );
    // Of the five claims, one was edited.
    assert_eq!(studio.read("reports/demo/blurring/tables/claims.corrected.tex").matches("(exploratory)").count(), 1);
    studio.run(&["report", "blurring", "--check"]).ended(0);
}

#[test]
fn the_first_registration_stays_in_a_clone_without_the_store() {
    let studio = Studio::finished();
    let (reports, before) =
        (results(&studio.path("reports")), noted(&studio, "reports/demo/provenance.json", "blurring"));
    fs::remove_dir_all(studio.path("runs")).unwrap();
    studio.study(&[]).ended(0);
    assert_same(&reports, &results(&studio.path("reports")));
    assert_eq!(noted(&studio, "reports/demo/provenance.json", "blurring"), before);
    assert_eq!(studio.read("runs/registrations/demo/blurring.json"), studio.read(REGISTERED));
    // Who edits the study before running it again changes nothing of what was registered.
    let first = studio.read(REGISTERED);
    fs::remove_dir_all(studio.path("runs/registrations")).unwrap();
    studio.edit("studies/blurring.yaml", EXPECTED, "No metric falls");
    studio.study(&[]).ended(0);
    assert_eq!(studio.read(REGISTERED), first);
    says(&studio, &["Edited after the first results", "| Every metric falls"]);
    // An edited registration is refused.
    studio.edit(REGISTERED, EXPECTED, "No metric falls");
    studio.run(&["report", "blurring"]).ended(4).tells("registration.json").tells("edited");
}

#[test]
fn what_was_never_registered_is_not_said_to_be() {
    let studio = Studio::finished();
    fs::remove_file(studio.path(REGISTERED)).unwrap();
    studio.run(&["report", "blurring"]).ended(0);
    says(&studio, &["[ ] **Locked before the results**: not known", "Nothing is registered for this study"]);
    // The tests are there already.
    fs::remove_dir_all(studio.path("runs/registrations")).unwrap();
    studio.study(&[]).ended(0);
    assert_eq!(registered(&studio)["occasion"], "after-results");
    says(
        &studio,
        &["> **Not registered before the results:**", "[ ] **Locked before the results**: registered only after"],
    );
}

#[test]
fn register_locks_a_study_before_its_test_and_not_later() {
    let register = ["register", "blurring", "--profile", "demo"];
    let studio = Studio::tiny();
    studio
        .run(&register)
        .ended(0)
        .answers("study blurring (demo) is registered, in")
        .answers("claim: blur-hurts: Full");
    let first = studio.read("runs/registrations/demo/blurring.json");
    assert!(first.contains("on-purpose") && !studio.path("reports").exists());
    studio.run(&register).ended(0).answers("is registered already");
    let spec = studio.read("studies/blurring.yaml");
    studio.edit("studies/blurring.yaml", EXPECTED, "No metric falls");
    studio.run(&register).ended(1).tells("registered otherwise").tells("expectation");
    fs::write(studio.path("studies/blurring.yaml"), spec).unwrap();
    assert_eq!(studio.read("runs/registrations/demo/blurring.json"), first);
    studio.run(&["register", "blurrin"]).ended(3).tells("did you mean");

    let studio = Studio::finished();
    studio.run(&register).ended(1).tells("too late to register").tells("what was registered before stays");
    fs::remove_dir_all(studio.path("reports")).unwrap();
    fs::remove_dir_all(studio.path("runs/registrations")).unwrap();
    studio.run(&register).ended(1).tells("too late to register").tells("has tests of it");
}

#[test]
fn the_test_can_be_kept_shut() {
    let studio = Studio::tiny();
    let tests = || studio.path("runs/evaluate").exists();
    let said = studio.study(&["--validation-only"]).ended(0).answers("no test was run and no report was rendered");
    let heads = "arm         protocol   seed  epoch  validation loss  validation Dice (hard)";
    assert!(said.stdout.contains(heads) && said.stdout.lines().count() == 7, "{}", said.stdout);
    assert!(
        !tests() && !studio.path("reports").exists() && !studio.path("runs/registrations/demo/blurring.json").exists()
    );
    let rows = studio.study(&["--validation-only", "--json"]).ended(0).json();
    let complete = |row: &Value| row["loss"].as_f64().is_some_and(|loss| loss > 0.0) && row["dice"].is_f64();
    assert!(rows.as_array().unwrap().len() == 4 && rows.as_array().unwrap().iter().all(complete), "{rows}");
    let plan =
        studio.study(&["--validation-only", "--dry-run"]).ended(0).answers("5 stages (1 saved by sharing), 5 done");
    assert!(!plan.stdout.contains("evaluate"), "{}", plan.stdout);

    studio.study(&[]).ended(2).tells("kept shut").tells("--final");
    studio.study(&["--set", "title=x"]).ended(2).tells("--final");
    studio.study(&["--validation-only", "--final"]).ended(2);
    assert!(!tests());
    studio.study(&["--final"]).ended(0).answers("done");
    assert!(tests());
    assert_eq!(registered(&studio)["occasion"], "first-test");
    studio.study(&[]).ended(0).answers("up to date");
}

#[test]
fn settings_that_were_tested_and_are_not_shown_are_listed() {
    let studio = Studio::finished();
    let of = |name: &str| format!("reports/demo/{name}/provenance.json");
    says(&studio, &["[x] **Other tests on the same images**: no other is known"]);
    let words = "title=x";
    let changed = "evaluation.batch=3";
    studio.study(&["--set", changed]).ended(0);
    studio.study(&["--set", words]).ended(0);
    // The report with changed settings leaves the study's own as it was; the study's next run takes note.
    says(&studio, &["[x] **Other tests on the same images**: no other is known"]);
    let own = noted(&studio, &of("blurring+evaluation.batch=3"), "blurring+evaluation.batch=3");
    assert_eq!((own["opened"].as_array().unwrap().len(), own["others"].as_array().unwrap().len()), (2, 4));
    studio.study(&[]).ended(0).answers("done");
    // Another title is no other setting.
    says(
        &studio,
        &[
            "The study was tested under 2 different settings; 4 of its tests are not in this report.",
            "4 other tests are known on the same test images",
            "* Not shown: `evaluation.batch=3`, seed 0: 4 tests\n",
        ],
    );
    studio.study(&[]).ended(0).answers("up to date");
    // Another seed is no other setting either.
    studio.study(&["--seeds", "1"]).ended(0);
    studio.study(&[]).ended(0);
    says(
        &studio,
        &["tested under 2 different settings; 8 of", "* Not shown: the settings of this report, seed 1: 4 tests\n"],
    );
    // An empty store does not make it forget.
    let before = results(&studio.path("reports/demo/blurring"));
    fs::remove_dir_all(studio.path("runs")).unwrap();
    studio.study(&[]).ended(0);
    assert_same(&before, &results(&studio.path("reports/demo/blurring")));
}
