//! The items of the checklist, each decided by the data folder alone.

use crate::{
    figures::{
        data::Data,
        runs::runs_of,
        statistics::summary::{CONFIDENCE, RESAMPLES},
        tested::{TestedClaim, Untested},
    },
    inputs::{datasets::DatasetInput, file::short},
    markdown::{code, count, duration, escape},
};
use std::collections::BTreeSet;

/// Most names that an answer lists; the rest are counted.
const LISTED: usize = 3;

/// One question.
pub(super) struct Item {
    /// What is asked, in a few words.
    pub(super) name: &'static str,
    /// Markdown: where it is shown, or what the authors have to add.
    pub(super) answer: Result<String, String>,
}

fn item(name: &'static str, answer: Result<String, String>) -> Item {
    Item { name, answer }
}

/// What only authors know.
fn open(name: &'static str, missing: &str) -> Item {
    item(name, Err(missing.to_owned()))
}

/// Open with what is missing, or else ticked with what is shown.
fn unless(missing: Option<String>, shown: impl Into<String>) -> Result<String, String> {
    missing.map_or_else(|| Ok(shown.into()), Err)
}

fn counted(n: usize, one: &str, many: &str) -> String {
    format!("{} {}", count(n as u64), if n == 1 { one } else { many })
}

/// The first few names, and how many more there are.
fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: BTreeSet<_> = names.into_iter().collect();
    let more = names.len().saturating_sub(LISTED);
    let first: Vec<_> = names.into_iter().take(LISTED).map(escape).collect();
    let more = if more > 0 { format!(" and {} more", count(more as u64)) } else { String::new() };
    first.join(", ") + &more
}

pub(super) fn claims(data: &Data, claims: &[TestedClaim]) -> Vec<Item> {
    let study = &data.study;
    let asked = [&study.question, &study.expectation].iter().all(|text| !text.trim().is_empty());
    let missing = (!asked).then(|| "state `question` and `expectation` in the study's file.".to_owned());
    let notes = counted(study.notes.len(), "note says", "notes say");
    let limits = study.notes.is_empty().then(|| {
        "say what the results do not show: other data, other networks, assumptions that may not hold.".to_owned()
    });
    vec![
        item("Question and expectation", unless(missing, "both stand at the top of this report.")),
        item("Claims with their evidence", evidence(data, claims)),
        item(
            "Limitations",
            unless(limits, format!("{notes} at the top of this report what differs from the published work.")),
        ),
        open("Broader impact", "say whom the results could serve or harm; no record tells."),
    ]
}

fn evidence(data: &Data, tests: &[TestedClaim]) -> Result<String, String> {
    let claims = data.study.report.claims.len();
    let untested = tests.iter().filter(|claim| claim.outcome.is_err()).count();
    let not_run = tests.iter().any(|claim| matches!(claim.outcome, Err(Untested::NotRun)));
    if claims == 0 {
        return Err("the study claims nothing; state `report.claims` in its file.".to_owned());
    }
    if not_run || untested == tests.len() {
        let (untested, tests) = (count(untested as u64), counted(tests.len(), "test of a claim", "tests of claims"));
        return Err(format!("{untested} of {tests} had no data; run the missing arms."));
    }
    Ok(format!(
        "{}, each with difference, interval and verdict, in [Claims](#claims).",
        counted(claims, "claim", "claims")
    ))
}

pub(super) fn data(data: &Data) -> Vec<Item> {
    let filled = |text: &str| !text.trim().is_empty();
    // The manifests say so where none is known.
    let licensed = |set: &DatasetInput| filled(&set.licence) && !set.licence.starts_with("none");
    let left_out: Vec<_> = data.datasets.iter().flat_map(|set| &set.left_out).collect();
    let unexplained = left_out.iter().filter(|row| !filled(&row.reason)).count();
    let unexplained =
        (unexplained > 0).then(|| format!("say why {} left out.", counted(unexplained, "file was", "files were")));
    let reasons = match left_out.len() {
        0 => "no file was left out, as [Files left out](#files-left-out) says.".to_owned(),
        _ => "each with its reason, in [Files left out](#files-left-out) and in [datasets.json](data/datasets.json)."
            .to_owned(),
    };
    let missing = |what: &str, known: &dyn Fn(&DatasetInput) -> bool| lacking(data, what, known);
    vec![
        item(
            "Data sets and splits",
            unless(
                missing("the splits", &|set| !set.splits.is_empty()),
                "with the images of each split, in [Data](#data).",
            ),
        ),
        item(
            "Digests of the data",
            unless(
                missing("the digest", &|set| filled(&set.digest)),
                "of the files as they were read, in [Data](#data).",
            ),
        ),
        item("Licences of the data", unless(missing("the licence", &licensed), "in [Data](#data).")),
        item(
            "Citations of the data",
            unless(missing("the citation", &|set| filled(&set.citation)), "in [Data](#data)."),
        ),
        item("Files left out", unless(missing("the files", &|_| true).or(unexplained), reasons)),
        item("First weights", first_weights(data)),
        open(
            "Ethics of the data",
            "say whether people can be recognised in the images, and who agreed to their use; no record tells.",
        ),
    ]
}

