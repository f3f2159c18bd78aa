//! What each arm of a study does.

use super::{
    data::DataSpec,
    written::{ArmSpec, Study},
};
use crate::spec::{
    decode::decode,
    diagnosis::{Diagnosis, Problems},
    merged::Merged,
    path::Path,
};
use harness_learn::{
    evaluate::EvaluateSpec,
    models::{InitSpec, ModelSpec},
    train::{FinetuneSpec, PretrainSpec},
};
use serde::{Deserialize, Serialize};

/// Names of an experiment's sections.
pub const SECTIONS: [&str; 6] = ["data", "model", "init", "pretraining", "finetuning", "evaluation"];

/// What an arm does: the study's sections with the arm's variants laid over them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// What is trained and tested on.
    pub data: DataSpec,
    /// The network.
    pub model: ModelSpec,
    /// What its weights are before the first training.
    #[serde(default)]
    pub init: InitSpec,
    /// Training without labels.
    pub pretraining: PretrainSpec,
    /// Training with labels.
    pub finetuning: FinetuneSpec,
    /// Testing.
    pub evaluation: EvaluateSpec,
}

/// An arm, and what it does.
#[derive(Debug, Clone)]
pub struct Arm {
    /// Its row.
    pub spec: ArmSpec,
    /// The study's sections with the arm's variants.
    pub experiment: Experiment,
}

/// The arms of a study, each with the document that its experiment was read from. Variants that do not exist are passed over:
/// `check` names them.
pub(super) fn arms(merged: &Merged, study: &Study) -> Result<Vec<(Arm, Merged)>, Problems> {
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
