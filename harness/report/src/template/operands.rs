//! Names that templates pass to functions, each checked against what there is.

use super::{answer::refuse, facts::Facts};
use crate::{
    figures::{claim::Operand, metrics::Metric},
    inputs::{baselines::BASELINES, species::Species},
};
use minijinja::{Error, ErrorKind};

pub(super) fn metric(name: &str) -> Result<&'static Metric, Error> {
    Metric::find(name).ok_or_else(|| refuse("metric", name, &Metric::names()))
}

pub(super) fn species(name: &str) -> Result<Species, Error> {
    Species::find(name).ok_or_else(|| refuse("species", name, &Species::NAMES))
}

pub(super) fn check_protocol(facts: &Facts, protocol: &str) -> Result<(), Error> {
    let names: Vec<_> = facts.data.study.protocols.iter().map(String::as_str).collect();
    if names.contains(&protocol) { Ok(()) } else { Err(refuse("protocol", protocol, &names)) }
}

/// `ARM[@CONDITION].METRIC`, with every name known.
pub(super) fn operand(facts: &Facts, text: &str) -> Result<Operand, Error> {
    let operand: Operand = text.parse().map_err(|e| Error::new(ErrorKind::InvalidOperation, format!("{e}")))?;
    let study = &facts.data.study;
    let arms: Vec<_> = study.arms.iter().map(|a| a.name.as_str()).chain(BASELINES).collect();
    if !arms.contains(&operand.arm.as_str()) {
        return Err(refuse("arm", &operand.arm, &arms));
    }
    let conditions: Vec<_> = study.conditions.iter().map(|c| c.name.as_str()).collect();
    match &operand.condition {
        Some(name) if !conditions.contains(&name.as_str()) => return Err(refuse("condition", name, &conditions)),
        _ => {}
    }
    metric(&operand.metric)?;
    Ok(operand)
}
