//! Collects finished runs into the data folder of a report.

mod runs;
mod trials;

pub(crate) use runs::{Provenance, provenance};

use crate::{
    failure::{Failure, Outcome},
    json,
    manifests::{self, Manifests},
    registry::Registry,
    words,
};
use harness_images::datasets::Repeated;
use harness_learn::{metrics::CLASS_NAMES, models::Finish};
use harness_record::{
    digest, files,
    rows::{FileRow, PlaceRow},
    run,
    store::Store,
    table,
    vocabulary::{self, Protocol, Purpose, Split},
};
use harness_report::{
    ChartSpec,
    inputs::{
        ArmInput, DatasetInput, Fidelity, GroupCount, PublishedNetwork, PublishedRow, Registration, RepeatedInput,
        SplitCount, StudyInput, TestImages, file,
    },
};
use harness_study::{
    fidelity::fidelity,
    plan::{Plan, PlannedStage},
    study::{Arm, Resolved, Study},
    test_images,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// The spec as it was run: `data/spec.yaml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Recorded {
    /// The profile.
    pub(crate) profile: String,
    /// The settings changed on the command line.
    pub(crate) overrides: Vec<String>,
    /// The study with all resulting settings.
    pub(crate) study: Study,
}

/// The folders that the parts of a report's data come from.
pub(crate) struct Sources<'a> {
    pub(crate) store: &'a Store,
    /// Folder of `data-manifests/`.
    pub(crate) manifests: &'a Path,
    /// What the study registered, and the notes of its tests.
    pub(crate) registry: &'a Registry,
}

/// Writes the data of the report in `folder` anew, with the records of its runs beside it, and returns which experiment
/// it is.
///
/// The data depend only on the spec, the runs and the manifests; only `provenance.json` says where runs were made. A
/// report with changed settings has one of its own, so that it changes no file of other reports.
pub(crate) fn collect(
    resolved: &Resolved,
    overrides: &[String],
    plan: &Plan,
    sources: &Sources<'_>,
    folder: &Path,
) -> Outcome<Fidelity> {
    let data = folder.join("data");
    files::sweep(&data)?;
    let places = places_of(plan);
    let records = runs::records(&places, sources.store)?;
    let datasets = datasets(resolved, plan, sources)?;
    let facts = Facts {
        deterministic: records.values().all(|record| record.deterministic),
        fidelity: fidelity(resolved, overrides, &datasets),
    };
    let test_images = test_images::of_plan(plan).map_err(Failure::run)?;
    let tests = trials::known(sources, &test_images)?;
    sources.registry.publish(&data)?;
    let study = study_input(resolved, overrides, facts, (datasets, test_images));
    json::write(&data.join(file::STUDY), &study)?;
    table::write(&data.join(file::PLACES), &places)?;
    runs::publish(folder, sources.store, !overrides.is_empty(), tests)?;
    let recorded =
        Recorded { profile: resolved.profile.clone(), overrides: overrides.to_vec(), study: resolved.study.clone() };
    let text = serde_yaml::to_string(&recorded).map_err(Failure::run)?;
    files::write(&data.join(file::SPEC), text.as_bytes())?;
    write_published(&published(resolved, sources.manifests)?, &data, facts.fidelity)?;
    Ok(facts.fidelity)
}

/// Writes the printed figures of the study, each with its reproduced value and the verdict. The verdicts follow from
/// all the other files, which must be there.
pub(crate) fn write_published(printed: &[PublishedRow], data: &Path, fidelity: Fidelity) -> Outcome {
    let path = data.join(file::PUBLISHED);
    // The file is written once, verdicts included, because others may read it at any time.
    let rows = harness_report::verdicts_on(printed, data, fidelity)?;
    Ok(files::write(&path, &harness_report::inputs::published_csv(&path, &rows)?)?)
}

/// Facts about a study that only its runs can tell.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts {
    /// True when every device promised the same bits on a second run.
    pub(crate) deterministic: bool,
    /// The kind of data that the study ran on.
    pub(crate) fidelity: Fidelity,
}