/// What is not known of some data set.
fn lacking(data: &Data, what: &str, is_known: &dyn Fn(&DatasetInput) -> bool) -> Option<String> {
    if data.datasets.is_empty() {
        return Some("the data folder lists no data set; run the study again.".to_owned());
    }
    let unknown: Vec<_> = data.datasets.iter().filter(|set| !is_known(set)).map(|set| set.dataset.as_str()).collect();
    (!unknown.is_empty())
        .then(|| format!("{what} of {} is not known; add it to the manifest of the data.", list(unknown)))
}

/// What training begins with, as the settings say it.
fn first_weights(data: &Data) -> Result<String, String> {
    let first = |arm: &str| {
        let settings = data.study.settings.iter().find(|settings| settings.arm == arm)?;
        let stage = settings.stages.iter().find(|stage| stage.stage != "evaluate")?;
        let (_, network) = stage.lines.iter().find(|(name, _)| name == "network")?;
        Some(network.rsplit_once(", from ")?.1)
    };
    let starts: Vec<_> = data.study.arms.iter().map(|arm| (arm.label.as_str(), first(&arm.name))).collect();
    let silent: Vec<_> = starts.iter().filter(|(_, start)| start.is_none()).map(|(label, _)| *label).collect();
    if starts.is_empty() || !silent.is_empty() {
        return Err(format!("the settings do not say what training began with{}.", of_some(&silent)));
    }
    let found: BTreeSet<_> = starts.iter().filter_map(|(_, start)| *start).collect();
    // An encoder by name has a manifest, with its source and licence; a file by path has neither.
    let files: Vec<_> =
        found.iter().copied().filter(|start| !is_random(start) && !start.starts_with("the encoder `")).collect();
    if !files.is_empty() {
        return Err(format!("say where these come from, and under which licence: {}.", list(files)));
    }
    if found.iter().all(|start| is_random(start)) {
        return Ok("every arm begins with random weights, see [Methods](#methods).".to_owned());
    }
    Ok(format!("{}; see [Methods](#methods).", list(found)))
}

fn is_random(start: &str) -> bool {
    start == "random weights"
}

fn of_some(labels: &[&str]) -> String {
    if labels.is_empty() { String::new() } else { format!(" in {}", list(labels.iter().copied())) }
}

pub(super) fn experiments(data: &Data, claims: &[TestedClaim]) -> Vec<Item> {
    let seeds = data.study.seeds.len();
    let described = |arm: &str| {
        data.study.settings.iter().any(|of| of.arm == arm && of.stages.iter().any(|stage| !stage.lines.is_empty()))
    };
    let silent: Vec<_> =
        data.study.arms.iter().filter(|arm| !described(&arm.name)).map(|arm| arm.label.as_str()).collect();
    let silent = (!silent.is_empty()).then(|| format!("the settings are not known{}.", of_some(&silent)));
    let measured = data.scores.images().is_empty().then(|| "nothing was measured; run the study.".to_owned());
    let units = if seeds > 1 { "test images and seeds" } else { "test images" };
    let bars = format!(
        "{CONFIDENCE} bootstrap over {units}, {} resamples, see [Intervals and tests](#intervals-and-tests).",
        count(RESAMPLES as u64)
    );
    let one_seed = (seeds < 2).then(|| {
        "intervals do not hold the chance of training, as there is one seed; run the study with `--seeds 0,1,2`."
            .to_owned()
    });
    let untested = claims.iter().all(|claim| claim.outcome.is_err());
    let untested = untested.then(|| "no claim could be tested.".to_owned());
    vec![
        item(
            "Settings of every stage",
            unless(silent, "in [Methods](#methods), also those that were left at their defaults."),
        ),
        item("Seeds and number of runs", runs(data)),
        item("Error bars and what they hold", unless(measured, bars)),
        item(
            "Chance of training",
            unless(one_seed, format!("intervals hold it: {}.", counted(seeds, "seed", "seeds"))),
        ),
        item(
            "Tests of significance",
            unless(
                untested,
                "sign flips, two-sided, corrected by Holm's method, see [Intervals and tests](#intervals-and-tests).",
            ),
        ),
    ]
}

