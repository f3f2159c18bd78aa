//! From finished runs to the data folder of a report.

mod changes;
mod gallery;
mod records;

use crate::{
    failure::{Failure, Outcome},
    manifests::{self, Manifests},
    words,
};
use harness_images::datasets::Repeated;
use harness_learn::metrics::CLASS_NAMES;
use harness_record::{
    digest, files,
    rows::{self, FileRow, ImageRow, MetricRow},
    run::RunRecord,
    store::Store,
    vocabulary::PrintedDice,
};
use harness_report::inputs::{
    ANY_PROTOCOL, ArmInput, DatasetInput, Family, GroupCount, ImagePrefix, MetricInput, PublishedRow, RepeatedInput,
    RunInput, Setting, SplitCount, StudyInput, file, per_image_csv,
};
use harness_study::{
    plan::{Plan, Stage},
    setting::setting,
    study::{Arm, Resolved, Study},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// Name of the resolved spec in the data folder.
pub(crate) const SPEC: &str = "spec.yaml";

/// Names of splits, in the order of tables.
const SPLITS: [&str; 3] = ["train", "validation", "test"];

/// The spec as it was run: `data/spec.yaml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Recorded {
    /// The profile.
    pub(crate) profile: String,
    /// What the command line changed.
    pub(crate) settings: Vec<String>,
    /// All settings that resulted.
    pub(crate) study: Study,
}

/// Where the parts come from.
pub(crate) struct Sources<'a> {
    pub(crate) store: &'a Store,
    /// Folder of `data-manifests/`.
    pub(crate) manifests: &'a Path,
}

/// Writes the data folder of a report anew, and says which experiment it is.
pub(crate) fn collect(
    resolved: &Resolved,
    settings: &[String],
    plan: &Plan,
    sources: &Sources<'_>,
    data: &Path,
) -> Outcome<Setting> {
    files::sweep(data)?;
    let before = changes::Before::read(data);
    let runs = runs_of(plan, sources.store)?;
    let datasets = datasets(resolved, plan, sources)?;
    let facts = Facts {
        deterministic: runs.iter().all(|run| run.record.deterministic),
        setting: setting(resolved, settings, &datasets),
    };
    write_json(&data.join(file::STUDY), &study_input(resolved, settings, facts))?;
    write_json(&data.join(file::RUNS), &runs)?;
    let metrics = metrics_of(&runs, sources.store)?;
    rows::write(&data.join(file::METRICS), &metrics)?;
    write_images(&runs, sources.store, &data.join(file::PER_IMAGE))?;
    records::write_pixels(&runs, sources.store, data)?;
    records::write_runs(&runs, sources.store, &data.join(file::RUN_FOLDER))?;
    write_json(&data.join(file::DATASETS), &datasets)?;
    gallery::collect(&resolved.study, plan, sources.store, &data.join("gallery"))?;
    changes::write(before, (&runs, &metrics), &data.join(file::CHANGES))?;
    let recorded =
        Recorded { profile: resolved.profile.clone(), settings: settings.to_vec(), study: resolved.study.clone() };
    let text = serde_yaml::to_string(&recorded).map_err(Failure::run)?;
    files::write(&data.join(SPEC), text.as_bytes())?;
    write_published(&published(resolved, sources.manifests)?, data, facts.setting)?;
    Ok(facts.setting)
}

/// The printed figures of the study, each with what was reproduced of it and the verdict, which all other files decide.
pub(crate) fn write_published(printed: &[PublishedRow], data: &Path, setting: Setting) -> Outcome {
    let path = data.join(file::PUBLISHED);
    // Written once, with its verdicts: others may read it at any time.
    let rows = harness_report::verdicts_on(printed, data, setting).map_err(Failure::run)?;
    Ok(files::write(&path, &harness_report::inputs::published_csv(&path, &rows)?)?)
}

/// What only the runs can say of a study.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts {
    /// Whether every device promised the same bits on a second run.
    pub(crate) deterministic: bool,
    /// Which data it ran on.
    pub(crate) setting: Setting,
}