/// `study.json`: the spec in words, and what the runs say.
pub(crate) fn study_input(
    resolved: &Resolved,
    overrides: &[String],
    facts: Facts,
    (datasets, test_images): (Vec<DatasetInput>, Vec<TestImages>),
) -> StudyInput<ChartSpec> {
    let study = &resolved.study;
    let model = |arm: &Arm| arm.under(Protocol::Published).model.clone();
    let arm = |arm: &Arm| ArmInput {
        name: arm.spec.name.clone(),
        label: arm.spec.label.clone(),
        description: arm.spec.description.clone(),
        model: model(arm).name().to_owned(),
        published: model(arm).sizes().published().map(|published| PublishedNetwork {
            dice: published.dice,
            divided: published.procedure.finish == Finish::DividedByMaximum,
        }),
    };
    StudyInput {
        study: resolved.name.clone(),
        title: study.title.clone(),
        question: study.question.clone(),
        expectation: study.expectation.clone(),
        hyperparameters: study.hyperparameters.clone(),
        profile: resolved.profile.clone(),
        fidelity: facts.fidelity,
        command: words::command(&resolved.name, &resolved.profile, overrides),
        protocols: study.protocols.clone(),
        seeds: study.seeds.clone(),
        arms: resolved.arms.iter().map(arm).collect(),
        conditions: words::conditions(&study.evaluation, study.data.size),
        classes: CLASS_NAMES.iter().map(|&name| name.to_owned()).collect(),
        settings: resolved.arms.iter().map(words::arm).collect(),
        datasets,
        test_images,
        notes: words::notes(resolved),
        deterministic: facts.deterministic,
        report: study.report.clone(),
    }
}

/// The rows of `places.csv`: one row per run and arm. A pretraining that both protocols share has one row.
fn places_of(plan: &Plan) -> Vec<PlaceRow> {
    let mut rows = Vec::new();
    let mut seen = BTreeSet::new();
    for chain in &plan.chains {
        for stage in chain.keys.iter().filter_map(|key| plan.stage(key)) {
            if seen.insert((&chain.arm, &stage.key)) {
                rows.push(PlaceRow {
                    arm: chain.arm.clone(),
                    protocol: stage.settings.work.protocol(),
                    seed: chain.seed,
                    stage: stage.settings.work.stage(),
                    run: stage.key.clone(),
                });
            }
        }
    }
    rows
}

/// The printed figures of the study, taken from the manifests.
pub(crate) fn published(resolved: &Resolved, manifests: &Path) -> Outcome<Vec<PublishedRow>> {
    let tables: Vec<&str> = resolved.study.report.published.iter().map(|t| t.table.as_str()).collect();
    let folder = manifests.join("published");
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(Failure::run)? {
        let path = entry.map_err(Failure::run)?.path();
        if path.extension().is_some_and(|x| x == "csv") {
            paths.push(path);
        }
    }
    paths.sort();
    let mut figures: Vec<PublishedRow> = Vec::new();
    for path in paths {
        let rows: Vec<PublishedRow> = table::read_rows(&path)?;
        figures.extend(rows.into_iter().filter(|row| tables.contains(&row.table.as_str())));
    }
    for table in &tables {
        if !figures.iter().any(|row| row.table == **table) {
            let place = folder.display();
            let text = format!("there is no printed table `{table}` in {place}");
            return Err(Failure::Check(text));
        }
    }
    Ok(figures)
}

