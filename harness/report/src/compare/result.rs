//! The result of comparing two results.

use super::circumstances::Circumstance;
use crate::{error::ReportError, figures::statistics::summary::LEVEL};
use harness_record::{
    metrics::Direction,
    vocabulary::{Condition, Protocol, Split},
};
use serde::{Serialize, Serializer};
use std::fmt;

/// The reason why two results cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// Something that was asked for is not in the data; the text says what is available.
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

/// A value of A and the matching value of B, such as a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Both<T = String> {
    /// The value in A.
    pub a: T,
    /// The value in B.
    pub b: T,
}

impl<T: fmt::Display + PartialEq> Both<T> {
    /// Returns the value, or both values if they differ.
    pub fn in_words(&self) -> String {
        if self.a == self.b { self.a.to_string() } else { format!("{} → {}", self.a, self.b) }
    }
}

/// The protocol of a figure; `None` for a run that is the same under both protocols.
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

/// The place of a figure in each of the two results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Coordinates {
    /// The name of the arm; for a run, the first digits of its key.
    pub arm: Both,
    /// The protocol.
    pub protocol: Both<Under>,
    /// The condition.
    pub condition: Both<Condition>,
    /// The split that was measured.
    pub split: Split,
}

impl Coordinates {
    /// Returns the place in words: `ssl → supervised under corrected, blur-0`.
    pub fn in_words(&self) -> String {
        format!("{} under {}, {}", self.arm.in_words(), self.protocol.in_words(), self.condition.in_words())
    }
}

/// The verdict on a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// The interval of the difference lies on the good side of zero, and its corrected p-value is below 0.05.
    Better,
    /// The same, on the bad side of zero.
    Worse,
    /// Tested, but neither better nor worse.
    Undecided,
    /// Both have the same scores for every image and seed.
    Same,
    /// There are too few seeds to tell a difference from chance, or the metric has no better direction.
    NotTested,
}

impl Change {
    /// All values, in the order in which they are counted.
    pub(super) const ALL: [Self; 5] = [Self::Better, Self::Worse, Self::Undecided, Self::Same, Self::NotTested];

    /// The verdict in words.
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
    /// The place of the figure.
    #[serde(flatten)]
    pub place: Coordinates,
    /// The name of the metric.
    pub metric: String,
    /// The direction in which the metric gets better; `None` if there is no better direction.
    pub direction: Option<Direction>,
    /// The mean in A over the compared images.
    pub a: f64,
    /// The mean in B over the compared images.
    pub b: f64,
    /// B minus A.
    pub difference: f64,
    /// The ends of the 95 % interval of the difference; `None` if it is not tested.
    pub interval: Option<(f64, f64)>,
    /// The two-sided p-value, with Holm's correction for the number of tested rows; `None` if it is not tested.
    pub p: Option<f64>,
    /// The number of images behind each mean; `None` for a metric without a value for each image.
    pub images: Option<Both<usize>>,
    /// The number of seeds behind each mean.
    pub seeds: Both<usize>,
    /// True if differences are paired by image.
    pub paired: bool,
    /// True if both have the same scores, so that there is nothing to test.
    #[serde(skip)]
    pub same: bool,
    /// The verdict.
    pub change: Change,
    /// A note for the reader: why the difference is not tested, or not paired, or what it is tested over.
    pub note: Option<String>,
}

/// Names the better direction: `higher` or `lower`.
pub(super) fn better(direction: Direction) -> &'static str {
    match direction {
        Direction::Higher => "higher",
        Direction::Lower => "lower",
    }
}

impl Row {
    /// Returns how much worse B is than A, negative if B is better. Returns `None` if the metric has no better
    /// direction.
    pub fn worsening(&self) -> Option<f64> {
        self.direction.map(|direction| match direction {
            Direction::Higher => -self.difference,
            Direction::Lower => self.difference,
        })
    }

    pub(super) fn judged(&self) -> Change {
        match (self.interval, self.p, self.worsening()) {
            _ if self.same => Change::Same,
            (Some((low, high)), Some(p), Some(worse)) => match (low > 0.0 || high < 0.0) && p < LEVEL {
                true if worse > 0.0 => Change::Worse,
                true => Change::Better,
                false => Change::Undecided,
            },
            _ => Change::NotTested,
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
    /// The name of the thing.
    pub name: String,
}

/// A figure that both results have but that cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unlike {
    /// The place of the figure.
    #[serde(flatten)]
    pub place: Coordinates,
    /// The name of the metric.
    pub metric: String,
    /// The reason why it cannot be compared.
    pub why: String,
}

/// The names of a side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct About {
    /// The name by which the side was asked for.
    pub name: String,
    /// A description in words.
    pub title: String,
}

/// Two results and their comparison.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// The first result.
    pub a: About,
    /// The second result.
    pub b: About,
    /// Figures that both have, in the order of A.
    pub rows: Vec<Row>,
    /// Things that only one of the two results has.
    pub only: Vec<Only>,
    /// Figures that cannot be compared.
    pub unlike: Vec<Unlike>,
    /// The other differences between the two results.
    pub circumstances: Vec<Circumstance>,
}