/// Whether every arm was tested under every protocol and seed.
fn runs(data: &Data) -> Result<String, String> {
    let study = &data.study;
    if study.seeds.is_empty() {
        return Err("no seed is recorded.".to_owned());
    }
    let tested: BTreeSet<_> = data
        .runs
        .iter()
        .filter(|run| run.stage == "evaluate")
        .map(|run| (run.arm.as_str(), run.protocol.as_str(), run.seed))
        .collect();
    let places = study.arms.iter().flat_map(|arm| {
        study
            .protocols
            .iter()
            .flat_map(move |protocol| study.seeds.iter().map(move |seed| (&arm.name, protocol, *seed)))
    });
    let wanted: Vec<_> = places.collect();
    let missing =
        wanted.iter().filter(|(arm, protocol, seed)| !tested.contains(&(arm.as_str(), protocol.as_str(), *seed)));
    let missing = missing.count();
    if missing > 0 || wanted.is_empty() {
        let of = counted(wanted.len(), "test of an arm", "tests of arms");
        return Err(format!("{} of {of} under a protocol and seed were not run.", count(missing as u64)));
    }
    let seeds: Vec<_> = study.seeds.iter().take(LISTED).map(u64::to_string).collect();
    let more = if study.seeds.len() > LISTED { ", …" } else { "" };
    let word = if study.seeds.len() == 1 { "seed" } else { "seeds" };
    let distinct = counted(runs_of(data).len(), "run", "runs");
    Ok(format!("{word} {}{more}; {distinct}, in [Runs](#runs).", seeds.join(", ")))
}

pub(super) fn code_and_compute(data: &Data) -> Vec<Item> {
    let runs = runs_of(data);
    let records = || runs.iter().map(|run| &run.first().record);
    let none = runs.is_empty().then(|| "no run is recorded.".to_owned());
    let unversioned = records().any(|record| record.versions.is_empty());
    let unversioned = none.clone().or(unversioned.then(|| "some runs name no versions; run them again.".to_owned()));
    let promise = if data.study.deterministic {
        "every run promises the same bits when it is repeated."
    } else {
        "some runs used a device that does not promise the same bits when they are repeated."
    };
    let untimed = records().any(|record| record.device.trim().is_empty() || record.seconds <= 0.0);
    let untimed =
        none.clone().or(untimed.then(|| "some runs name no device or took no time; run them again.".to_owned()));
    let total = duration(records().map(|record| record.seconds).sum());
    let devices = list(records().map(|record| record.device.as_str()));
    let command = data.study.command.trim().is_empty().then(|| "no command is recorded.".to_owned());
    vec![
        item("Code of every run", commits(data)),
        item("Versions", unless(unversioned, "in [Provenance](#provenance).")),
        item("Determinism", unless(none, promise)),
        item("Command that repeats it", unless(command, "in [How to reproduce](#how-to-reproduce).")),
        item(
            "Devices and time",
            unless(untimed, format!("{devices}; {total} in all. [Runs](#runs) has those of each run.")),
        ),
        open("Compute beyond these runs", "say what trials and failed runs took; only finished runs are recorded."),
    ]
}

/// Whether each run was made by code that a commit holds.
fn commits(data: &Data) -> Result<String, String> {
    let runs = runs_of(data);
    let dirty = runs.iter().filter(|run| run.first().record.dirty).count();
    let without = runs.iter().filter(|run| run.first().record.commit.is_none()).count();
    let of = counted(runs.len(), "run", "runs");
    match (runs.len(), dirty, without) {
        (0, ..) => Err("no run is recorded.".to_owned()),
        (_, 0, 0) => {
            let commits: BTreeSet<_> = runs.iter().filter_map(|run| run.first().record.commit.as_deref()).collect();
            let named: Vec<_> = commits.iter().take(LISTED).map(|commit| code(short(commit))).collect();
            let more = commits.len().saturating_sub(LISTED);
            let more = if more > 0 { format!(" and {} more", count(more as u64)) } else { String::new() };
            let word = if commits.len() == 1 { "commit" } else { "commits" };
            Ok(format!(
                "{word} {}{more}, without uncommitted changes. [Runs](#runs) has that of each run.",
                named.join(", ")
            ))
        }
        (_, 0, _) => Err(format!("{} of {of} name no commit; run them again in a checkout.", count(without as u64))),
        _ => Err(format!(
            "{} of {of} were made by code with changes that no commit holds; commit first, then run them again.",
            count(dirty as u64)
        )),
    }
}
