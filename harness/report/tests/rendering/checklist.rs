//! The checklist at the end of a report is ticked by its records.

use crate::{
    fixture::{self, Report, SMALL, arms, store},
    folder, render, templates,
};
use harness_record::{
    run::{Checkout, HostRecord, RunRecord},
    vocabulary::Key,
};
use harness_report::inputs::file;
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::Path};

/// A report whose data the tests change.
struct Folder(Report);

impl Folder {
    fn new(study: &Value) -> Self {
        Self(folder(study, SMALL))
    }

    /// Changes the host record of one of the runs; runs are indexed in the order of places.
    fn change_host(&self, run: usize, change: impl Fn(&mut HostRecord)) -> &Self {
        let path = self.0.profile().join(file::PROVENANCE);
        let mut hosts: BTreeMap<Key, HostRecord> = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        change(hosts.get_mut(&self.0.places()[run].run).unwrap());
        std::fs::write(path, serde_json::to_vec(&hosts).unwrap()).unwrap();
        self
    }

    /// Changes the record of the first run.
    fn change_run(&self, change: impl Fn(&mut RunRecord)) -> &Self {
        let run = &self.0.runs()[0];
        let mut record = RunRecord::read(run).unwrap();
        change(&mut record);
        record.write(run).unwrap();
        self
    }

    fn change_datasets(&self, change: impl Fn(&mut Value)) -> &Self {
        self.change(file::STUDY, |study| change(&mut study["datasets"]))
    }

    fn change(&self, file: &str, change: impl Fn(&mut Value)) -> &Self {
        let path = self.0.data().join(file);
        let mut value: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        change(&mut value);
        std::fs::write(path, serde_json::to_vec(&value).unwrap()).unwrap();
        self
    }

    /// Returns a file of the report, from its checklist on.
    fn rendered(&self, name: &str, start: &str) -> String {
        let files = render(&self.0.data(), &templates()).unwrap();
        let file = files.into_iter().find(|file| file.path == Path::new(name)).unwrap();
        let text = String::from_utf8(file.bytes).unwrap();
        text[text.find(start).unwrap()..].to_owned()
    }

    fn markdown(&self) -> String {
        self.rendered("report.md", "## Checklist")
    }

    /// Returns the line of an item: true if it is ticked, and its text.
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
    assert!(html.contains(&format!("Of {} items, the records of this report show {ticked};", ticked + open)));
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
            None => assert!(folder.0.folder().join(target).is_file(), "{target}"),
        }
    }
}

#[test]
fn code_that_no_commit_holds_is_not_ticked() {
    let folder = Folder::new(&fixture::study());
    let is_open = |why: &str| folder.is_open("Code of every run", why);
    let is_known = || folder.is_known("Code of every run", "the program and the specs are committed");
    is_known();
    let changed = "1 of 9 runs were made with uncommitted changes in the program or the specs";
    folder.change_host(1, |host| host.specs.dirty = Some(true));
    is_open(changed);
    folder.change_host(1, |host| (host.specs.dirty, host.program.dirty) = (Some(false), Some(true)));
    is_open(changed);
    folder.change_host(1, |host| *host = store::host());
    is_known();
    // What is not known is not committed. An old record knows nothing of the program.
    let unknown: [fn(&mut HostRecord); 5] = [
        |host| host.specs.commit = None,
        |host| host.specs.dirty = None,
        |host| host.program.commit = None,
        |host| host.program.dirty = None,
        |host| host.program = Checkout::default(),
    ];
    for forget in unknown {
        folder.change_host(2, forget);
        is_open("for 1 of 9 runs it is not known whether the program and the specs were committed");
        folder.change_host(2, |host| *host = store::host());
    }
    // Two commits of one repository do not agree; those of two repositories need not.
    folder.change_host(3, |host| host.program.commit = Some("1b2c3d4e".to_owned()));
    is_open("1 of 9 runs were made by a program that was built from another commit than that of the specs");
    folder.change_host(3, |host| host.same_repository = None);
    is_open("for 1 of 9 runs it is not known");
    folder.change_host(3, |host| host.same_repository = Some(false));
    is_known();
    std::fs::remove_file(folder.0.profile().join(file::PROVENANCE)).unwrap();
    is_open("for 9 of 9 runs it is not known");
}

