//! One of two results, read.

use super::{
    circumstances::Facts,
    result::{About, CompareError},
};
use crate::{
    figures::{metrics::Metric, scores::Scores},
    inputs::{
        file::{self, short},
        images::{ImagePrefix, image_rows},
        lines::{Line, json, lines},
        metrics::{MetricInput, MetricLine},
        runs::{ANY_PROTOCOL, RunInput},
        study::{ArmInput, ArmSettings, ConditionInput, Family},
    },
};
use harness_record::{
    rows::{self, ImageRow, MetricRow},
    run::RunRecord,
    suggest::closest,
};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// The part of a report that is compared; all of it where nothing is chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// Name of an arm.
    pub arm: Option<String>,
    /// Name of a protocol.
    pub protocol: Option<String>,
    /// Name of a condition.
    pub condition: Option<String>,
}

/// What `study.json` must hold to be compared: less than to be rendered, so that reports of other versions can be read.
#[derive(Debug, Deserialize)]
struct StudyHead {
    title: String,
    #[serde(default)]
    profile: String,
    #[serde(default)]
    seeds: Vec<u64>,
    #[serde(default)]
    command: String,
    protocols: Vec<String>,
    arms: Vec<ArmInput>,
    conditions: Vec<ConditionInput>,
    #[serde(default)]
    settings: Vec<ArmSettings>,
    report: ReportHead,
}

#[derive(Debug, Deserialize)]
struct ReportHead {
    metrics: Vec<String>,
}

/// An arm that can be compared.
#[derive(Debug, Clone)]
pub(super) struct Arm {
    pub(super) name: String,
    pub(super) family: Family,
    /// Its loss under each protocol, in words, where they are known.
    losses: BTreeMap<String, String>,
}

impl Arm {
    /// What the loss is under `protocol`, in words.
    pub(super) fn loss(&self, protocol: &str) -> Option<&str> {
        self.losses.get(protocol).or_else(|| self.losses.get(ANY_PROTOCOL)).map(String::as_str)
    }
}

/// What kind of figures a side has.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// Scores of test images.
    Tested,
    /// Figures of training alone: `pretrain` or `finetune`.
    Trained(String),
}

/// One of two results.
#[derive(Debug)]
pub struct Side {
    pub(super) about: About,
    kind: Kind,
    pub(super) arms: Vec<Arm>,
    pub(super) protocols: Vec<String>,
    pub(super) conditions: Vec<String>,
    /// Whether arm, protocol and condition were chosen, so that they can be held against others of the other side.
    pub(super) chosen: [bool; 3],
    metrics: Option<Vec<String>>,
    pub(super) scores: Scores,
    pub(super) means: Vec<MetricInput>,
    /// Digests of the data that arms were tested on, by arm and protocol.
    tested_on: BTreeMap<(String, String), BTreeSet<String>>,
    pub(super) facts: Facts,
}

impl Side {
    /// Reads a report's data folder, or a part of it. `name` is what it is called in what is said of it, `spec` the settings of
    /// `spec.yaml` as JSON, where they are known.
    ///
    /// # Errors
    /// Data that are missing or damaged, and a choice that they do not have.
    pub fn report(
        name: &str,
        data: &Path,
        choice: &Choice,
        spec: Option<&serde_json::Value>,
    ) -> Result<Self, CompareError> {
        let study: StudyHead = json(&data.join(file::STUDY))?;
        let runs: Vec<RunInput> = json(&data.join(file::RUNS))?;
        let arms = chosen(name, "arm", study.arms.iter().map(|arm| &arm.name), choice.arm.as_ref())?;
        let protocols = chosen(name, "protocol", &study.protocols, choice.protocol.as_ref())?;
        let conditions =
            chosen(name, "condition", study.conditions.iter().map(|c| &c.name), choice.condition.as_ref())?;
        let mut facts = Facts::default();
        facts.spec(spec);
        facts.setting("profile", &study.profile);
        facts.setting("command", &study.command);
        facts.setting("seeds", &study.seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(", "));
        for stage in study.settings.iter().filter(|of| choice.arm.as_ref() == Some(&of.arm)).flat_map(|of| &of.stages) {
            for (field, value) in &stage.lines {
                facts.setting(&format!("{}: {field}", stage.stage), value);
            }
        }
        let of_arms = |run: &&RunInput| arms.contains(&run.arm);
        runs.iter().filter(of_arms).for_each(|run| facts.run(&run.record));
        let of_arm = |arm: &&ArmInput| arms.contains(&arm.name);
        let arm = |arm: &ArmInput| Arm {
            name: arm.name.clone(),
            family: arm.family,
            losses: losses(study.settings.iter().find(|of| of.arm == arm.name)),
        };
        Ok(Self {
            about: About { name: name.to_owned(), title: study.title.clone() },
            kind: Kind::Tested,
            arms: study.arms.iter().filter(of_arm).map(arm).collect(),
            chosen: [&choice.arm, &choice.protocol, &choice.condition].map(Option::is_some),
            protocols,
            conditions,
            metrics: Some(study.report.metrics),
            scores: Scores::new(&image_rows(&data.join(file::PER_IMAGE))?),
            means: lines(&data.join(file::METRICS))?.into_iter().map(|line: MetricLine| line.row).collect(),
            tested_on: tested_on(&runs),
            facts,
        })
    }

