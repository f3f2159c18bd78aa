//! One of two results, read.

use super::{
    circumstances::Facts,
    result::{About, CompareError, Under},
};
use crate::{
    figures::{metrics::Metric, scores::Scores},
    inputs::{
        file,
        lines::json,
        provenance::Provenance,
        runs::{Measured, Run, RunFolder, Runs},
        study::{ArmInput, ArmSettings, StudyInput},
    },
};
use harness_record::{
    rows::PlaceRow,
    run::{HostRecord, RunRecord},
    suggest::closest,
    vocabulary::{Condition, Predictor, PrintedDice, Protocol, Stage},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
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

/// An arm that can be compared.
#[derive(Debug, Clone)]
pub(super) struct Arm {
    pub(super) name: String,
    /// What is measured as its Dice under the published protocol.
    pub(super) dice: PrintedDice,
    /// Its loss under each protocol, in words, where they are known; under `None` what is the same under both.
    losses: BTreeMap<Option<Protocol>, String>,
}

impl Arm {
    /// What the loss is under `protocol`, in words.
    pub(super) fn loss(&self, protocol: Protocol) -> Option<&str> {
        self.losses.get(&Some(protocol)).or_else(|| self.losses.get(&None)).map(String::as_str)
    }
}

/// What kind of figures a side has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Scores of test images.
    Tested,
    /// Figures of training alone.
    Trained(Stage),
}

/// One of two results.
#[derive(Debug)]
pub struct Side {
    pub(super) about: About,
    kind: Kind,
    pub(super) arms: Vec<Arm>,
    pub(super) protocols: Vec<Under>,
    pub(super) conditions: Vec<Condition>,
    /// Whether arm, protocol and condition were chosen, so that they can be held against others of the other side.
    pub(super) chosen: [bool; 3],
    metrics: Option<Vec<String>>,
    pub(super) scores: Scores,
    pub(super) runs: Runs,
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
        let study: StudyInput = json(&data.join(file::STUDY))?;
        let (runs, provenance) = (Runs::read(data)?, Provenance::read(data)?);
        let arms = chosen(name, "arm", study.arms.iter().map(|arm| arm.name.clone()), choice.arm.as_ref())?;
        let protocols = study.protocols.iter().map(|protocol| Under(Some(*protocol)));
        let protocols = chosen(name, "protocol", protocols, choice.protocol.as_ref())?;
        let conditions = study.conditions.iter().map(|condition| condition.name);
        let conditions = chosen(name, "condition", conditions, choice.condition.as_ref())?;
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
        for (_, run) in runs.places().filter(|(place, _)| arms.contains(&place.arm)) {
            facts.run(&run.record, provenance.host(run.key()));
        }
        let of_arm = |arm: &&ArmInput| arms.contains(&arm.name);
        let arm = |arm: &ArmInput| Arm {
            name: arm.name.clone(),
            dice: arm.printed_dice(),
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
            scores: Scores::new(&runs),
            runs,
            facts,
        })
    }

    /// Reads a finished run of the store. `name` is what it is called in what is said of it, `dice` what is measured as the Dice
    /// of its network under the published protocol.
    ///
    /// # Errors
    /// Data that are missing or damaged.
    pub fn run(name: &str, folder: &Path, dice: PrintedDice) -> Result<Self, CompareError> {
        let record = RunRecord::read(folder)?;
        let mut facts = Facts::default();
        facts.spec(Some(&record.settings));
        facts.setting("seed", &record.seed.to_string());
        facts.run(&record, Some(&HostRecord::read(folder)?));
        let RunRecord { key, stage, protocol, seed, .. } = record.clone();
        let run = Run::read(RunFolder { path: folder.to_owned(), record }, true)?;
        let mut conditions = Vec::new();
        for row in run.metrics.iter().filter(|row| row.predictor == Predictor::Model) {
            if !conditions.contains(&row.condition) {
                conditions.push(row.condition);
            }
        }
        let (arm, under) = (key.short().to_owned(), Under(protocol));
        let place = PlaceRow { arm: arm.clone(), protocol, seed, stage, run: key };
        let runs = Runs::of_runs([(place, run)]);
        Ok(Self {
            about: About { name: name.to_owned(), title: format!("run {arm}, {stage} under {under}") },
            kind: if stage == Stage::Evaluate { Kind::Tested } else { Kind::Trained(stage) },
            arms: vec![Arm { name: arm, dice, losses: BTreeMap::new() }],
            protocols: vec![under],
            conditions,
            chosen: [true, true, false],
            metrics: None,
            scores: Scores::new(&runs),
            runs,
            facts,
        })
    }

    /// The rows of trainings, each of the epoch whose weights were kept.
    pub(super) fn kept(&self) -> impl Iterator<Item = Measured<'_>> {
        let runs = self.runs.places().map(|(_, run)| run);
        runs.flat_map(Run::all).filter(|row| row.epoch == row.run.record.kept_epoch)
    }

    /// Figures of training and of tests have nothing to do with each other, and neither have those of two kinds of training.
    pub(super) fn check_kind(&self, other: &Self) -> Result<(), CompareError> {
        if self.kind == other.kind {
            return Ok(());
        }
        let kind = |side: &Self| match side.kind {
            Kind::Tested => format!("{} holds scores of test images", side.about.name),
            Kind::Trained(stage) => format!("{} holds figures of training ({stage})", side.about.name),
        };
        let text = format!("{}, {}: these cannot be compared", kind(self), kind(other));
        Err(CompareError::Choice(text))
    }

    /// Whether it has figures of training alone, whose metrics are called as in `metrics.csv`.
    pub(super) fn is_trained(&self) -> bool {
        matches!(self.kind, Kind::Trained(_))
    }

    /// Digests of the data that an arm was tested on; `None` if it was not.
    pub(super) fn tested_on(&self, arm: &str, protocol: Protocol) -> Option<BTreeSet<&str>> {
        let tests = self.runs.of(arm, Stage::Evaluate, Some(protocol));
        let digests: BTreeSet<&str> = tests.map(|(_, run)| run.record.data.as_str()).collect();
        (!digests.is_empty()).then_some(digests)
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
        self.kept().map(Measured::metric_name).filter(|name| seen.insert(*name)).collect()
    }
}

