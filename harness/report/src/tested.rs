//! Claims and comparisons tested against the data.

use crate::{
    claim::{Comparison, Operand, Verdict},
    data::Data,
    figure::is_over_batches,
    metric::Metric,
    spec::ClaimSpec,
    species::Species,
    statistics::{Summary, paired_bootstrap},
};
use harness_record::digest;
use rayon::prelude::*;
use std::fmt;

/// A claim under one protocol.
#[derive(Debug, Clone)]
pub(crate) struct TestedClaim {
    pub(crate) claim: ClaimSpec,
    pub(crate) comparison: Comparison,
    pub(crate) protocol: String,
    /// The difference and the verdict.
    pub(crate) outcome: Result<(Summary, Verdict), Untested>,
}

/// Why there is no difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Untested {
    /// Something that it needs was not run.
    NotRun,
    /// A side has no value for each image: its metric and the label of its arm.
    OverBatches(String, String),
}

impl fmt::Display for Untested {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRun => f.write_str("not all that it takes was run"),
            Self::OverBatches(metric, arm) => {
                write!(
                    f,
                    "{metric} of {arm} is a mean over batches under this protocol, without a value for each image"
                )
            }
        }
    }
}

/// Tests every claim under every protocol that it is made for, in the order of the spec.
pub(crate) fn test_claims(data: &Data) -> Vec<TestedClaim> {
    let mut pairs = Vec::new();
    for claim in &data.study.report.claims {
        for protocol in &data.study.protocols {
            if claim.protocol.as_ref().is_none_or(|only| only == protocol) {
                pairs.push((claim, protocol));
            }
        }
    }
    // Each claim has a generator of its own, so the order in which threads take them changes nothing.
    pairs.par_iter().filter_map(|(claim, protocol)| test_claim(data, claim, protocol)).collect()
}

fn test_claim(data: &Data, claim: &ClaimSpec, protocol: &str) -> Option<TestedClaim> {
    // The spec was checked when the data were read, so every claim parses.
    let comparison: Comparison = claim.expect.parse().ok()?;
    let seed = digest::seed(&["claim", &claim.name, protocol]);
    let question = Question { data, protocol, species: None };
    let outcome = question
        .difference([&comparison.left, &comparison.right], comparison.offset, seed)
        .map(|summary| (summary, comparison.verdict(summary.low, summary.high)));
    Some(TestedClaim { claim: claim.clone(), comparison, protocol: protocol.to_owned(), outcome })
}

/// Of what a difference is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) data: &'a Data,
    pub(crate) protocol: &'a str,
    /// The species whose images count; all images if `None`.
    pub(crate) species: Option<Species>,
}

impl Question<'_> {
    /// `left - right - offset` over the images for which both are defined.
    pub(crate) fn difference(&self, sides: [&Operand; 2], offset: f64, seed: [u8; 32]) -> Result<Summary, Untested> {
        bootstrap(self.differences(sides)?.into_iter().map(|d| d - offset), seed)
    }

    /// `(left - right) - (left - right)` of two pairs over the images for which all four are defined.
    pub(crate) fn contrast(&self, pairs: [&[Operand; 2]; 2], seed: [u8; 32]) -> Result<Summary, Untested> {
        let [first, second] = pairs.map(|[left, right]| self.differences([left, right]));
        bootstrap(first?.into_iter().zip(second?).map(|(a, b)| a - b), seed)
    }

    /// One value an image, NaN where it is undefined or the image is of another species.
    pub(crate) fn values(&self, side: &Operand) -> Result<Vec<f64>, Untested> {
        let condition = side.condition.as_deref().unwrap_or(self.data.first_condition());
        let metric = Metric::find(&side.metric).ok_or(Untested::NotRun)?;
        if is_over_batches(self.data.column(&side.arm, metric, self.protocol)) {
            let arm = self.data.arm_label(&side.arm).to_owned();
            let measured = self.data.tested(&side.arm, condition, metric, self.protocol).is_some();
            return Err(if measured { Untested::OverBatches(metric.label.to_owned(), arm) } else { Untested::NotRun });
        }
        let values = self.data.scores.values(&side.arm, condition, metric, self.protocol).ok_or(Untested::NotRun)?;
        Ok(match self.species {
            Some(species) => self.data.scores.only(species, values),
            None => values,
        })
    }

    /// One difference an image, NaN where a side is undefined.
    fn differences(&self, [left, right]: [&Operand; 2]) -> Result<Vec<f64>, Untested> {
        // What was not run says more than what could not be compared if it had been.
        let (left, right) = match (self.values(left), self.values(right)) {
            (Ok(left), Ok(right)) => (left, right),
            (Err(Untested::NotRun), _) | (_, Err(Untested::NotRun)) => return Err(Untested::NotRun),
            (Err(reason), _) | (_, Err(reason)) => return Err(reason),
        };
        Ok(left.iter().zip(&right).map(|(l, r)| l - r).collect())
    }
}

fn bootstrap(differences: impl Iterator<Item = f64>, seed: [u8; 32]) -> Result<Summary, Untested> {
    paired_bootstrap(&differences.filter(|d| !d.is_nan()).collect::<Vec<_>>(), seed).ok_or(Untested::NotRun)
}
