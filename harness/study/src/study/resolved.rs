//! A study under one profile, read and checked.

use super::{
    arms::{Arm, arms},
    check::check,
    written::Study,
};
use crate::spec::{decode::decode, diagnosis::Problems, layers::Spec};

/// A study under one profile.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// Its name, the stem of its file.
    pub name: String,
    /// The profile.
    pub profile: String,
    /// The study as decoded from its file, with the profile and the overrides laid over it.
    pub study: Study,
    /// Its arms, in the order of the study.
    pub arms: Vec<Arm>,
}

impl Resolved {
    /// Decodes a study under a profile and the command line's overrides, and checks it.
    pub fn new(spec: &Spec, profile: &str, overrides: &[String]) -> Result<Self, Problems> {
        let merged = spec.merge(profile, overrides)?;
        let study: Study = decode(&merged)?;
        Problems::none_in(check(&merged, &study))?;
        let arms = arms(&merged, &study)?.into_iter().map(|(arm, _)| arm).collect();
        Ok(Self { name: spec.name.clone(), profile: profile.to_owned(), study, arms })
    }
}