/// `study.json`: the spec in words, and what the runs say.
pub(crate) fn study_input(resolved: &Resolved, settings: &[String], facts: Facts) -> StudyInput {
    let study = &resolved.study;
    let arm = |arm: &Arm| ArmInput {
        name: arm.spec.name.clone(),
        label: arm.spec.label.clone(),
        description: arm.spec.description.clone(),
        model: arm.study.model.name().to_owned(),
        family: match arm.study.model.sizes().published().map(|published| published.dice) {
            Some(PrintedDice::Batch) => Family::Batch,
            Some(PrintedDice::Soft) | None => Family::Soft,
        },
    };
    StudyInput {
        study: resolved.name.clone(),
        title: study.title.clone(),
        question: study.question.clone(),
        expectation: study.expectation.clone(),
        profile: resolved.profile.clone(),
        setting: facts.setting,
        command: words::command(resolved, settings),
        protocols: study.protocols.iter().map(|p| p.name().to_owned()).collect(),
        seeds: study.seeds.clone(),
        arms: resolved.arms.iter().map(arm).collect(),
        conditions: words::conditions(&study.evaluation, study.data.size),
        classes: CLASS_NAMES.iter().map(|&name| name.to_owned()).collect(),
        settings: resolved.arms.iter().map(|arm| words::arm(resolved, arm)).collect(),
        notes: words::notes(resolved),
        deterministic: facts.deterministic,
        report: study.report.clone(),
    }
}

fn runs_of(plan: &Plan, store: &Store) -> Outcome<Vec<RunInput>> {
    let mut runs = Vec::new();
    let mut seen = BTreeSet::new();
    for place in &plan.places {
        for key in &place.keys {
            let Some(stage) = plan.stage(key) else { continue };
            let kind = stage.settings.work.kind();
            let protocol = stage.settings.work.protocol().map_or(ANY_PROTOCOL, |p| p.name());
            if !seen.insert((place.arm.clone(), key.clone())) {
                continue; // a pretraining that both protocols share
            }
            let record = RunRecord::read(&store.run(kind, key).join("run.json"))?;
            runs.push(RunInput {
                arm: place.arm.clone(),
                protocol: protocol.to_owned(),
                seed: place.seed,
                stage: kind.to_owned(),
                record: (&record).into(),
            });
        }
    }
    Ok(runs)
}

fn metrics_of(runs: &[RunInput], store: &Store) -> Outcome<Vec<MetricInput>> {
    let mut all = Vec::new();
    for run in runs {
        let path = store.run(&run.stage, &run.record.key).join("metrics.csv");
        all.extend(rows::read::<MetricRow>(&path)?.into_iter().map(|row| MetricInput::new(run, row)));
    }
    Ok(all)
}

fn write_images(runs: &[RunInput], store: &Store, path: &Path) -> Outcome {
    let mut all: Vec<(ImagePrefix, ImageRow)> = Vec::new();
    let mut baselines = false;
    for run in runs.iter().filter(|run| run.stage == "evaluate") {
        let rows: Vec<ImageRow> = rows::read(&store.run("evaluate", &run.record.key).join("per_image.csv"))?;
        // The baselines look at no network: they are the same in every run, and one copy is enough.
        let wanted = rows.into_iter().filter(|row| row.predictor == "model" || !baselines);
        all.extend(wanted.map(|row| (ImagePrefix::new(run), row)));
        baselines = true;
    }
    Ok(files::write(path, &per_image_csv(path, &all)?)?)
}

/// The printed figures of the study, as the manifests have them.
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
        let rows: Vec<PublishedRow> = rows::read(&path)?;
        figures.extend(rows.into_iter().filter(|row| tables.contains(&row.table.as_str())));
    }
    for table in &tables {
        if !figures.iter().any(|row| row.table == **table) {
            let place = folder.display();
            let text = format!("no printed table `{table}` stands in {place}");
            return Err(Failure::Check(text));
        }
    }
    Ok(figures)
}

