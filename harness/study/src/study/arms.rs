//! The arms of a study.

use super::written::{ArmSpec, Study};
use crate::spec::{
    decode::decode,
    diagnosis::{Diagnosis, Problems},
    merged::Merged,
    path::Path,
};

/// The sections of a study that an arm's variants may change.
pub const SECTIONS: [&str; 6] = ["data", "model", "init", "pretraining", "finetuning", "evaluation"];

/// An arm and the study that it runs.
#[derive(Debug, Clone)]
pub struct Arm {
    /// The arm as the study's file describes it.
    pub spec: ArmSpec,
    /// The study with the arm's variants laid over its sections.
    pub study: Study,
}

/// The arms of a study, each with the document that its own study was decoded from. Variants that do not exist are
/// skipped here; `check` reports them.
pub(super) fn arms(merged: &Merged, study: &Study) -> Result<Vec<(Arm, Merged)>, Problems> {
    let (mut arms, mut problems) = (Vec::new(), Vec::<Diagnosis>::new());
    for spec in &study.arms {
        let place = |name: &String| Path::default().key("variants").key(name);
        let known = spec.variants.iter().filter(|name| study.variants.contains_key(*name));
        let own = known.fold(merged.clone(), |merged, name| merged.over_itself(&place(name), &SECTIONS));
        match decode(&own) {
            Ok(study) => arms.push((Arm { spec: spec.clone(), study }, own)),
            Err(found) => problems.extend(found.into_vec()),
        }
    }
    Problems::none_in(problems).map(|()| arms)
}
