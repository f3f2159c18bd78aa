//! A study as its YAML file says it: the typed spec, and what each of its arms does.

mod check;
mod experiment;

use crate::spec::{
    decode::decode,
    diagnosis::{Diagnosis, Problems},
    layers::Spec,
    merged::Merged,
    path::Path,
};
use harness_learn::{
    evaluate::EvaluateSpec,
    models::{InitSpec, ModelSpec},
    train::{FinetuneSpec, PretrainSpec},
};
use harness_record::vocabulary::Protocol;
use harness_report::ReportSpec;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

pub(crate) use check::check;
pub(crate) use experiment::{DataSpec, Experiment, SECTIONS};

/// Most images that an evaluation keeps for galleries.
pub(crate) const GALLERY: usize = 12;

/// A study.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Study {
    /// Title of the report.
    pub(crate) title: String,
    /// What is asked, a sentence or two.
    pub(crate) question: String,
    /// What is expected, written before the first run.
    pub(crate) expectation: String,
    /// How numbers are obtained: `published`, `corrected`, or both in the order of the report.
    pub(crate) protocols: Vec<Protocol>,
    /// Seeds: every arm is run once for each.
    pub(crate) seeds: Vec<u64>,
    /// What is trained and tested on.
    pub(crate) data: DataSpec,
    /// The network.
    pub(crate) model: ModelSpec,
    /// What its weights are before the first training.
    #[serde(default)]
    pub(crate) init: InitSpec,
    /// Training without labels.
    pub(crate) pretraining: PretrainSpec,
    /// Training with labels.
    pub(crate) finetuning: FinetuneSpec,
    /// Testing.
    pub(crate) evaluation: EvaluateSpec,
    /// Named changes of the sections above, which arms take: `half-labels: {data: {segmentation: {train: {fraction: 0.5}}}}`.
    #[serde(default)]
    pub(crate) variants: BTreeMap<String, Map<String, Value>>,
    /// Rows of the study's table.
    pub(crate) arms: Vec<ArmSpec>,
    /// What the report shows and claims.
    pub(crate) report: ReportSpec,
}

/// One row of the study's table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ArmSpec {
    /// Name in claims and data: lower-case letters, digits, hyphens.
    pub(crate) name: String,
    /// Label in tables and charts.
    pub(crate) label: String,
    /// What it does, a sentence.
    pub(crate) description: String,
    /// Whether fine-tuning starts from pretrained weights.
    #[serde(default = "yes")]
    pub(crate) pretrained: bool,
    /// Names of `variants` that make this arm different, each laid over the study's sections in turn.
    #[serde(default)]
    pub(crate) variants: Vec<String>,
}

fn yes() -> bool {
    true
}

/// An arm, and what it does.
#[derive(Debug, Clone)]
pub(crate) struct Arm {
    /// Its row.
    pub(crate) spec: ArmSpec,
    /// The study's sections with the arm's variants.
    pub(crate) experiment: Experiment,
}

/// A study under one profile.
#[derive(Debug, Clone)]
pub(crate) struct Resolved {
    /// Name: the stem of its file.
    pub(crate) name: String,
    /// The profile.
    pub(crate) profile: String,
    /// Its settings.
    pub(crate) study: Study,
    /// Its arms, in the order of the study.
    pub(crate) arms: Vec<Arm>,
}

impl Resolved {
    /// Reads a study under a profile and the command line's settings, and checks it.
    pub(crate) fn new(spec: &Spec, profile: &str, settings: &[String]) -> Result<Self, Problems> {
        let merged = spec.merge(profile, settings)?;
        let study: Study = decode(&merged)?;
        Problems::none_in(check(&merged, &study))?;
        let arms = arms(&merged, &study)?.into_iter().map(|(arm, _)| arm).collect();
        Ok(Self { name: spec.name.clone(), profile: profile.to_owned(), study, arms })
    }
}

/// The arms of a study, each with the document that its experiment was read from. Variants that do not exist are passed over:
/// `check` names them.
fn arms(merged: &Merged, study: &Study) -> Result<Vec<(Arm, Merged)>, Problems> {
    let (mut arms, mut problems) = (Vec::new(), Vec::<Diagnosis>::new());
    for spec in &study.arms {
        let place = |name: &String| Path::default().key("variants").key(name);
        let known = spec.variants.iter().filter(|name| study.variants.contains_key(*name));
        let own = known.fold(merged.clone(), |merged, name| merged.over_itself(&place(name))).only(&SECTIONS);
        match decode(&own) {
            Ok(experiment) => arms.push((Arm { spec: spec.clone(), experiment }, own)),
            Err(found) => problems.extend(found.into_vec()),
        }
    }
    Problems::none_in(problems).map(|()| arms)
}
