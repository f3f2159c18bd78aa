//! Tests claims and comparisons against the data.

use super::{
    claim::{Comparison, Operand, Verdict},
    data::Data,
    metrics::{Metric, is_over_batches},
    statistics::{
        sample::Sample,
        sign_flips::{DifferenceTest, holm, test_of_differences},
        summary::Summary,
    },
};
use crate::inputs::{lines::Rows, spec::ClaimSpec};
use harness_record::{
    digest,
    vocabulary::{Condition, Protocol, Species},
};
use rayon::prelude::*;
use std::fmt;

/// A claim under one protocol.
#[derive(Debug, Clone)]
pub(crate) struct TestedClaim {
    pub(crate) claim: ClaimSpec,
    pub(crate) comparison: Comparison,
    pub(crate) protocol: Protocol,
    pub(crate) outcome: Result<Tested, Untested>,
}

/// The result of testing a claim.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tested {
    /// The difference, minus the margin of the claim if it has one.
    pub(crate) difference: Summary,
    /// The two-sided p-value for a difference of zero, corrected for the number of claims that are tested under the
    /// protocol.
    pub(crate) p: f64,
    /// Cohen's `d_z`; `None` if the differences have no spread.
    pub(crate) effect: Option<f64>,
    pub(crate) verdict: Verdict,
}

/// The reason why there is no difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Untested {
    /// A run that the claim needs is missing.
    NotRun,
    /// A side has no value for each image. Holds the metric and the label of the arm.
    OverBatches(String, String),
}

impl fmt::Display for Untested {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRun => f.write_str("a required run is missing"),
            Self::OverBatches(metric, arm) => {
                write!(
                    f,
                    "{metric} of {arm} is a mean over batches under this protocol, without a value for each image"
                )
            }
        }
    }
}

/// Tests every claim under every protocol that it applies to, in the order of the spec.
pub(crate) fn test_claims(data: &Data) -> Vec<TestedClaim> {
    let mut asked = Vec::new();
    for claim in &data.study.report.claims {
        // The spec was checked when the data were read, so every claim parses.
        let Ok(comparison) = claim.expect.parse::<Comparison>() else { continue };
        for &protocol in &data.study.protocols {
            if claim.protocol.is_none_or(|only| only == protocol) {
                asked.push(Asked { claim, comparison: comparison.clone(), protocol });
            }
        }
    }
    let measured = measure_all(&asked, data);
    let mut corrected = vec![1.0; asked.len()];
    for &protocol in &data.study.protocols {
        let family: Vec<_> =
            (0..asked.len()).filter(|&i| asked[i].protocol == protocol && measured[i].is_ok()).collect();
        let p: Vec<_> = family.iter().filter_map(|&i| measured[i].as_ref().ok().map(|(_, test)| test.p)).collect();
        family.iter().zip(holm(&p)).for_each(|(&i, p)| corrected[i] = p);
    }
    let claims = asked.into_iter().zip(measured).zip(corrected);
    let judged = claims.map(|((Asked { claim, comparison, protocol }, measured), p)| {
        let outcome = measured.map(|(difference, test)| {
            let verdict = comparison.verdict(difference.low, difference.high, p);
            Tested { difference, p, effect: test.effect, verdict }
        });
        TestedClaim { claim: claim.clone(), comparison, protocol, outcome }
    });
    judged.collect()
}

/// A parsed claim and a protocol that it applies to.
struct Asked<'a> {
    claim: &'a ClaimSpec,
    comparison: Comparison,
    protocol: Protocol,
}

impl Asked<'_> {
    /// Returns the differences, minus the margin of the claim; the claim compares them with zero.
    fn differences(&self, data: &Data) -> Result<Sample, Untested> {
        let Self { comparison, protocol, .. } = self;
        let question = Question { data, protocol: *protocol, species: None };
        Ok(question.differences([&comparison.left, &comparison.right])?.below(comparison.offset))
    }
}

