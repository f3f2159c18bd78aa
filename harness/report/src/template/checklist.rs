//! The facts that the records of a report show for a reviewer's checklist. `partials/checklist.md.j2` ticks its items
//! by them.

use super::facts::Facts;
use crate::{
    figures::{data::Data, runs::runs_of, tested::Untested},
    inputs::{datasets::DatasetInput, provenance::Code},
    markdown::count,
};
use harness_record::vocabulary::Stage;
use minijinja::{Value, value::Serde};
use serde::Serialize;
use std::collections::BTreeSet;

/// The maximum number of names that are listed; the rest are counted.
const LISTED: usize = 3;

/// The value that `checklist` returns. Lists of names are empty if there are no names.
#[derive(Debug, Serialize)]
struct Shown {
    /// The number of tests of claims, the number without an outcome, and true if one of these lacks a run.
    claim_tests: usize,
    untested: usize,
    not_run: bool,
    datasets: usize,
    /// The data sets for which a fact is unknown.
    without_splits: String,
    without_digest: String,
    without_licence: String,
    without_citation: String,
    /// The number of files that were left out, and the number of those without a reason.
    left_out: usize,
    unexplained: String,
    /// The initial weights of training, the arms whose settings do not name them, and the weights that are a user's
    /// file without a manifest.
    first_weights: String,
    without_first_weights: String,
    own_weights: String,
    without_settings: String,
    /// The way in which the hyper-parameters were chosen; empty if the spec does not say it.
    hyperparameters: String,
    test_images: usize,
    /// The first few seeds.
    seeds: String,
    /// The number of tests that there should be (one for each arm, protocol and seed), and the number of missing ones.
    arm_tests: usize,
    missing_tests: usize,
    runs: usize,
    /// The number of runs from code with uncommitted changes, of runs by a program of another commit than the specs,
    /// and of runs from code that is not known to be committed.
    changed: usize,
    apart: usize,
    unknown: usize,
    /// True if a run records no versions, and true if a run records no device.
    unversioned: bool,
    without_device: bool,
    devices: String,
}

/// `checklist()`: the facts that the records show.
pub(super) fn checklist(facts: &Facts) -> Value {
    Value::from(Serde(shown(facts)))
}

fn shown(facts: &Facts) -> Shown {
    let Facts { data, claims, .. } = facts;
    let study = &data.study;
    let left_out: Vec<_> = data.study.datasets.iter().flat_map(|set| &set.left_out).collect();
    let starts: Vec<_> = study.arms.iter().map(|arm| (arm.label.as_str(), first_weights(data, &arm.name))).collect();
    let weights = || starts.iter().filter_map(|(_, start)| *start);
    let described = |arm: &str| {
        study.settings.iter().any(|of| of.arm == arm && of.stages.iter().any(|stage| !stage.lines.is_empty()))
    };
    let [arm_tests, missing_tests] = arm_tests(data);
    let runs = runs_of(data);
    let records: Vec<_> = runs.iter().map(|placed| &placed.run.record).collect();
    let code = |wanted: Code| records.iter().filter(|record| data.provenance.code(&record.key) == wanted).count();
    let seeds: Vec<_> = study.seeds.iter().take(LISTED).map(u64::to_string).collect();
    Shown {
        claim_tests: claims.len(),
        untested: claims.iter().filter(|claim| claim.outcome.is_err()).count(),
        not_run: claims.iter().any(|claim| matches!(claim.outcome, Err(Untested::NotRun))),
        datasets: data.study.datasets.len(),
        without_splits: without(data, |set| !set.splits.is_empty()),
        without_digest: without(data, |set| is_filled(&set.digest)),
        // If no licence is known, the manifest says so in a text that begins with `none`.
        without_licence: without(data, |set| is_filled(&set.licence) && !set.licence.starts_with("none")),
        without_citation: without(data, |set| is_filled(&set.citation)),
        left_out: left_out.len(),
        unexplained: count(left_out.iter().filter(|row| !is_filled(&row.reason)).count() as u64),
        first_weights: list(weights()),
        without_first_weights: list(starts.iter().filter(|(_, start)| start.is_none()).map(|(label, _)| *label)),
        // A named encoder has a manifest with its source and licence; a file given by its path has neither.
        own_weights: list(weights().filter(|start| *start != RANDOM && !start.starts_with("the encoder `"))),
        without_settings: list(study.arms.iter().filter(|arm| !described(&arm.name)).map(|arm| arm.label.as_str())),
        hyperparameters: study.hyperparameters.clone().unwrap_or_default(),
        test_images: data.scores.images().len(),
        seeds: seeds.join(", ") + if study.seeds.len() > LISTED { ", …" } else { "" },
        arm_tests,
        missing_tests,
        runs: runs.len(),
        changed: code(Code::Changed),
        apart: code(Code::Apart),
        unknown: code(Code::Unknown),
        unversioned: records.iter().any(|record| record.versions.is_empty()),
        without_device: records.iter().any(|record| !is_filled(&record.device)),
        devices: list(records.iter().map(|record| record.device.as_str())),
    }
}

/// The name of random initial weights in the settings.
const RANDOM: &str = "random weights";

fn is_filled(text: &str) -> bool {
    !text.trim().is_empty()
}

/// Returns the first few names, and the number of the others.
fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: BTreeSet<_> = names.collect();
    let more = names.len().saturating_sub(LISTED);
    let first: Vec<_> = names.into_iter().take(LISTED).collect();
    first.join(", ") + &if more > 0 { format!(" and {} more", count(more as u64)) } else { String::new() }
}

/// Returns the data sets for which a fact is unknown.
fn without(data: &Data, is_known: impl Fn(&DatasetInput) -> bool) -> String {
    list(data.study.datasets.iter().filter(|set| !is_known(set)).map(|set| set.dataset.as_str()))
}

/// Returns the initial weights of an arm's training, as its settings name them.
fn first_weights<'a>(data: &'a Data, arm: &str) -> Option<&'a str> {
    let settings = data.study.settings.iter().find(|settings| settings.arm == arm)?;
    let stage = settings.stages.iter().find(|stage| stage.stage != Stage::Evaluate)?;
    let (_, network) = stage.lines.iter().find(|(name, _)| name == "network")?;
    Some(network.rsplit_once(", from ")?.1)
}

/// Returns the number of tests that there should be (one for each arm, protocol and seed), and the number of missing
/// ones.
fn arm_tests(data: &Data) -> [usize; 2] {
    let study = &data.study;
    let tests = data.runs.places().filter(|(place, _)| place.stage == Stage::Evaluate);
    let there: BTreeSet<_> = tests.map(|(place, _)| (place.arm.as_str(), place.protocol, place.seed)).collect();
    let wanted = study.arms.iter().flat_map(|arm| {
        let protocols = study.protocols.iter();
        protocols
            .flat_map(move |protocol| study.seeds.iter().map(move |seed| (arm.name.as_str(), Some(*protocol), *seed)))
    });
    let wanted: Vec<_> = wanted.collect();
    [wanted.len(), wanted.iter().filter(|place| !there.contains(place)).count()]
}
