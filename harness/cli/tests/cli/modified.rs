//! A study that is run with changed settings has a report of its own, beside that of the study.

use crate::studio::{Studio, assert_same, contents, copy};
use serde_json::Value;
use std::{collections::BTreeMap, fs, path::Path};

const OWN: &str = "reports/demo/blurring";
const SETTING: &str = "finetuning.epochs=1";
const NAME: &str = "blurring+finetuning.epochs=1";
const REPORT: &str = "reports/demo/blurring+finetuning.epochs=1";

/// A studio with the tiny study's report, and another of it with a changed setting.
fn with_both() -> Studio {
    let studio = Studio::finished();
    studio.study(&["--set", SETTING]).ended(0);
    studio
}

/// The row of `list` for a report of the demo profile.
#[track_caller]
fn listed(studio: &Studio, name: &str) -> Value {
    let rows = studio.run(&["list", "--json"]).ended(0).json();
    let mut rows = rows.as_array().unwrap().iter();
    rows.find(|row| row["study"] == name && row["profile"] == "demo").unwrap_or(&Value::Null).clone()
}

/// All files of the reports. Those that were there before must be as they were.
#[track_caller]
fn reports_after(studio: &Studio, before: &BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    let after = contents(&studio.path("reports"));
    for (name, bytes) in before {
        assert!(after.get(name) == Some(bytes), "{name} changed");
    }
    after
}

#[test]
fn the_studys_own_report_stays_as_it_is() {
    let studio = Studio::finished();
    let before = contents(&studio.path("reports"));
    let said = studio.study(&["--set", SETTING]).ended(0).answers("study blurring (demo): done");
    let said = said.answers(studio.path(REPORT).join("index.html").to_str().unwrap());
    // Stages that do not depend on the setting are shared.
    assert!(!said.stderr.contains("pretrain ssl") && said.stderr.contains("finetune ssl"), "{}", said.stderr);
    let after = reports_after(&studio, &before);
    for name in after.keys().filter(|name| !before.contains_key(*name)) {
        assert!(name.starts_with("demo/runs/") || name.starts_with(&format!("demo/{NAME}/")), "{name}");
    }
    assert!(after.contains_key(&format!("demo/{NAME}/provenance.json")));
    studio.study(&["--set", SETTING]).ended(0).answers("up to date");

    // Other options that change the spec do the same, and nothing is run that is there.
    let said = studio.study(&["--protocol", "corrected", "--json"]).ended(0);
    assert!(!said.stderr.contains("sitting"), "{}", said.stderr);
    let page = said.json()[0]["report"].as_str().unwrap().to_owned();
    assert!(page.contains("/demo/blurring+protocols=corrected-") && Path::new(&page).is_file(), "{page}");
    reports_after(&studio, &before);
}

#[test]
fn it_says_at_its_top_what_was_changed() {
    let studio = with_both();
    let text = studio.read(Path::new(REPORT).join("report.md"));
    let html = studio.read(Path::new(REPORT).join("index.html"));
    assert!(text.contains(
        "> **Changed settings.** This report is of `blurring` with changed settings: `finetuning.epochs=1`."
    ));
    assert!(text.contains("[blurring](../blurring/index.html)"), "{text}");
    let banner = html.find("with changed settings: <code>finetuning.epochs=1</code>");
    assert!(banner.is_some() && banner < html.find("Question."), "{html}");
    assert!(html.contains("<a href=\"provenance.json\">") && html.contains("<a href=\"../blurring/index.html\">"));
    assert!(!studio.read(Path::new(OWN).join("report.md")).contains("hanged settings"));
}

#[test]
fn it_is_listed_and_rendered_like_any_other_also_in_a_clone() {
    let studio = with_both();
    assert_eq!(listed(&studio, "blurring")["state"], "fresh");
    let row = listed(&studio, NAME);
    assert_eq!((&row["state"], &row["set"]), (&"modified".into(), &serde_json::json!([SETTING])), "{row}");
    assert!(row["report"].as_str().unwrap().ends_with("blurring+finetuning.epochs=1/index.html"), "{row}");
    let table = studio.run(&["list"]).ended(0).stdout;
    let line = table.lines().find(|line| line.starts_with(NAME)).unwrap();
    assert_eq!(line.split_whitespace().nth(2), Some("modified"), "{table}");
    // It is not on the page of all reports, which is committed.
    assert!(!studio.read("reports/index.html").contains(NAME));
    studio.run(&["report", "--all", "--check"]).ended(0).answers("2 reports checked: nothing would change");

    let clone = Studio::tiny();
    copy(&studio.path("reports"), &clone.path("reports"));
    clone.run(&["report", "--all", "--check"]).ended(0).answers("2 reports checked: nothing would change");
    let before = contents(&clone.path("reports"));
    for name in ["report.md", "index.html"] {
        fs::remove_file(clone.path(REPORT).join(name)).unwrap();
    }
    clone.run(&["report", "--check"]).ended(1).answers(&format!("{REPORT}/report.md: missing"));
    clone.run(&["report", "blurring", "--check"]).ended(0).answers("1 report checked");
    clone.run(&["report", NAME]).ended(0).answers(REPORT);
    assert_same(&before, &contents(&clone.path("reports")));
    let said = clone.run(&["report", "blurring+finetuning.epochs=2"]).ended(2);
    said.tells("there is no report blurring+finetuning.epochs=2").tells("`harness list`");

    let name = format!("demo/{NAME}");
    let found = clone.run(&["compare", "demo/blurring", &name, "--json"]).ended(0).json();
    let mut fields = found["circumstances"].as_array().unwrap().iter().map(|one| &one["field"]);
    assert!(fields.any(|field| field == "finetuning.epochs"), "{found}");
    clone.run(&["compare", "demo/blurring", "demo/blurring+none=1"]).ended(2).tells("there is no report");
}

#[test]
fn it_is_stale_only_if_the_spec_below_its_settings_changes() {
    let studio = with_both();
    studio.edit("studies/blurring.yaml", "    epochs: 4", "    epochs: 5");
    assert_eq!(listed(&studio, "blurring")["state"], "stale");
    assert_eq!(listed(&studio, NAME)["state"], "modified");
    studio.edit("studies/blurring.yaml", "    epochs: 3", "    epochs: 2");
    assert_eq!(listed(&studio, NAME)["state"], "modified, stale");
    let said = studio.run(&["report", NAME]).ended(0);
    said.tells("run `harness study blurring --profile demo --set 'finetuning.epochs=1'`");
    assert!(studio.read(Path::new(REPORT).join("report.md")).contains("with changed settings"));
}

#[test]
fn data_with_changed_settings_are_never_the_studys_own() {
    let studio = with_both();
    fs::remove_dir_all(studio.path(OWN)).unwrap();
    // This is what older versions of the program left.
    fs::rename(studio.path(REPORT), studio.path(OWN)).unwrap();
    fs::remove_file(studio.path(OWN).join("provenance.json")).unwrap();
    assert_eq!((&listed(&studio, "blurring")["state"], listed(&studio, NAME)), (&"stale".into(), Value::Null));
    let said = studio.run(&["report", "--check"]).ended(1);
    said.answers("data/spec.yaml: these settings are those of the report blurring+finetuning.epochs=1");
    studio.study(&[]).ended(0).answers("done");
    assert_eq!(listed(&studio, "blurring")["state"], "fresh");
}
