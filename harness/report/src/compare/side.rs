//! Reads one of the two results of a comparison.

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

/// The part of a report that is compared. If nothing is chosen, it is the whole report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// The name of an arm.
    pub arm: Option<String>,
    /// The name of a protocol.
    pub protocol: Option<String>,
    /// The name of a condition.
    pub condition: Option<String>,
}

/// An arm that can be compared.
#[derive(Debug, Clone)]
pub(super) struct Arm {
    pub(super) name: String,
    /// The quantity that is measured as the arm's Dice under the published protocol.
    pub(super) dice: PrintedDice,
    /// The loss under each protocol, in words, if known. The key `None` holds a loss that is the same under both
    /// protocols.
    losses: BTreeMap<Option<Protocol>, String>,
}

impl Arm {
    /// Returns the loss under `protocol`, in words.
    pub(super) fn loss(&self, protocol: Protocol) -> Option<&str> {
        self.losses.get(&Some(protocol)).or_else(|| self.losses.get(&None)).map(String::as_str)
    }
}

/// The kind of figures that a side has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Scores of test images.
    Tested,
    /// Figures of training only.
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
    /// True for each of arm, protocol and condition that was chosen, so that it can be compared with a different one on
    /// the other side.
    pub(super) chosen: [bool; 3],
    metrics: Option<Vec<String>>,
    pub(super) scores: Scores,
    pub(super) runs: Runs,
    pub(super) facts: Facts,
}

impl Side {
    /// Reads a report's data folder, or a part of it. `name` is the name of the side in messages and on the page.
    /// `spec` holds the settings of `spec.yaml` as JSON, if known.
    ///
    /// # Errors
    /// Fails if data are missing or damaged, or if they do not contain the choice.
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

    /// Reads a finished run of the store. `name` is the name of the side in messages and on the page. `dice` is the
    /// quantity that is measured as the Dice of the run's network under the published protocol.
    ///
    /// # Errors
    /// Fails if data are missing or damaged.
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

    /// Returns the rows of trainings, each at the epoch whose weights were kept.
    pub(super) fn kept(&self) -> impl Iterator<Item = Measured<'_>> {
        let runs = self.runs.places().map(|(_, run)| run);
        runs.flat_map(Run::all).filter(|row| row.epoch == row.run.record.kept_epoch)
    }

    /// Checks that both sides hold the same kind of figures. Figures of training cannot be compared with figures of
    /// tests or of another training stage.
    pub(super) fn check_kind(&self, other: &Self) -> Result<(), CompareError> {
        if self.kind == other.kind {
            return Ok(());
        }
        let kind = |side: &Self| match side.kind {
            Kind::Tested => format!("{} contains scores of test images", side.about.name),
            Kind::Trained(stage) => format!("{} contains figures of training ({stage})", side.about.name),
        };
        let text = format!("{}, but {}: these cannot be compared", kind(self), kind(other));
        Err(CompareError::Choice(text))
    }

    /// Returns true if the side has figures of training only. Its metrics have the names used in `metrics.csv`.
    pub(super) fn is_trained(&self) -> bool {
        matches!(self.kind, Kind::Trained(_))
    }

    /// Returns the digests of the data that an arm was tested on, or `None` if it was not tested.
    pub(super) fn tested_on(&self, arm: &str, protocol: Protocol) -> Option<BTreeSet<&str>> {
        let tests = self.runs.of(arm, Stage::Evaluate, Some(protocol));
        let digests: BTreeSet<&str> = tests.map(|(_, run)| run.record.data.as_str()).collect();
        (!digests.is_empty()).then_some(digests)
    }

    /// Returns the metrics that the side shows by default, or `None` if it lists none.
    pub(super) fn shown_metrics(&self) -> Option<Vec<String>> {
        if !self.is_trained() {
            return self.metrics.clone();
        }
        // The learning rate is set, not measured.
        let measured = self.trained_metrics().into_iter().filter(|name| *name != "learning_rate");
        Some(measured.map(str::to_owned).collect())
    }

    /// Returns the metric names that can be asked for when comparing this side with `other`.
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

/// Returns the chosen one of `names`, or all of them if nothing was chosen.
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
        "{report}: unknown {what} `{choice}`{meant}; expected one of {}",
        names.join(", ")
    )))
}

/// Returns the loss of an arm under each protocol, taken from its settings in words.
fn losses(settings: Option<&ArmSettings>) -> BTreeMap<Option<Protocol>, String> {
    let stages = settings.into_iter().flat_map(|of| &of.stages).filter(|stage| stage.stage == Stage::Finetune);
    let lines = stages.flat_map(|stage| &stage.lines).filter_map(|(field, words)| match field.split_once(", ") {
        Some(("loss", protocol)) => Some((Some(protocol.parse().ok()?), words.clone())),
        None if field == "loss" => Some((None, words.clone())),
        _ => None,
    });
    lines.collect()
}
