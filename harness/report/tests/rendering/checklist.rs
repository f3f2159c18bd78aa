//! The checklist at the end of a report: the records decide what is ticked.

use crate::{
    fixture::{self, SMALL, arms},
    render, templates,
};
use harness_report::inputs::file;
use serde_json::{Value, json};
use std::path::Path;
use tempfile::TempDir;

/// A folder of data that tests change.
struct Folder(TempDir);

impl Folder {
    fn new(study: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fixture::write(folder.path(), study, SMALL);
        Self(folder)
    }

    fn change(&self, file: &str, change: impl Fn(&mut Value)) -> &Self {
        let path = self.0.path().join(file);
        let mut value: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        change(&mut value);
        std::fs::write(path, serde_json::to_vec(&value).unwrap()).unwrap();
        self
    }

    /// The file of the report, from its checklist on.
    fn rendered(&self, name: &str, start: &str) -> String {
        let data = self.0.path();
        let files = render(data, &templates()).unwrap();
        let file = files.into_iter().find(|file| file.path == Path::new(name)).unwrap();
        let text = String::from_utf8(file.bytes).unwrap();
        text[text.find(start).unwrap()..].to_owned()
    }

    fn markdown(&self) -> String {
        self.rendered("report.md", "## Checklist")
    }

    /// The line of an item: whether it is ticked, and what it says.
    fn item(&self, name: &str) -> (bool, String) {
        let text = self.markdown();
        let line = |mark: &str| {
            let start = format!("* [{mark}] **{name}**: ");
            text.lines().find_map(|line| line.strip_prefix(&start).map(str::to_owned))
        };
        match (line("x"), line(" ")) {
            (Some(text), None) => (true, text),
            (None, Some(text)) => (false, text),
            found => panic!("{name}: {found:?}\n{text}"),
        }
    }

    #[track_caller]
    fn is_open(&self, name: &str, why: &str) {
        let (ticked, text) = self.item(name);
        assert!(!ticked && text.contains(why), "{name}: {ticked} {text}");
    }

    #[track_caller]
    fn is_known(&self, name: &str, what: &str) {
        let (ticked, text) = self.item(name);
        assert!(ticked && text.contains(what), "{name}: {ticked} {text}");
    }
}

#[test]
fn a_checklist_reads_well() {
    let folder = Folder::new(&fixture::study());
    insta::assert_snapshot!(folder.markdown());
    let html = folder.rendered("index.html", "id=\"checklist\"");
    let ticked = html.matches("<span class=\"known\">\u{2713} known</span>").count();
    let open = html.matches("<span class=\"open\">open</span>").count();
    assert!(ticked > 8 && open > 3, "{ticked} {open}");
    assert!(html.contains(&format!("The records of this report show {ticked} of {} items.", ticked + open)));
    assert!(!html.contains("<input"));
}

#[test]
fn every_link_of_a_checklist_leads_somewhere() {
    let folder = Folder::new(&fixture::study());
    let html = folder.rendered("index.html", "<main");
    for (i, _) in folder.markdown().match_indices("](") {
        let target = &folder.markdown()[i + 2..];
        let target = &target[..target.find(')').unwrap()];
        match target.strip_prefix('#') {
            Some(id) => assert!(html.contains(&format!("id=\"{id}\"")), "{target}"),
            None => assert!(folder.0.path().join(target.strip_prefix("data/").unwrap()).is_file(), "{target}"),
        }
    }
}

#[test]
fn code_that_no_commit_holds_is_not_ticked() {
    let folder = Folder::new(&fixture::study());
    folder.is_known("Code of every run", "commit `0a1b2c3d`, without uncommitted changes");
    folder.change(file::RUNS, |runs| runs[1]["record"]["dirty"] = true.into());
    folder.is_open("Code of every run", "1 of 9 runs were made by code with uncommitted changes");
    folder.change(file::RUNS, |runs| {
        runs[1]["record"]["dirty"] = false.into();
        runs[2]["record"]["commit"] = Value::Null;
    });
    folder.is_open("Code of every run", "1 of 9 runs name no commit");
}

#[test]
fn runs_decide_seeds_versions_and_compute() {
    let folder = Folder::new(&fixture::study());
    folder.is_known("Seeds and number of runs", "seed 0; 9 runs, in [Runs](#runs)");
    folder.is_known("Devices and time", "cpu; 6 min in all");
    folder.is_known("Versions", "#provenance");
    folder.is_known("Determinism", "all runs used devices that guarantee the same bits");
    folder.change(file::STUDY, |study| study["seeds"] = json!([0, 1]));
    folder.is_open("Seeds and number of runs", "4 of 8 tests of arms under a protocol and seed were not run");
    folder.change(file::STUDY, |study| study["seeds"] = json!([]));
    folder.is_open("Seeds and number of runs", "no seed is recorded");
    folder.change(file::RUNS, |runs| {
        runs[0]["record"]["versions"] = json!({});
        runs[0]["record"]["device"] = "".into();
    });
    folder.change(file::STUDY, |study| study["deterministic"] = false.into());
    folder.is_open("Versions", "some runs name no versions");
    folder.is_open("Devices and time", "some runs name no device");
    folder.is_known("Determinism", "does not guarantee the same bits");
    folder.change(file::RUNS, |runs| *runs = json!([]));
    for name in ["Code of every run", "Versions", "Devices and time", "Determinism"] {
        folder.is_open(name, "no run is recorded");
    }
}

