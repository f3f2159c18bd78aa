//! Tests claims and comparisons against the data.

use super::{
    claim::{Comparison, Operand, Verdict},
    data::Data,
    health::Severity,
    metrics::{Metric, is_over_batches},
    statistics::{
        crossed::{Crossed, SEEDS, crossed},
        sample::Sample,
        sign_flips::{holm, sign_flip_test},
        summary::Summary,
    },
};
use crate::inputs::{lines::Rows, spec::ClaimSpec, study::baseline};
use harness_record::{
    digest,
    vocabulary::{Condition, Protocol, Species},
};
use rayon::prelude::*;
use std::{collections::BTreeSet, fmt};

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
    pub(crate) difference: Difference,
    /// The two-sided p-value for a difference of zero, corrected for the number of claims that are tested under the
    /// protocol. `None` if the claim is not tested.
    pub(crate) p: Option<f64>,
    pub(crate) verdict: Verdict,
}

/// A mean difference, and what it is evidence of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Difference {
    /// The interval is of the same model of chance as the p-value.
    pub(crate) summary: Summary,
    pub(crate) evidence: Evidence,
    /// True if a failed health check undermines it. Its numbers stay, without a verdict.
    pub(crate) withheld: bool,
}

/// What a difference is evidence of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Evidence {
    /// Of the way in which the arms are trained: seeds and images are drawn by chance.
    Recipes {
        /// The uncorrected p-value.
        p: f64,
        /// The standard deviation of the seeds' differences.
        deviation: f64,
    },
    /// Of the networks at hand, on other images: the two sides share their networks, or one is a baseline.
    Networks {
        /// The uncorrected p-value.
        p: f64,
    },
    /// Of nothing but these networks beside each other: another seed can turn the difference around.
    TooFewSeeds,
}

impl Difference {
    /// Returns the uncorrected p-value, if the difference is tested.
    fn p(&self) -> Option<f64> {
        match self.evidence {
            Evidence::Recipes { p, .. } | Evidence::Networks { p } => Some(p),
            Evidence::TooFewSeeds => None,
        }
    }

    /// Returns the difference in standard deviations between seeds; `None` if it has none.
    pub(crate) fn effect(&self) -> Option<f64> {
        match self.evidence {
            Evidence::Recipes { deviation, .. } if deviation > 0.0 => Some(self.summary.mean / deviation),
            _ => None,
        }
    }

    /// Says why the difference is not tested: `one network per arm`. `None` if it is.
    pub(crate) fn untested(&self) -> Option<&'static str> {
        match (self.evidence, self.summary.seeds) {
            (Evidence::TooFewSeeds, 2) => Some("two networks per arm"),
            (Evidence::TooFewSeeds, _) => Some("one network per arm"),
            _ => None,
        }
    }

    /// Returns the ends of the interval, if the difference is tested.
    pub(crate) fn interval(&self) -> Option<(f64, f64)> {
        self.untested().is_none().then(|| self.summary.interval())
    }
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
    // Each claim has its own generator, so the order in which threads process the claims does not matter.
    let measured: Vec<_> = asked.par_iter().map(|asked| asked.measured(data)).collect();
    let p_of = |i: usize| measured[i].as_ref().ok().and_then(Difference::p);
    let mut corrected = vec![None; asked.len()];
    for &protocol in &data.study.protocols {
        let family: Vec<_> = (0..asked.len()).filter(|&i| asked[i].protocol == protocol && p_of(i).is_some()).collect();
        let p: Vec<_> = family.iter().filter_map(|&i| p_of(i)).collect();
        family.iter().zip(holm(&p)).for_each(|(&i, p)| corrected[i] = Some(p));
    }
    let claims = asked.into_iter().zip(measured).zip(corrected);
    let judged = claims.map(|((Asked { claim, comparison, protocol }, measured), p)| {
        let outcome = measured.map(|difference| {
            let Summary { low, high, .. } = difference.summary;
            let verdict = match p {
                _ if difference.withheld => Verdict::Withheld,
                Some(p) => comparison.verdict(low, high, p),
                None => Verdict::NotTested,
            };
            Tested { difference, p, verdict }
        });
        TestedClaim { claim: claim.clone(), comparison, protocol, outcome }
    });
    judged.collect()
}