/// The data sets as the arms use them: one entry for each purpose, cut and choice of pictures, in the order of the arms.
fn datasets(resolved: &Resolved, plan: &Plan, sources: &Sources<'_>) -> Outcome<Vec<DatasetInput>> {
    let manifests = manifests::read(sources.manifests)?;
    let mut all: Vec<DatasetInput> = Vec::new();
    for (purpose, of) in
        [(Purpose::Pretraining, vocabulary::Stage::Pretrain), (Purpose::Segmentation, vocabulary::Stage::Evaluate)]
    {
        for arm in &resolved.arms {
            for protocol in &resolved.study.protocols {
                let chains = &mut plan.chains.iter();
                let Some(chain) = chains.find(|at| at.arm == arm.spec.name && at.protocol == *protocol) else {
                    continue;
                };
                let mut stages = chain.keys.iter().filter_map(|key| plan.stage(key));
                let Some(stage) = stages.find(|stage| stage.settings.work.stage() == of) else { continue };
                let own = dataset(purpose, stage, sources.store, &manifests)?;
                add_use(&mut all, own, &arm.spec.name, *protocol);
            }
        }
    }
    for set in &mut all {
        if set.protocols.len() == resolved.study.protocols.len() {
            set.protocols.clear();
        }
    }
    Ok(all)
}

/// Adds a data set unless an equal one is there, and adds the arm and the protocol to its users.
fn add_use(all: &mut Vec<DatasetInput>, own: DatasetInput, arm: &str, protocol: Protocol) {
    let plain = |set: &DatasetInput| DatasetInput { arms: Vec::new(), protocols: Vec::new(), ..set.clone() };
    let place = all.iter().position(|other| plain(other) == own).unwrap_or(all.len());
    if place == all.len() {
        all.push(own);
    }
    let DatasetInput { arms, protocols, .. } = &mut all[place];
    if !arms.iter().any(|other| other == arm) {
        arms.push(arm.to_owned());
    }
    if !protocols.contains(&protocol) {
        protocols.push(protocol);
    }
}

fn dataset(purpose: Purpose, stage: &PlannedStage, store: &Store, manifests: &Manifests) -> Outcome<DatasetInput> {
    let folder = store.run(stage.settings.work.stage(), &stage.key);
    let files: Vec<FileRow> = table::read_rows(&folder.join(run::file::FILES))?;
    let count = |split| files.iter().filter(|row| row.used.split() == Some(split)).count() as u64;
    let splits = Split::ALL
        .map(|split| SplitCount { split, images: count(split) })
        .into_iter()
        .filter(|split| split.images > 0)
        .collect();
    let about = manifests.about(&stage.dataset)?;
    Ok(DatasetInput {
        purpose,
        dataset: about.title,
        digest: stage.settings.data.clone(),
        size: stage.settings.size,
        licence: about.licence,
        citation: about.citation,
        arms: Vec::new(),
        protocols: Vec::new(),
        repeated: stage.repeated.map(|Repeated { pictures, removed }| RepeatedInput { pictures, removed }),
        seed: stage.settings.work.redraws().then_some(stage.settings.seed),
        splits,
        groups: groups(&files),
        left_out: files.into_iter().filter(|row| !row.reason.is_empty()).collect(),
    })
}

/// Images by breed, or class, and split, in the order of their names.
fn groups(files: &[FileRow]) -> Vec<GroupCount> {
    let mut counts: BTreeMap<&str, GroupCount> = BTreeMap::new();
    for row in files {
        let Some(split) = row.used.split() else { continue };
        let count = counts.entry(&row.group).or_insert_with(|| GroupCount {
            group: row.group.clone(),
            train: 0,
            validation: 0,
            test: 0,
        });
        match split {
            Split::Train => count.train += 1,
            Split::Validation => count.validation += 1,
            Split::Test => count.test += 1,
        }
    }
    counts.into_values().collect()
}

/// Digest of what a report's data are collected from: equal digests mean equal data, except that other studies may have
/// used the same test images since.
pub(crate) fn fingerprint(
    resolved: &Resolved,
    overrides: &[String],
    plan: &Plan,
    registry: &Registry,
) -> Outcome<String> {
    let keys: Vec<&str> = plan.stages.iter().map(|stage| stage.key.as_str()).collect();
    let (registration, tests) = (registry.registration()?, registry.tests()?);
    let registered = registration.as_ref().map(Registration::digest);
    digest::of_settings(&(&resolved.study, &resolved.profile, overrides, keys, registered, tests.opened))
        .map_err(Failure::run)
}
