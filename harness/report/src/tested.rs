//! Claims and comparisons tested against the data.

use crate::{
    claim::{Comparison, Operand, Verdict},
    data::Data,
    metric::Metric,
    spec::ClaimSpec,
    statistics::{Summary, paired_bootstrap},
};
use harness_record::digest;
use rayon::prelude::*;

/// A claim under one protocol.
#[derive(Debug, Clone)]
pub(crate) struct TestedClaim {
    pub(crate) claim: ClaimSpec,
    pub(crate) comparison: Comparison,
    pub(crate) protocol: String,
    /// The difference and the verdict; `None` if one side was not run.
    pub(crate) outcome: Option<(Summary, Verdict)>,
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
    let outcome = difference(data, [&comparison.left, &comparison.right], comparison.offset, protocol, seed)
        .map(|summary| (summary, comparison.verdict(summary.low, summary.high)));
    Some(TestedClaim { claim: claim.clone(), comparison, protocol: protocol.to_owned(), outcome })
}

/// `left - right - offset` over the images for which both are defined.
pub(crate) fn difference(
    data: &Data,
    sides: [&Operand; 2],
    offset: f64,
    protocol: &str,
    seed: [u8; 32],
) -> Option<Summary> {
    bootstrap(differences(data, sides, protocol)?.into_iter().map(|d| d - offset), seed)
}

/// `(left - right) - (left - right)` of two pairs over the images for which all four are defined.
pub(crate) fn contrast(data: &Data, pairs: [&[Operand; 2]; 2], protocol: &str, seed: [u8; 32]) -> Option<Summary> {
    let [first, second] = pairs.map(|[left, right]| differences(data, [left, right], protocol));
    bootstrap(first?.into_iter().zip(second?).map(|(a, b)| a - b), seed)
}

fn bootstrap(differences: impl Iterator<Item = f64>, seed: [u8; 32]) -> Option<Summary> {
    paired_bootstrap(&differences.filter(|d| !d.is_nan()).collect::<Vec<_>>(), seed)
}

/// One difference an image, NaN where a side is undefined.
fn differences(data: &Data, sides: [&Operand; 2], protocol: &str) -> Option<Vec<f64>> {
    let [left, right] = sides.map(|side| values(data, side, protocol));
    Some(left?.iter().zip(&right?).map(|(l, r)| l - r).collect())
}

fn values(data: &Data, side: &Operand, protocol: &str) -> Option<Vec<f64>> {
    let condition = side.condition.as_deref().unwrap_or(data.first_condition());
    data.scores.values(&side.arm, condition, Metric::find(&side.metric)?, protocol)
}