#[test]
fn runs_decide_seeds_versions_and_compute() {
    let folder = Folder::new(&fixture::study());
    folder.is_known("Seeds and number of runs", "seed 0; 9 runs, in [Runs](#runs)");
    folder.is_known("Devices and time", "cpu; host and time of each run are in [provenance.json](../provenance.json)");
    folder.is_known("Versions", "#provenance");
    folder.is_known("Determinism", "every run promises the same bits");
    folder.change(file::STUDY, |study| study["seeds"] = json!([0, 1]));
    folder
        .is_open("Seeds and number of runs", "4 of 8 tests of arms, counted for each protocol and seed, were not run");
    folder.change(file::STUDY, |study| study["seeds"] = json!([]));
    folder.is_open("Seeds and number of runs", "no seed is recorded");
    folder.change_run(|run| {
        run.versions.clear();
        run.device.clear();
    });
    folder.change(file::STUDY, |study| study["deterministic"] = false.into());
    folder.is_open("Versions", "some runs do not record their versions");
    folder.is_open("Devices and time", "some runs do not record their device");
    folder.is_known("Determinism", "does not promise the same bits");
    std::fs::write(folder.0.data().join(file::PLACES), store::PLACES).unwrap();
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
    // The second data set of the fixture has no citation.
    folder.is_open("Citations of the data", "missing for synthetic-pets-unlabelled: the citation");
    folder.change_datasets(|sets| {
        sets[0]["licence"] = "none stated by its authors".into();
        sets[0]["digest"] = "".into();
        sets[1]["citation"] = "A paper".into();
        sets[1]["splits"] = json!([]);
        sets[0]["left_out"][0]["reason"] = " ".into();
    });
    folder.is_open("Licences of the data", "missing for synthetic-pets: the licence");
    folder.is_open("Digests of the data", "missing for synthetic-pets: the digest");
    folder.is_open("Data sets and splits", "missing for synthetic-pets-unlabelled: the splits");
    folder.is_open("Files left out", "say why 1 file was left out");
    folder.is_known("Citations of the data", "[Data](#data)");
    folder.change_datasets(|sets| *sets = json!([]));
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
        "First weights",
        "the settings do not say which weights training began with, for Self-supervised, Supervised",
    );
    folder.is_open("Ethics of the data", "the records do not show this");
    folder.is_open("Broader impact", "the records do not show this");

    study["notes"] = json!(["The encoder is another."]);
    study["report"]["claims"] = json!([]);
    study["settings"][1]["stages"] = json!([]);
    study["command"] = " ".into();
    study["expectation"] = "".into();
    let folder = Folder::new(&study);
    folder.is_known("Limitations", "1 note says what differs from the published work");
    folder.is_open("Claims with their evidence", "the study states no claims");
    folder.is_open("Tests of significance", "no claim could be tested");
    folder.is_open("Settings of every stage", "the settings are not known for Supervised");
    folder.is_open("Command that repeats it", "no command");
    folder.is_open("Question and expectation", "add `question` and `expectation`");

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
    weights(["random weights"; 2]).is_known("First weights", "every arm begins with random weights");
    weights(["random weights", "the encoder `resnet34-imagenet`, the rest random"])
        .is_known("First weights", "resnet34");
    weights(["random weights", "the weights in `published/vqvae.pt`"]).is_open(
        "First weights",
        "say where these come from, and under which licence: the weights in \\`published/vqvae.pt\\`",
    );
}

#[test]
fn what_was_not_run_is_open_and_several_seeds_are_known() {
    let folder = Folder(Report::new());
    arms::write(&folder.0.data(), &arms::study("ssl-vs-sl", &[0, 1, 2]), 12);
    folder.is_known("Variation between trainings", "the intervals include it, over 3 seeds");
    folder.is_known("Error bars and what they cover", "over test images and seeds, 10,000 resamples");
    folder.is_known("Seeds and number of runs", "seeds 0, 1, 2; ");
    arms::forget_runs(&folder.0.data());
    folder.is_open("Claims with their evidence", "had no data; run the missing arms");
    folder.is_open("Error bars and what they cover", "nothing was measured");
    folder.is_open("Seeds and number of runs", "were not run");
}

#[test]
fn names_of_strangers_stay_text() {
    let folder = Folder::new(&fixture::study());
    folder.change_datasets(|sets| {
        sets[0]["dataset"] = "<script>alert(1)</script> [x](javascript:y) * [x] z".into();
        sets[0]["licence"] = "".into();
    });
    folder.change_run(|run| "a\n* [x] **Ethics**: done <b>".clone_into(&mut run.device));
    let html = folder.rendered("index.html", "id=\"checklist\"");
    assert!(
        !html.contains("<script") && !html.contains("href=\"javascript") && !html.contains("<strong>Ethics</strong>")
    );
    folder.is_open("Licences of the data", "\\<script\\>");
}
