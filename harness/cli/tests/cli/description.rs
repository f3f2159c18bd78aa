//! The program's descriptions of itself: schema, completions, doctor, help.

use crate::studio::Studio;
use std::fs;

#[test]
fn the_schema_is_the_committed_one_and_names_every_field() {
    let studio = Studio::new();
    let schema = studio.run(&["schema"]).ended(0);
    assert_eq!(schema.stdout, studio.read("studies/study.schema.json"));
    let fields = &schema.json()["properties"];
    for field in ["title", "extends", "profiles", "data", "model", "arms", "report"] {
        assert!(fields[field].is_object(), "{field}");
    }
}

#[test]
fn every_study_of_the_project_is_valid() {
    let studio = Studio::new();
    let files = fs::read_dir(studio.path("studies")).unwrap().map(|entry| entry.unwrap().file_name());
    let specs: Vec<String> = files
        .filter_map(|name| Some(format!("studies/{}", name.to_str().unwrap().strip_suffix(".yaml")?) + ".yaml"))
        .collect();
    assert!(!specs.is_empty());
    studio.run(&["validate"]).ended(0).answers("no problem found");
    for spec in &specs {
        studio.run(&["validate", spec]).ended(0).answers("no problem found");
        assert_eq!(studio.run(&["validate", "--json", spec]).ended(0).json(), serde_json::json!([]));
    }
    assert!(!studio.path("runs").exists() && !studio.path("reports").exists());
}

#[test]
fn completions_know_the_commands() {
    let studio = Studio::new();
    for shell in ["bash", "zsh", "fish"] {
        let said = studio.run(&["completions", shell]).ended(0).answers("predict").answers("dry-run");
        assert!(said.stderr.is_empty(), "{}", said.stderr);
    }
    studio.run(&["completions", "tea"]).ended(2);
}

#[test]
fn the_doctor_looks_and_changes_nothing() {
    let studio = Studio::new();
    studio.run(&["doctor"]).ended(0).answers("processor").answers("synthetic-pets").answers("pets-sample");
    let json = studio.run(&["doctor", "--json"]).ended(0).json();
    let state = |what: &str| json.as_array().unwrap().iter().find(|f| f["what"] == what).map(|f| f["state"].clone());
    assert_eq!((state("root"), state("store")), (Some("ok".into()), Some("ok".into())), "{json}");
    assert_eq!(state("oxford-iiit-pet"), Some("missing".into()), "{json}");
    let mut names: Vec<_> =
        fs::read_dir(studio.path(".")).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["data-manifests", "studies", "templates"]);
    // Outside of a project it says what is missing: that is its purpose.
    let lost = tempfile::tempdir().unwrap();
    let mut command = studio.harness(&["doctor"]);
    command.current_dir(lost.path());
    crate::studio::Said::of(command).ended(0).answers("--root DIR");
}

#[test]
fn the_version_names_the_commit_of_the_program() {
    let studio = Studio::new();
    let said = studio.run(&["--version"]).ended(0);
    let version = said.stdout.trim_end().strip_prefix("harness ").unwrap();
    let built = version.strip_prefix(concat!(env!("CARGO_PKG_VERSION"), " (")).unwrap().strip_suffix(')').unwrap();
    let digits = ["", ", modified", ", perhaps modified"].iter().find_map(|state| {
        let digits = built.strip_suffix(state)?;
        (digits.len() == 7 && digits.chars().all(|c| c.is_ascii_hexdigit())).then_some(digits)
    });
    assert!(digits.is_some() || built == "commit unknown", "{version}");
    let doctor = studio.run(&["doctor"]).ended(0);
    assert!(doctor.stdout.lines().next().unwrap().contains(version), "{}", doctor.stdout);
}

#[test]
fn help_teaches_by_example() {
    let studio = Studio::new();
    studio.run(&[]).ended(2).tells("Usage: harness");
    studio.run(&["--help"]).ended(0).answers("Exit codes:").answers("HARNESS_STORE").answers("Start here:");
    for command in ["study", "report", "list", "validate", "schema", "predict", "completions"] {
        studio.run(&[command, "--help"]).ended(0).answers("Examples:").answers(&format!("harness {command}"));
    }
}
