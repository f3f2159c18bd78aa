//! `runs`: what the store holds, and that no run is removed that is needed or worked on.

use crate::studio::{Studio, contents, runs};
use harness_record::files::Lock;
use std::fs;

#[test]
fn runs_are_listed_with_what_holds_them() {
    let studio = Studio::finished();
    let all = runs(&studio.path("runs"));
    let said = studio.run(&["runs", "list"]).ended(0).answers(&format!("{} runs, ", all.len()));
    assert_eq!(said.stdout.lines().count(), 1 + all.len() + 2, "{}", said.stdout);
    let listed = studio.run(&["runs", "list", "--json"]).ended(0).json();
    for run in &all {
        let row = listed.as_array().unwrap().iter().find(|row| row["key"] == run.key.as_str()).unwrap();
        assert!(
            row["stage"] == run.stage.name() && row["state"] == "done" && row["bytes"].as_u64().unwrap() > 0,
            "{row}"
        );
        let used = row["used"].as_array().unwrap();
        assert!(
            !used.is_empty() && used.iter().all(|arm| arm.as_str().unwrap().starts_with("demo/blurring ")),
            "{row}"
        );
    }
    let empty = Studio::new();
    empty.run(&["runs", "list"]).ended(0).answers("there are no runs");
}

#[test]
fn a_run_is_shown_with_its_settings_and_its_log() {
    let studio = Studio::finished();
    let run = runs(&studio.path("runs")).into_iter().find(|run| run.stage.name() == "finetune").unwrap();
    let log = studio.path(format!("runs/finetune/{}/log.txt", run.key));
    fs::write(&log, "first\nlast \u{1b}[2J\n").unwrap();
    let said = studio.run(&["runs", "show", &run.key.as_str()[..12], "--lines", "1"]).ended(0);
    let said = said
        .answers(run.key.as_str())
        .answers("settings:")
        .answers("vqvae")
        .answers("demo/blurring")
        .answers("  last \\u{1b}[2J");
    assert!(!said.stdout.contains("first"), "{}", said.stdout);
    let json = studio.run(&["runs", "show", run.key.as_str(), "--json"]).ended(0).json();
    assert_eq!(json["run"]["key"], run.key.as_str());
    studio.run(&["runs", "show", "0123456789"]).ended(2).tells("there is no run");
}

#[test]
fn only_what_nothing_needs_is_removed() {
    let studio = Studio::finished();
    let all = runs(&studio.path("runs")).len();
    // The studies ask for other settings now, so only the report keeps the runs.
    studio.set(&["seeds=[0]"]);
    studio.run(&["runs", "gc", "--yes"]).ended(0).answers("nothing to remove");
    fs::remove_dir_all(studio.path("reports")).unwrap();
    let before = contents(&studio.path("runs"));
    let said = studio.run(&["runs", "gc"]).ended(0).answers(&format!("{all} runs could be removed, "));
    said.answers("--yes removes them").answers("all runs of the profiles full, sample");
    let gone = |before: &std::collections::BTreeMap<String, Vec<u8>>| {
        let after = contents(&studio.path("runs"));
        before.keys().filter(|name| !name.ends_with("lock") && !after.contains_key(*name)).count()
    };
    assert_eq!(gone(&before), 0, "a dry run removed something");
    // One run is worked on, and one was made under a profile whose data are not here.
    let kept = runs(&studio.path("runs"));
    let [worked, foreign] = [&kept[0], &kept[1]].map(|run| format!("runs/{}/{}", run.stage, run.key));
    let _lock = Lock::try_take(&studio.path(format!("{worked}.lock"))).unwrap().unwrap();
    studio.edit(format!("{foreign}/host.json"), "\"demo\"", "\"sample\"");
    let said = studio.run(&["runs", "gc", "--yes"]).ended(0).answers(&format!("removed {} runs, ", all - 2));
    said.answers("another process is working on them: 1 run");
    let left = runs(&studio.path("runs"));
    assert_eq!(left.len(), 2);
    assert!(studio.path(worked).join("run.json").exists() && studio.path(foreign).join("run.json").exists());
    // Runs that a study asks for today stay even without a report, and an invalid spec could ask for any run.
    studio.edit("studies/baselines.yaml", "title:", "titel:");
    studio.run(&["runs", "gc", "--yes"]).ended(3).tells("titel");
    assert_eq!(runs(&studio.path("runs")).len(), 2);
}
