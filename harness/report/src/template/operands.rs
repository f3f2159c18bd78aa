//! Parses words that templates pass to functions, and checks that they name things that exist.

use super::{answer::refuse, facts::Facts};
use crate::figures::{
    claim::{ClaimError, Operand},
    metrics::Metric,
};
use harness_record::vocabulary::{Baseline, Protocol, Species};
use minijinja::{Error, ErrorKind};

pub(super) fn metric(name: &str) -> Result<&'static Metric, Error> {
    Metric::find(name).ok_or_else(|| refuse("metric", name, &Metric::names()))
}

pub(super) fn species(name: &str) -> Result<Species, Error> {
    name.parse().map_err(|_| refuse("species", name, &Species::ALL.map(Species::name)))
}

/// Finds a protocol of the study.
pub(super) fn protocol(facts: &Facts, name: &str) -> Result<Protocol, Error> {
    let all = &facts.data.study.protocols;
    let found = all.iter().find(|protocol| protocol.name() == name).copied();
    found.ok_or_else(|| refuse("protocol", name, &all.iter().map(|protocol| protocol.name()).collect::<Vec<_>>()))
}

/// Parses `ARM[@CONDITION].METRIC` and checks every name.
pub(super) fn operand(facts: &Facts, text: &str) -> Result<Operand, Error> {
    let study = &facts.data.study;
    let conditions: Vec<_> = study.conditions.iter().map(|c| c.name.to_string()).collect();
    let conditions: Vec<_> = conditions.iter().map(String::as_str).collect();
    let operand: Operand = match text.parse() {
        Ok(operand) => operand,
        Err(ClaimError::Condition(name)) => return Err(refuse("condition", &name, &conditions)),
        Err(e) => return Err(Error::new(ErrorKind::InvalidOperation, format!("{e}"))),
    };
    let arms: Vec<_> = study.arms.iter().map(|a| a.name.as_str()).chain(Baseline::ALL.map(Baseline::name)).collect();
    if !arms.contains(&operand.arm.as_str()) {
        return Err(refuse("arm", &operand.arm, &arms));
    }
    match operand.condition.map(|condition| condition.to_string()) {
        Some(name) if !conditions.contains(&name.as_str()) => return Err(refuse("condition", &name, &conditions)),
        _ => {}
    }
    metric(&operand.metric)?;
    Ok(operand)
}