    /// Reads a finished run. `name` and `spec` as for [`Side::report`].
    ///
    /// # Errors
    /// Data that are missing or damaged.
    pub fn run(
        name: &str,
        folder: &Path,
        record: &RunRecord,
        spec: Option<&serde_json::Value>,
    ) -> Result<Self, CompareError> {
        let key = short(&record.key).to_owned();
        let protocol = record.protocol.clone().unwrap_or_else(|| ANY_PROTOCOL.to_owned());
        let place = RunInput {
            arm: key.clone(),
            protocol: protocol.clone(),
            seed: record.seed,
            stage: record.kind.clone(),
            record: record.into(),
        };
        let tested = record.kind == "evaluate";
        let images: Vec<ImageRow> = if tested { rows::read(&folder.join(file::PER_IMAGE))? } else { Vec::new() };
        let prefix = ImagePrefix::new(&place);
        let images: Vec<_> = (2..).zip(images).map(|(line, row)| Line { line, row: (prefix.clone(), row) }).collect();
        let mut means: Vec<MetricInput> = rows::read::<MetricRow>(&folder.join(file::METRICS))?
            .into_iter()
            .map(|row| MetricInput::new(&place, row))
            .collect();
        if !tested {
            let kept = record.kept_epoch.or_else(|| means.iter().map(|row| row.epoch).max());
            means.retain(|row| Some(row.epoch) == kept);
        }
        let mut conditions = Vec::new();
        for row in means.iter().filter(|row| row.predictor == "model") {
            if !conditions.contains(&row.condition) {
                conditions.push(row.condition.clone());
            }
        }
        let mut facts = Facts::default();
        facts.spec(spec);
        facts.setting("seed", &record.seed.to_string());
        facts.run(&place.record);
        let of_batches = spec.and_then(|spec| spec.get("model")).is_some_and(|model| model.get("linknet").is_some());
        let family = if of_batches { Family::Batch } else { Family::Soft };
        Ok(Self {
            about: About { name: name.to_owned(), title: format!("run {key}, {} under {protocol}", record.kind) },
            kind: if tested { Kind::Tested } else { Kind::Trained(record.kind.clone()) },
            arms: vec![Arm { name: key, family, losses: BTreeMap::new() }],
            protocols: vec![protocol],
            conditions,
            chosen: [true, true, false],
            metrics: None,
            scores: Scores::new(&images),
            means,
            tested_on: tested_on(&[place]),
            facts,
        })
    }

    /// Figures of training and of tests have nothing to do with each other, and neither have those of two kinds of training.
    pub(super) fn check_kind(&self, other: &Self) -> Result<(), CompareError> {
        if self.kind == other.kind {
            return Ok(());
        }
        let kind = |side: &Self| match &side.kind {
            Kind::Tested => format!("{} holds scores of test images", side.about.name),
            Kind::Trained(kind) => format!("{} holds figures of training ({kind})", side.about.name),
        };
        let text = format!("{}, {}: these cannot be compared", kind(self), kind(other));
        Err(CompareError::Choice(text))
    }

    /// Whether it has figures of training alone, whose metrics are called as in `metrics.csv`.
    pub(super) fn is_trained(&self) -> bool {
        matches!(self.kind, Kind::Trained(_))
    }

    /// Digests of the data that an arm was tested on; none where they are not known.
    pub(super) fn tested_on(&self, arm: &str, protocol: &str) -> Option<&BTreeSet<String>> {
        self.tested_on.get(&(arm.to_owned(), protocol.to_owned()))
    }

    /// The metrics that it shows by itself; `None` where it shows none in particular.
    pub(super) fn shown_metrics(&self) -> Option<Vec<String>> {
        if !self.is_trained() {
            return self.metrics.clone();
        }
        // A rate is set, not measured.
        let measured = self.trained_metrics().into_iter().filter(|name| *name != "learning_rate");
        Some(measured.map(str::to_owned).collect())
    }

    /// Names that can be asked for of this side and `other`.
    pub(super) fn known_metrics<'a>(&'a self, other: &'a Self) -> Vec<&'a str> {
        if !self.is_trained() {
            return Metric::names();
        }
        let mut names = self.trained_metrics();
        names.extend(other.trained_metrics());
        let mut seen = BTreeSet::new();
        names.retain(|name| seen.insert(*name));
        names
    }

    fn trained_metrics(&self) -> Vec<&str> {
        let mut seen = BTreeSet::new();
        self.means.iter().map(|row| row.metric.as_str()).filter(|name| seen.insert(*name)).collect()
    }
}

/// The one of `names` that was chosen, or all of them.
fn chosen<'a>(
    report: &str,
    what: &str,
    names: impl IntoIterator<Item = &'a String>,
    choice: Option<&String>,
) -> Result<Vec<String>, CompareError> {
    let names: Vec<_> = names.into_iter().cloned().collect();
    let Some(choice) = choice else { return Ok(names) };
    if names.contains(choice) {
        return Ok(vec![choice.clone()]);
    }
    let meant = closest(choice, &names).map(|meant| format!(" (did you mean `{meant}`?)")).unwrap_or_default();
    Err(CompareError::Choice(format!(
        "{report}: no {what} is called `{choice}`{meant}; there are {}",
        names.join(", ")
    )))
}

/// What an arm was trained with, from its settings in words.
fn losses(settings: Option<&ArmSettings>) -> BTreeMap<String, String> {
    let stages = settings.into_iter().flat_map(|of| &of.stages).filter(|stage| stage.stage == "finetune");
    let lines = stages.flat_map(|stage| &stage.lines).filter_map(|(field, words)| match field.split_once(", ") {
        Some(("loss", protocol)) => Some((protocol.to_owned(), words.clone())),
        None if field == "loss" => Some((ANY_PROTOCOL.to_owned(), words.clone())),
        _ => None,
    });
    lines.collect()
}

fn tested_on(runs: &[RunInput]) -> BTreeMap<(String, String), BTreeSet<String>> {
    let mut found: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for run in runs.iter().filter(|run| run.stage == "evaluate" && !run.record.data.is_empty()) {
        found.entry((run.arm.clone(), run.protocol.clone())).or_default().insert(run.record.data.clone());
    }
    found
}
