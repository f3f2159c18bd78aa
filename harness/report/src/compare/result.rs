//! What a comparison of two results holds.

use super::circumstances::Circumstance;
use crate::{error::ReportError, figures::statistics::summary::LEVEL};
use harness_record::{
    metrics::Direction,
    vocabulary::{Condition, Protocol, Split},
};
use serde::{Serialize, Serializer};
use std::fmt;

/// Why two results cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// What was asked for is not in the data; the text says what is.
    #[error("{0}")]
    Choice(String),
    /// Data are missing or damaged.
    #[error(transparent)]
    Data(#[from] ReportError),
}

impl From<harness_record::RecordError> for CompareError {
    fn from(error: harness_record::RecordError) -> Self {
        Self::Data(error.into())
    }
}

/// What A and B have of something, such as its name in each.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Both<T = String> {
    /// In A.
    pub a: T,
    /// In B.
    pub b: T,
}

impl<T: fmt::Display + PartialEq> Both<T> {
    /// The name, or both where they differ.
    pub fn in_words(&self) -> String {
        if self.a == self.b { self.a.to_string() } else { format!("{} → {}", self.a, self.b) }
    }
}

/// The protocol of a figure; none of a run that is the same under both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Under(pub Option<Protocol>);

impl fmt::Display for Under {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.map_or("any", Protocol::name))
    }
}

impl Serialize for Under {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Where a figure stands in each of the two results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Name of the arm; of a run, the first digits of its key.
    pub arm: Both,
    /// The protocol.
    pub protocol: Both<Under>,
    /// The condition.
    pub condition: Both<Condition>,
    /// The images that were measured.
    pub split: Split,
}

impl Place {
    /// `ssl → supervised under corrected, blur-0`
    pub fn in_words(&self) -> String {
        format!("{} under {}, {}", self.arm.in_words(), self.protocol.in_words(), self.condition.in_words())
    }
}

/// What became of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// The interval of the difference lies on the good side of zero, and its corrected p-value, if it has one, is below 0.05.
    Better,
    /// It lies on the bad side.
    Worse,
    /// Neither.
    Undecided,
    /// Every image has the same score in both, or a figure without an interval the same value.
    Same,
    /// There is a difference without an interval, so nothing says whether it is chance.
    NotTested,
}

impl Change {
    /// All, in the order in which they are counted.
    pub(super) const ALL: [Self; 5] = [Self::Better, Self::Worse, Self::Undecided, Self::Same, Self::NotTested];

    /// In words.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Undecided => "undecided",
            Self::Same => "same",
            Self::NotTested => "not tested",
        }
    }
}

/// A figure that both results have.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Where it stands.
    #[serde(flatten)]
    pub place: Place,
    /// Name of the metric.
    pub metric: String,
    /// Which way is good; `None` where neither is.
    pub direction: Option<Direction>,
    /// The mean in A, over the images that are compared.
    pub a: f64,
    /// The mean in B.
    pub b: f64,
    /// B minus A.
    pub difference: f64,
    /// Ends of its 95 % interval; `None` where there is nothing that it could be computed over.
    pub interval: Option<(f64, f64)>,
    /// Two-sided p-value of a sign-flip test of paired differences, corrected for the number of rows by Holm's method.
    pub p: Option<f64>,
    /// Images behind each mean; `None` for what has no value for each image.
    pub images: Option<Both<usize>>,
    /// Seeds behind each mean.
    pub seeds: Both<usize>,
    /// Whether differences are paired by image.
    pub paired: bool,
    /// What became of it.
    pub change: Change,
    /// What must be known of it: why it has no interval, why it is not paired.
    pub note: Option<String>,
}

/// `higher` or `lower`: what is better.
pub(super) fn better(direction: Direction) -> &'static str {
    match direction {
        Direction::Higher => "higher",
        Direction::Lower => "lower",
    }
}

impl Row {
    /// How much worse B is than A, negative where it is better; `None` where no way is good.
    pub fn worsening(&self) -> Option<f64> {
        self.direction.map(|direction| match direction {
            Direction::Higher => -self.difference,
            Direction::Lower => self.difference,
        })
    }

    /// Whether the interval leaves out zero; `None` without an interval.
    pub fn is_clear(&self) -> Option<bool> {
        self.interval.map(|(low, high)| low > 0.0 || high < 0.0)
    }

    pub(super) fn judged(&self) -> Change {
        match (self.interval, self.worsening()) {
            (Some((low, high)), _) if low == 0.0 && high == 0.0 && self.difference == 0.0 => Change::Same,
            (None, _) if self.difference == 0.0 => Change::Same,
            (None, _) | (_, None) => Change::NotTested,
            (Some(_), Some(worse)) => match (self.is_clear(), self.p.is_none_or(|p| p < LEVEL)) {
                (Some(true), true) if worse > 0.0 => Change::Worse,
                (Some(true), true) => Change::Better,
                _ => Change::Undecided,
            },
        }
    }
}

/// Something that only one of the two results has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Only {
    /// `A` or `B`.
    pub side: &'static str,
    /// `arm`, `protocol`, `condition`, `metric` or `figure`.
    pub what: &'static str,
    /// Its name.
    pub name: String,
}

/// A figure that both results have and that cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unlike {
    /// Where it stands.
    #[serde(flatten)]
    pub place: Place,
    /// Name of the metric.
    pub metric: String,
    /// Why not.
    pub why: String,
}

/// What a side is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct About {
    /// As it was asked for.
    pub name: String,
    /// What it is, in words.
    pub title: String,
}

/// Two results, compared.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// The first.
    pub a: About,
    /// The second.
    pub b: About,
    /// Figures that both have, in the order of A.
    pub rows: Vec<Row>,
    /// What only one of them has.
    pub only: Vec<Only>,
    /// Figures that cannot be compared.
    pub unlike: Vec<Unlike>,
    /// What else is different about them.
    pub circumstances: Vec<Circumstance>,
}