/// Computes the difference that each claim is about, and its test.
fn measure_all(asked: &[Asked<'_>], data: &Data) -> Vec<Result<(Summary, DifferenceTest), Untested>> {
    let differences: Vec<_> = asked.iter().map(|asked| asked.differences(data)).collect();
    let found: Vec<&Sample> = differences.iter().filter_map(|found| found.as_ref().ok()).collect();
    let mut summaries = data.scores.summarise_all(&found).into_iter();
    let summaries: Vec<_> = differences
        .iter()
        .map(|found| {
            found.as_ref().map_err(Clone::clone).and_then(|_| summaries.next().flatten().ok_or(Untested::NotRun))
        })
        .collect();
    // Each claim has its own generator, so the order in which threads process the claims does not matter.
    let tested = asked.par_iter().zip(differences).zip(summaries).map(|((asked, differences), summary)| {
        // Images are the units. Several seeds of one image are averaged, because they are not independent.
        let seed = digest::seed(&["claim", &asked.claim.name, asked.protocol.name()]);
        Ok((summary?, test_of_differences(&differences?.defined(), seed)))
    });
    tested.collect()
}

impl Data {
    /// Returns the rows of single images that a difference between two figures is computed from.
    pub(crate) fn rows_of(&self, sides: [&Operand; 2], protocol: Protocol) -> Vec<Rows> {
        let of_side = |side: &Operand| self.scores.rows(&side.arm, self.condition_of(side), protocol);
        sides.map(of_side).concat()
    }

    /// Returns the condition of a side; if it names none, the first condition of the study.
    pub(crate) fn condition_of(&self, side: &Operand) -> Condition {
        side.condition.unwrap_or(self.first_condition())
    }
}

/// The data, protocol and images that a difference is computed on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) data: &'a Data,
    pub(crate) protocol: Protocol,
    /// The species whose images count; `None` for all images.
    pub(crate) species: Option<Species>,
}

impl Question<'_> {
    /// Computes `left - right - offset` over the images for which both sides are defined.
    pub(crate) fn difference(&self, sides: [&Operand; 2], offset: f64) -> Result<Summary, Untested> {
        let differences = self.differences(sides)?.below(offset);
        self.data.scores.summarise(&differences).ok_or(Untested::NotRun)
    }

    /// Computes the change from `base` to `to` relative to `base`, with its 95 % interval if there is one.
    pub(crate) fn relative_change(&self, [to, base]: [&Operand; 2]) -> Option<(f64, Option<(f64, f64)>)> {
        let figure = |side: &Operand| {
            let condition = self.data.condition_of(side);
            Some(self.data.tested(&side.arm, condition, Metric::find(&side.metric)?, self.protocol)?.mean)
        };
        let (to_mean, base_mean) = (figure(to)?, figure(base)?);
        if base_mean == 0.0 {
            return None;
        }
        let paired = self.differences([to, base]).ok().zip(self.values(base).ok());
        let interval = paired.and_then(|(differences, base)| self.data.scores.relative(&differences, &base));
        Some(((to_mean - base_mean) / base_mean, interval))
    }

    /// Computes `(left - right) - (left - right)` of two pairs over the images for which all four are defined.
    pub(crate) fn contrast(&self, pairs: [&[Operand; 2]; 2]) -> Result<Summary, Untested> {
        let [first, second] = pairs.map(|[left, right]| self.differences([left, right]));
        self.data.scores.summarise(&first?.minus(&second?)).ok_or(Untested::NotRun)
    }

    /// Returns one score for each image and seed; images of another species are undefined.
    pub(crate) fn values(&self, side: &Operand) -> Result<Sample, Untested> {
        let condition = self.data.condition_of(side);
        let metric = Metric::find(&side.metric).ok_or(Untested::NotRun)?;
        if is_over_batches(self.data.column(&side.arm, metric, self.protocol)) {
            let arm = self.data.arm_label(&side.arm).to_owned();
            let measured = self.data.tested(&side.arm, condition, metric, self.protocol).is_some();
            return Err(if measured { Untested::OverBatches(metric.label.to_owned(), arm) } else { Untested::NotRun });
        }
        let sample = self.data.scores.sample(&side.arm, condition, metric, self.protocol).ok_or(Untested::NotRun)?;
        let Some(species) = self.species else { return Ok(sample) };
        let breeds = self.data.scores.breeds();
        Ok(sample.only(|image| Species::of_breed(&breeds[image]) == Some(species)))
    }

    /// Returns one difference for each image and seed; it is undefined if a side is undefined.
    fn differences(&self, [left, right]: [&Operand; 2]) -> Result<Sample, Untested> {
        // If one side was not run and the other has no value for each image, the missing run is reported.
        match (self.values(left), self.values(right)) {
            (Ok(left), Ok(right)) => Ok(left.minus(&right)),
            (Err(Untested::NotRun), _) | (_, Err(Untested::NotRun)) => Err(Untested::NotRun),
            (Err(reason), _) | (_, Err(reason)) => Err(reason),
        }
    }
}
