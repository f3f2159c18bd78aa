//! `report --verdicts`: what was reproduced, and that no edit of a data folder makes a sample count as reproduced.

use crate::studio::{Studio, contents, copy};
use std::{fs, path::Path};

const REPORT: &str = "reports/sample/blurring";

/// A studio with committed reports.
fn with_reports(reports: &[&str]) -> Studio {
    let studio = Studio::new();
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for report in reports {
        copy(&project.join(report), &studio.path(report));
    }
    copy(&project.join("reports/sample/runs"), &studio.path("reports/sample/runs"));
    fs::copy(project.join("reports/sample/provenance.json"), studio.path("reports/sample/provenance.json")).unwrap();
    studio
}

/// Every verdict of the reports, with its reason.
#[track_caller]
fn verdicts(studio: &Studio) -> Vec<(String, String)> {
    let said = studio.run(&["report", "--verdicts", "--json"]).ended(0);
    let words = |figure: &serde_json::Value, name: &str| figure[name].as_str().unwrap_or_default().to_owned();
    said.json().as_array().unwrap().iter().map(|f| (words(f, "verdict"), words(f, "why"))).collect()
}

#[test]
fn all_printed_figures_of_the_committed_reports_have_a_verdict() {
    let studio = with_reports(&["reports/sample"]);
    let before = contents(&studio.path("reports"));
    let said = studio.run(&["report", "--all", "--verdicts"]).ended(0);
    assert_eq!(said.stdout.lines().count(), 1 + 74, "a head, and every printed figure");
    let row = said.stdout.lines().find(|line| line.starts_with("sample/blurring")).unwrap();
    assert!(row.contains("0.851") && row.ends_with("not comparable  other data and size"), "{row}");
    let all = verdicts(&studio);
    assert!(all.len() == 74 && all.iter().all(|(verdict, _)| verdict == "not comparable" || verdict == "not run"));
    assert!(all.iter().all(|(verdict, why)| why.is_empty() == (verdict == "not run")), "{all:?}");
    let required = studio.run(&["report", "--verdicts", "--require", "reproduced"]).ended(1);
    required.tells("74 of 74 printed figures not reproduced").answers("sample/blurring");
    studio.run(&["report", "distortions", "--verdicts", "--require", "reproduced"]).ended(1).tells("no printed figure");
    studio.run(&["report", "--require", "reproduced"]).ended(2).tells("--verdicts");
    studio.run(&["report", "--verdicts", "--require", "differs"]).ended(2);
    studio.run(&["report", "--verdicts", "--check"]).ended(2);
    assert_eq!(contents(&studio.path("reports")), before, "verdicts were written");
}

#[test]
fn a_sample_reproduces_nothing_whatever_its_files_say() {
    let none_reproduced = |studio: &Studio, why: &str| {
        let all = verdicts(studio);
        assert!(all.len() == 15 && all.iter().all(|found| *found == ("not comparable".into(), why.into())), "{all:?}");
        studio.run(&["report", "--verdicts", "--require", "reproduced"]).ended(1);
    };
    let page_claims_nothing = |studio: &Studio| {
        let page = studio.read(Path::new(REPORT).join("index.html"));
        assert!(page.contains("Not the published experiment") && !page.contains("verdict reproduced"));
        assert!(!studio.read(Path::new(REPORT).join("report.md")).contains("| reproduced"));
    };

    // The first edit changes the field that says which experiment it is.
    let studio = with_reports(&[REPORT]);
    let before = contents(&studio.path(REPORT));
    studio.edit(Path::new(REPORT).join("data/study.json"), "\"fidelity\": \"sample\"", "\"fidelity\": \"full\"");
    none_reproduced(&studio, "other data and size");
    studio.run(&["report", "--check"]).ended(1).answers("study.json: edited");
    studio.run(&["report"]).ended(0);
    page_claims_nothing(&studio);
    assert_eq!(contents(&studio.path(REPORT)), before, "the field is written as it follows from the spec");

    // The next edits change the verdict, and then the printed figure itself.
    let table = Path::new(REPORT).join("data/published.csv");
    let row = studio.read(&table).lines().nth(1).unwrap().to_owned();
    studio.edit(&table, &row, &row.replace("not comparable", "reproduced"));
    none_reproduced(&studio, "other data and size");
    studio.run(&["report"]).ended(4).tells("published.csv:2").tells("--renew");
    let cells: Vec<&str> = row.split(',').collect();
    let forged = row.replacen(cells[6], &cells[7][..5], 1);
    studio.run(&["report", "--renew"]).ended(0);
    studio.edit(&table, &row, &forged);
    studio.run(&["report", "--verdicts"]).ended(1).tells("differ from those of data-manifests/published");
    studio.run(&["report", "--check"]).ended(1).answers("differ from those of data-manifests/published");
    studio.run(&["report"]).ended(1).tells("differ from those of data-manifests/published");
    studio.run(&["report", "--renew"]).ended(0);
    assert_eq!(contents(&studio.path(REPORT)), before, "what was renewed is what was there");

    // The last edits change what the data were run with: then they do not match today's spec, and nothing more can be
    // said.
    for change in
        [("profile: sample", "profile: full"), ("epochs: 45", "epochs: 50"), ("profile: sample", "profile: [")]
    {
        let studio = with_reports(&[REPORT]);
        studio.edit(Path::new(REPORT).join("data/study.json"), "\"fidelity\": \"sample\"", "\"fidelity\": \"full\"");
        studio.edit(Path::new(REPORT).join("data/spec.yaml"), change.0, change.1);
        none_reproduced(&studio, "does not match the current spec");
        studio.run(&["report", "--check"]).ended(1);
        studio.run(&["report"]).ended(0).tells("warning:");
        assert!(studio.read(Path::new(REPORT).join("report.md")).contains("Not shown to be the published experiment"));
    }
    fs::remove_file(studio.path(REPORT).join("data/spec.yaml")).unwrap();
    none_reproduced(&studio, "does not match the current spec");
}