/// The data sets as the arms use them: one entry for each role, cut and choice of pictures, in the order of the arms.
fn datasets(resolved: &Resolved, plan: &Plan, sources: &Sources<'_>) -> Outcome<Vec<DatasetInput>> {
    let manifests = manifests::read(sources.manifests)?;
    let mut all: Vec<DatasetInput> = Vec::new();
    for (role, kind) in [("pretraining", "pretrain"), ("segmentation", "evaluate")] {
        for arm in &resolved.arms {
            for protocol in &resolved.study.protocols {
                let places = &mut plan.places.iter();
                let Some(place) = places.find(|at| at.arm == arm.spec.name && at.protocol == *protocol) else {
                    continue;
                };
                let mut stages = place.keys.iter().filter_map(|key| plan.stage(key));
                let Some(stage) = stages.find(|stage| stage.settings.work.kind() == kind) else { continue };
                let own = dataset(role, stage, sources.store, &manifests)?;
                add_use(&mut all, own, &arm.spec.name, protocol.name());
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

/// Adds a data set, or the arm and the protocol to the equal one that is there.
fn add_use(all: &mut Vec<DatasetInput>, own: DatasetInput, arm: &str, protocol: &str) {
    let plain = |set: &DatasetInput| DatasetInput { arms: Vec::new(), protocols: Vec::new(), ..set.clone() };
    let place = all.iter().position(|other| plain(other) == own).unwrap_or(all.len());
    if place == all.len() {
        all.push(own);
    }
    let add = |list: &mut Vec<String>, name: &str| {
        if !list.iter().any(|other| other == name) {
            list.push(name.to_owned());
        }
    };
    add(&mut all[place].arms, arm);
    add(&mut all[place].protocols, protocol);
}

fn dataset(role: &str, stage: &Stage, store: &Store, manifests: &Manifests) -> Outcome<DatasetInput> {
    let folder = store.run(stage.settings.work.kind(), &stage.key);
    let files: Vec<FileRow> = rows::read(&folder.join("files.csv"))?;
    let count = |split: &str| files.iter().filter(|row| row.split == split && row.reason.is_empty()).count() as u64;
    let splits = SPLITS
        .map(|split| SplitCount { split: split.to_owned(), images: count(split) })
        .into_iter()
        .filter(|split| split.images > 0)
        .collect();
    let about = manifests.about(&stage.dataset)?;
    Ok(DatasetInput {
        role: role.to_owned(),
        dataset: about.title,
        digest: stage.settings.data.clone(),
        size: stage.settings.size,
        licence: about.licence,
        citation: about.citation,
        arms: Vec::new(),
        protocols: Vec::new(),
        repeated: stage.repeated.map(|Repeated { pictures, removed }| RepeatedInput { pictures, removed }),
        splits,
        groups: groups(&files),
        left_out: files.into_iter().filter(|row| !row.reason.is_empty()).collect(),
    })
}

/// Images by breed, or class, and split, in the order of their names.
fn groups(files: &[FileRow]) -> Vec<GroupCount> {
    let mut counts: BTreeMap<&str, [u64; SPLITS.len()]> = BTreeMap::new();
    for row in files.iter().filter(|row| row.reason.is_empty()) {
        if let Some(split) = SPLITS.iter().position(|split| *split == row.split) {
            counts.entry(&row.group).or_default()[split] += 1;
        }
    }
    let group = |(group, [train, validation, test]): (&str, [u64; 3])| GroupCount {
        group: group.to_owned(),
        train,
        validation,
        test,
    };
    counts.into_iter().map(group).collect()
}

pub(crate) fn write_json<T: Serialize>(path: &Path, value: &T) -> Outcome {
    Ok(files::write(path, &json(value)?)?)
}

/// The bytes that [`write_json`] writes.
pub(crate) fn json<T: Serialize>(value: &T) -> Outcome<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(value).map_err(Failure::run)?;
    text.push(b'\n');
    Ok(text)
}

/// Digest of all that a report's data were collected from: equal digests, equal data.
pub(crate) fn fingerprint(resolved: &Resolved, settings: &[String], plan: &Plan) -> Outcome<String> {
    let keys: Vec<&str> = plan.stages.iter().map(|stage| stage.key.as_str()).collect();
    digest::of_settings(&(&resolved.study, &resolved.profile, settings, keys)).map_err(Failure::run)
}