#[test]
fn data_without_licence_citation_or_reason_are_open() {
    let folder = Folder::new(&fixture::study());
    folder.is_known("Data sets and splits", "[Data](#data)");
    folder.is_known("Licences of the data", "[Data](#data)");
    folder.is_known("Files left out", "each with its reason");
    // The second set of the fixture has none.
    folder.is_open("Citations of the data", "the citation of synthetic-pets-unlabelled is not known");
    folder.change(file::DATASETS, |sets| {
        sets[0]["licence"] = "none stated by its authors".into();
        sets[0]["digest"] = "".into();
        sets[1]["citation"] = "A paper".into();
        sets[1]["splits"] = json!([]);
        sets[0]["left_out"][0]["reason"] = " ".into();
    });
    folder.is_open("Licences of the data", "the licence of synthetic-pets is not known");
    folder.is_open("Digests of the data", "the digest of synthetic-pets");
    folder.is_open("Data sets and splits", "the splits of synthetic-pets-unlabelled");
    folder.is_open("Files left out", "say why 1 file was left out");
    folder.is_known("Citations of the data", "[Data](#data)");
    folder.change(file::DATASETS, |sets| *sets = json!([]));
    folder.is_open("Licences of the data", "the data folder lists no data set");
    folder.is_open("Files left out", "the data folder lists no data set");
}

#[test]
fn the_study_decides_claims_limits_settings_and_weights() {
    let mut study = fixture::study();
    let folder = Folder::new(&study);
    folder.is_known("Claims with their evidence", "4 claims, each with difference");
    folder.is_known("Tests of significance", "Holm");
    folder.is_known("Settings of every stage", "[Methods](#methods)");
    folder.is_open("Limitations", "say what the results do not show");
    folder.is_open("Variation between trainings", "there is only one seed");
    folder.is_open(
        "Initial weights",
        "the settings do not say which weights training started from in Self-supervised, Supervised",
    );
    folder.is_open("Ethics of the data", "the records cannot show this");
    folder.is_open("Broader impact", "the records cannot show this");

    study["notes"] = json!(["The encoder is another."]);
    study["report"]["claims"] = json!([]);
    study["settings"][1]["stages"] = json!([]);
    study["command"] = " ".into();
    study["expectation"] = "".into();
    let folder = Folder::new(&study);
    folder.is_known("Limitations", "1 note at the top of this report says");
    folder.is_open("Claims with their evidence", "the study makes no claim");
    folder.is_open("Tests of significance", "no claim could be tested");
    folder.is_open("Settings of every stage", "the settings are not known for Supervised");
    folder.is_open("Command that repeats it", "no command");
    folder.is_open("Question and expectation", "state `question` and `expectation`");

    let network = |study: &mut Value, [first, second]: [&str; 2]| {
        for (arm, from) in [(0, first), (1, second)] {
            let line = json!(["network", format!("VQ-VAE, 32 wide, from {from}")]);
            study["settings"][arm]["stages"] = json!([{"stage": "finetune", "lines": [line]}]);
        }
    };
    let weights = |starts: [&str; 2]| {
        let mut study = fixture::study();
        network(&mut study, starts);
        Folder::new(&study)
    };
    weights(["random weights"; 2]).is_known("Initial weights", "every arm starts from random weights");
    weights(["random weights", "the encoder `resnet34-imagenet`, the rest random"])
        .is_known("Initial weights", "resnet34");
    weights(["random weights", "the weights in `published/vqvae.pt`"]).is_open(
        "Initial weights",
        "say where these come from, and under which licence: the weights in \\`published/vqvae.pt\\`",
    );
}

#[test]
fn what_was_not_run_is_open_and_several_seeds_are_known() {
    let folder = tempfile::tempdir().unwrap();
    arms::write(folder.path(), &arms::study("ssl-vs-sl", &[0, 1, 2]), 12);
    let folder = Folder(folder);
    folder.is_known("Variation between trainings", "the intervals include it, over 3 seeds");
    folder.is_known("Error bars and what they cover", "over test images and seeds, 10,000 resamples");
    folder.is_known("Seeds and number of runs", "seeds 0, 1, 2; ");
    arms::forget_runs(folder.0.path());
    folder.is_open("Claims with their evidence", "had no data; run the missing arms");
    folder.is_open("Error bars and what they cover", "nothing was measured");
    folder.is_open("Seeds and number of runs", "were not run");
}

#[test]
fn names_of_strangers_stay_text() {
    let folder = Folder::new(&fixture::study());
    folder.change(file::DATASETS, |sets| {
        sets[0]["dataset"] = "<script>alert(1)</script> [x](javascript:y) * [x] z".into();
        sets[0]["licence"] = "".into();
    });
    folder.change(file::RUNS, |runs| runs[0]["record"]["device"] = "a\n* [x] **Ethics**: done <b>".into());
    let html = folder.rendered("index.html", "id=\"checklist\"");
    assert!(
        html.matches("<script").count() == 1
            && !html.contains("href=\"javascript")
            && !html.contains("<strong>Ethics</strong>")
    );
    folder.is_open("Licences of the data", "\\<script\\>");
}