/// Returns the verdict of the claim that compares two figures under a protocol, whichever of them it names first. A claim with
/// a margin says something else. `None` if the study claims nothing about them.
///
/// Nothing else says which of two figures is higher: only claims are corrected for their number.
pub(crate) fn claimed(
    claims: &[TestedClaim],
    data: &Data,
    sides: [&Operand; 2],
    protocol: Protocol,
) -> Option<Verdict> {
    // Two names of a metric can mean the same column.
    let figure = |side: &Operand| {
        let metric = Metric::find(&side.metric)?;
        Some((side.arm.clone(), data.condition_of(side), data.column(&side.arm, metric, protocol)))
    };
    let [left, right] = sides.map(figure);
    let asks = |claim: &&TestedClaim| {
        let [a, b] = [figure(&claim.comparison.left), figure(&claim.comparison.right)];
        let same = (a == left && b == right) || (a == right && b == left);
        same && claim.protocol == protocol && claim.comparison.offset == 0.0
    };
    claims.iter().find(asks)?.outcome.as_ref().ok().map(|tested| tested.verdict)
}

/// A parsed claim and a protocol that it applies to.
struct Asked<'a> {
    claim: &'a ClaimSpec,
    comparison: Comparison,
    protocol: Protocol,
}

impl Asked<'_> {
    /// Returns the difference, minus the margin of the claim; the claim compares it with zero.
    fn measured(&self, data: &Data) -> Result<Difference, Untested> {
        let Self { comparison, protocol, claim } = self;
        let question = Question { data, protocol: *protocol, species: None };
        question.difference([&comparison.left, &comparison.right], comparison.offset, &claim.name)
    }
}

impl TestedClaim {
    /// Returns what the health checks say against the claim, in a few words; empty if they say nothing.
    pub(crate) fn against(&self, data: &Data, severity: Severity) -> String {
        let Comparison { left, right, .. } = &self.comparison;
        data.health.against(severity, &data.sides(&[left, right], self.protocol), self.protocol)
    }
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
    /// Computes `left - right - offset` over the images for which both sides are defined. `name` seeds the test.
    pub(crate) fn difference(&self, sides: [&Operand; 2], offset: f64, name: &str) -> Result<Difference, Untested> {
        self.judged(&self.differences(sides)?.below(offset), &sides, name)
    }

    /// Judges differences that were computed from the figures `of`.
    fn judged(&self, differences: &Sample, of: &[&Operand], name: &str) -> Result<Difference, Untested> {
        let scores = &self.data.scores;
        let sides = self.data.sides(of, self.protocol);
        let withheld = !self.data.health.against(Severity::Fails, &sides, self.protocol).is_empty();
        if differences.seeds() >= SEEDS
            && let Some(Crossed { mean, low, high, p, deviation }) = crossed(differences, scores.breeds())
        {
            let images = differences.defined().len();
            let summary = Summary { mean, low, high, images, seeds: differences.seeds() };
            return Ok(Difference { summary, evidence: Evidence::Recipes { p, deviation }, withheld });
        }
        let summary = scores.summarise(differences).ok_or(Untested::NotRun)?;
        let arms: BTreeSet<&str> =
            of.iter().map(|side| side.arm.as_str()).filter(|arm| baseline(arm).is_none()).collect();
        if arms.len() > 1 {
            return Ok(Difference { summary, evidence: Evidence::TooFewSeeds, withheld });
        }
        // Images are the units. Several seeds of one image are averaged, because they are not independent.
        let seed = digest::seed(&["claim", name, self.protocol.name()]);
        let p = sign_flip_test(&differences.defined(), seed);
        Ok(Difference { summary, evidence: Evidence::Networks { p }, withheld })
    }

    /// Computes the change from `base` to `to` relative to `base`. The difference is paired, and has an interval if it is
    /// tested; it is `None` if the two cannot be paired.
    pub(crate) fn relative_change(&self, [to, base]: [&Operand; 2]) -> Option<(f64, Option<Difference>)> {
        let figure = |side: &Operand| {
            let condition = self.data.condition_of(side);
            Some(self.data.tested(&side.arm, condition, Metric::find(&side.metric)?, self.protocol)?.mean)
        };
        let (to_mean, base_mean) = (figure(to)?, figure(base)?);
        if base_mean == 0.0 {
            return None;
        }
        let paired = self.differences([to, base]).ok().zip(self.values(base).ok());
        let relative = paired.and_then(|(differences, base)| differences.relative_to(&base));
        let judged = relative.and_then(|relative| self.judged(&relative, &[to, base], "relative").ok());
        Some(((to_mean - base_mean) / base_mean, judged))
    }

    /// Computes `(left - right) - (left - right)` of two pairs over the images for which all four are defined.
    pub(crate) fn contrast(&self, pairs: [&[Operand; 2]; 2]) -> Result<Difference, Untested> {
        let [first, second] = pairs.map(|[left, right]| self.differences([left, right]));
        let of: Vec<&Operand> = pairs.into_iter().flatten().collect();
        self.judged(&first?.minus(&second?), &of, "contrast")
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
