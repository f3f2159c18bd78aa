//! Health checks: what the records of training and testing show that can undermine a verdict.
//!
//! A check is a file of this folder and a line in [`CHECKS`]. A finding that *fails* withholds the verdicts that it
//! undermines; one that *warns* stands above the answer, and in the rows of the claims that it concerns.

mod codebook;
pub(crate) mod collapse;
mod divergence;
mod labels;
mod overfitting;
mod unequal;

use super::{
    claim::Operand,
    data::Data,
    metrics::{Metric, is_soft},
};
use crate::inputs::study::baseline;
use harness_record::vocabulary::{Baseline, Condition, Protocol};
use std::collections::BTreeMap;

/// A check of the records of a study.
struct Check {
    /// The name in reports.
    name: &'static str,
    /// Looks for problems. Returns an error that says why it cannot look.
    look: fn(&Data) -> Result<Vec<Finding>, &'static str>,
}

/// All checks, in the order of reports.
const CHECKS: [Check; 6] = [
    Check { name: "collapse", look: collapse::look },
    Check { name: "divergence between seeds", look: divergence::look },
    Check { name: "unequal training", look: unequal::look },
    Check { name: "labels of arms", look: labels::look },
    Check { name: "overfitting", look: overfitting::look },
    Check { name: "codebook use", look: codebook::look },
];

/// What a finding does to the verdicts that it undermines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Severity {
    /// It withholds them.
    Fails,
    /// It leaves them.
    Warns,
}

/// A problem that a check found.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    /// What was found, in sentences. Markdown; its numbers link to their rows.
    pub(crate) found: String,
    pub(crate) undermines: Undermines,
}

/// The comparisons that a finding undermines, each with a few words on the reason. The words are Markdown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Undermines {
    /// None in particular.
    Nothing,
    /// Those of one of these arms under a protocol, with another arm or under another condition. Comparisons with a
    /// baseline, and of two measures of the same predictions, stay: they show the problem itself.
    Arms(BTreeMap<String, String>, Protocol),
    /// The same, and comparisons with a predictor without a network by a soft score: such a score can be better although
    /// the masks are the same.
    Masks(BTreeMap<String, String>, Protocol),
    /// Those between two arms, for each of these pairs, under these protocols.
    Pairs(Vec<([String; 2], String)>, Vec<Protocol>),
}

/// The result of one check.
#[derive(Debug, Clone)]
pub(crate) struct Checked {
    pub(crate) name: &'static str,
    /// What was found, or why nothing could be looked for.
    pub(crate) found: Result<Vec<Finding>, &'static str>,
}

/// The results of all checks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Health(pub(crate) Vec<Checked>);

/// A side of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Side<'a> {
    /// An arm or a baseline.
    arm: &'a str,
    /// The condition that it is tested under.
    condition: Condition,
    /// True for a score of the probabilities, not of the masks.
    soft: bool,
}

impl Health {
    /// Runs all checks.
    pub(crate) fn of(data: &Data) -> Self {
        Self(CHECKS.iter().map(|check| Checked { name: check.name, found: (check.look)(data) }).collect())
    }

    /// Returns what undermines a comparison of `sides` under a protocol, in a few words; empty if nothing of this
    /// severity does.
    pub(crate) fn against(&self, severity: Severity, sides: &[Side<'_>], protocol: Protocol) -> String {
        let findings = self.0.iter().filter_map(|checked| checked.found.as_ref().ok()).flatten();
        let own = findings.filter(|finding| finding.severity == severity);
        joined(&own.flat_map(|finding| finding.undermines.reasons(sides, protocol)).collect::<Vec<_>>())
    }
}

impl Undermines {
    /// Returns the reasons against a comparison of `sides`.
    fn reasons(&self, sides: &[Side<'_>], under: Protocol) -> Vec<String> {
        let has = |arm: &str| sides.iter().any(|side| side.arm == arm);
        let of = |arms: &BTreeMap<String, String>| {
            arms.iter().filter(|(arm, _)| has(arm)).map(|(_, reason)| reason.clone()).collect()
        };
        match self {
            Self::Pairs(pairs, protocols) if protocols.contains(&under) => {
                let own = pairs.iter().filter(|([one, other], _)| has(one) && has(other));
                own.map(|(_, reason)| reason.clone()).collect()
            }
            Self::Arms(arms, protocol) if *protocol == under && compares_networks(sides) => of(arms),
            Self::Masks(arms, protocol)
                if *protocol == under && (compares_networks(sides) || is_beside_a_soft_baseline(sides)) =>
            {
                of(arms)
            }
            _ => Vec::new(),
        }
    }
}

/// Returns true if sides are of different arms or conditions, and none is a baseline.
fn compares_networks(sides: &[Side<'_>]) -> bool {
    let differ = |one: &Side<'_>, other: &Side<'_>| (one.arm, one.condition) != (other.arm, other.condition);
    let is_network = |side: &Side<'_>| baseline(side.arm).is_none();
    sides.iter().all(is_network) && sides.windows(2).any(|pair| differ(&pair[0], &pair[1]))
}

/// Returns true if a side is a predictor without a network and the score is soft.
fn is_beside_a_soft_baseline(sides: &[Side<'_>]) -> bool {
    let is_trivial = |side: &Side<'_>| baseline(side.arm).is_some_and(|one| one != Baseline::PerfectInUnitRange);
    sides.iter().any(is_trivial) && sides.iter().any(|side| side.soft)
}

impl Data {
    /// Returns the sides of a comparison under a protocol.
    pub(crate) fn sides<'a>(&self, of: &[&'a Operand], protocol: Protocol) -> Vec<Side<'a>> {
        let side = |side: &&'a Operand| {
            let measured = Metric::find(&side.metric).map(|metric| self.column(&side.arm, metric, protocol));
            let soft = measured.is_some_and(is_soft);
            Side { arm: &side.arm, condition: self.condition_of(side), soft }
        };
        of.iter().map(side).collect()
    }
}

/// Joins phrases: `a`, `a and b`, `a, b and c`. Phrases with commas are separated by semicolons.
fn joined(phrases: &[String]) -> String {
    match phrases {
        [] => String::new(),
        [one] => one.clone(),
        [one, other] => format!("{one} and {other}"),
        _ if phrases.iter().any(|phrase| phrase.contains(", ")) => phrases.join("; "),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
pub(crate) mod tests;