/// The one of `names` that was chosen, or all of them.
fn chosen<T: fmt::Display>(
    report: &str,
    what: &str,
    names: impl IntoIterator<Item = T>,
    choice: Option<&String>,
) -> Result<Vec<T>, CompareError> {
    let mut names: Vec<T> = names.into_iter().collect();
    let Some(choice) = choice else { return Ok(names) };
    if let Some(at) = names.iter().position(|name| name.to_string() == *choice) {
        return Ok(vec![names.swap_remove(at)]);
    }
    let names: Vec<String> = names.iter().map(T::to_string).collect();
    let meant = closest(choice, &names).map(|meant| format!(" (did you mean `{meant}`?)")).unwrap_or_default();
    Err(CompareError::Choice(format!(
        "{report}: no {what} is called `{choice}`{meant}; there are {}",
        names.join(", ")
    )))
}

/// What an arm was trained with, from its settings in words.
fn losses(settings: Option<&ArmSettings>) -> BTreeMap<Option<Protocol>, String> {
    let stages = settings.into_iter().flat_map(|of| &of.stages).filter(|stage| stage.stage == Stage::Finetune);
    let lines = stages.flat_map(|stage| &stage.lines).filter_map(|(field, words)| match field.split_once(", ") {
        Some(("loss", protocol)) => Some((Some(protocol.parse().ok()?), words.clone())),
        None if field == "loss" => Some((None, words.clone())),
        _ => None,
    });
    lines.collect()
}
