//! The arms of a study.

use super::written::{ArmSpec, Study};
use crate::spec::{
    decode::decode,
    diagnosis::{Diagnosis, Problems},
    merged::Merged,
    path::Path,
};
use harness_record::vocabulary::Protocol;

/// The sections of a study that an arm's variants may change.
pub const SECTIONS: [&str; 6] = ["data", "model", "init", "pretraining", "finetuning", "evaluation"];

/// An arm and the study that it runs.
#[derive(Debug, Clone)]
pub struct Arm {
    /// The arm as the study's file describes it.
    pub spec: ArmSpec,
    /// The study with the arm's variants laid over its sections, under each protocol of the study.
    studies: Vec<(Protocol, Study)>,
}

impl Arm {
    /// The study that the arm runs under a protocol of the study. Under a protocol that the study does not have, it is that
    /// of the first.
    ///
    /// # Panics
    /// Never: [`arms`] makes no arm without a study.
    pub fn under(&self, protocol: Protocol) -> &Study {
        let own = self.studies.iter().find(|(other, _)| *other == protocol);
        &own.unwrap_or(&self.studies[0]).1
    }

    /// Its studies under all protocols, in the order of the study.
    pub fn studies(&self) -> impl Iterator<Item = (Protocol, &Study)> {
        self.studies.iter().map(|(protocol, study)| (*protocol, study))
    }

    /// Changes its studies under all protocols.
    #[cfg(test)]
    pub(crate) fn change(&mut self, change: impl Fn(&mut Study)) {
        self.studies.iter_mut().for_each(|(_, study)| change(study));
    }
}

/// The arms of a study, each with the documents that its studies were decoded from. Variants that do not exist are skipped
/// here; `check` reports them.
pub(super) fn arms(merged: &Merged, study: &Study) -> Result<Vec<(Arm, Vec<Merged>)>, Problems> {
    let (mut arms, mut problems) = (Vec::new(), Vec::<Diagnosis>::new());
    for spec in &study.arms {
        let (mut studies, mut documents) = (Vec::new(), Vec::new());
        for &protocol in &study.protocols {
            let place = |name: &String| Path::default().key("variants").key(name);
            let names = spec.variants_under(protocol).filter(|name| study.variants.contains_key(*name));
            let own = names.fold(merged.clone(), |merged, name| merged.over_itself(&place(name), &SECTIONS));
            match decode(&own) {
                Ok(study) => {
                    studies.push((protocol, study));
                    documents.push(own);
                }
                Err(found) => problems.extend(found.into_vec()),
            }
        }
        if !studies.is_empty() {
            arms.push((Arm { spec: spec.clone(), studies }, documents));
        }
    }
    Problems::none_in(problems).map(|()| arms)
}
