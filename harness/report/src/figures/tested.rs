//! Claims and comparisons tested against the data.

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

/// What the data say of a claim.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tested {
    /// The difference, beyond the claim's margin if it has one.
    pub(crate) difference: Summary,
    /// Two-sided p-value of its being zero, corrected for the number of claims that are tested under the protocol.
    pub(crate) p: f64,
    /// Cohen's `d_z`; `None` where the differences have no spread.
    pub(crate) effect: Option<f64>,
    pub(crate) verdict: Verdict,
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

/// A claim, read, and a protocol that it is made for.
struct Asked<'a> {
    claim: &'a ClaimSpec,
    comparison: Comparison,
    protocol: Protocol,
}

impl Asked<'_> {
    /// What the claim says is above zero.
    fn differences(&self, data: &Data) -> Result<Sample, Untested> {
        let Self { comparison, protocol, .. } = self;
        let question = Question { data, protocol: *protocol, species: None };
        Ok(question.differences([&comparison.left, &comparison.right])?.below(comparison.offset))
    }
}

/// The difference that each claim is about, and its test.
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
    // Each claim has a generator of its own, so the order in which threads take them changes nothing.
    let tested = asked.par_iter().zip(differences).zip(summaries).map(|((asked, differences), summary)| {
        // Images are the units: several seeds of one image are averaged, as they are not independent.
        let seed = digest::seed(&["claim", &asked.claim.name, asked.protocol.name()]);
        Ok((summary?, test_of_differences(&differences?.defined(), seed)))
    });
    tested.collect()
}

impl Data {
    /// Rows of single images that a difference between two figures is made of.
    pub(crate) fn rows_of(&self, sides: [&Operand; 2], protocol: Protocol) -> Vec<Rows> {
        let of_side = |side: &Operand| self.scores.rows(&side.arm, self.condition_of(side), protocol);
        sides.map(of_side).concat()
    }

    /// The condition of a side: the study's first where it names none.
    pub(crate) fn condition_of(&self, side: &Operand) -> Condition {
        side.condition.unwrap_or(self.first_condition())
    }
}

/// Of what a difference is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) data: &'a Data,
    pub(crate) protocol: Protocol,
    /// The species whose images count; all images if `None`.
    pub(crate) species: Option<Species>,
}

impl Question<'_> {
    /// `left - right - offset` over the images for which both are defined.
    pub(crate) fn difference(&self, sides: [&Operand; 2], offset: f64) -> Result<Summary, Untested> {
        let differences = self.differences(sides)?.below(offset);
        self.data.scores.summarise(&differences).ok_or(Untested::NotRun)
    }

    /// The change from `base` to `to` as a part of `base`, with its 95 % interval where there is one.
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

    /// `(left - right) - (left - right)` of two pairs over the images for which all four are defined.
    pub(crate) fn contrast(&self, pairs: [&[Operand; 2]; 2]) -> Result<Summary, Untested> {
        let [first, second] = pairs.map(|[left, right]| self.differences([left, right]));
        self.data.scores.summarise(&first?.minus(&second?)).ok_or(Untested::NotRun)
    }

    /// One score an image and seed; undefined where the image is of another species.
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

    /// One difference an image and seed; undefined where a side is.
    fn differences(&self, [left, right]: [&Operand; 2]) -> Result<Sample, Untested> {
        // What was not run says more than what could not be compared if it had been.
        match (self.values(left), self.values(right)) {
            (Ok(left), Ok(right)) => Ok(left.minus(&right)),
            (Err(Untested::NotRun), _) | (_, Err(Untested::NotRun)) => Err(Untested::NotRun),
            (Err(reason), _) | (_, Err(reason)) => Err(reason),
        }
    }
}
