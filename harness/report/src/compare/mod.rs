//! Two results side by side: what changed between them, with differences and intervals, and what else is different about them.
//!
//! * [`Side`]: one of the two: a report's data folder, an arm of it, or a run of the store
//! * [`compare`]: every figure that both have, as B minus A. Where both were tested on the same images, differences are paired
//!   by image and by seed, as those of claims are; else the two means are independent of each other
//! * [`Gate`]: what counts as a regression
//! * [`render`]: the page

mod circumstances;
mod gate;
mod join;
mod measure;
mod page;
mod side;

pub use circumstances::{Circumstance, Topic};
pub use gate::{Gate, Regression};
pub use page::{Shown, render};
pub use side::{Choice, Side};

use crate::{
    error::ReportError,
    metric::{Direction, METRICS},
    statistics::{LEVEL, holm},
};
use harness_record::suggest::closest;
use rayon::prelude::*;
use serde::Serialize;
use std::collections::BTreeSet;

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

impl Both {
    /// The name, or both where they differ.
    pub fn in_words(&self) -> String {
        if self.a == self.b { self.a.clone() } else { format!("{} → {}", self.a, self.b) }
    }
}

/// Where a figure stands in each of the two results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Name of the arm; of a run, the first digits of its key.
    pub arm: Both,
    /// Name of the protocol.
    pub protocol: Both,
    /// Name of the condition.
    pub condition: Both,
    /// `train`, `validation` or `test`.
    pub split: String,
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
    const ALL: [Self; 5] = [Self::Better, Self::Worse, Self::Undecided, Self::Same, Self::NotTested];

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
fn better(direction: Direction) -> &'static str {
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

    fn judged(&self) -> Change {
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

/// Compares `metrics`, or those of the reports where none are named, and those of `gates`, of two results.
///
/// # Errors
/// A metric that is not known, or results that have nothing in common.
pub fn compare(a: &Side, b: &Side, metrics: &[String], gates: &[Gate]) -> Result<Comparison, CompareError> {
    a.check_kind(b)?;
    let mut only = Vec::new();
    let mut metrics = chosen(a, b, metrics, &mut only)?;
    for gate in gates.iter().filter(|gate| a.known_metrics(b).contains(&gate.metric.as_str())) {
        if !metrics.contains(&gate.metric) {
            metrics.push(gate.metric.clone());
            only.retain(|one| one.what != "metric" || one.name != gate.metric);
        }
    }
    let places = join::places(a, b, &mut only)?;
    let pair = measure::Pair::new(a, b);
    let asked: Vec<_> = places.iter().flat_map(|place| metrics.iter().map(move |metric| (place, metric))).collect();
    // Each figure has generators of its own, so the order in which threads take them changes nothing.
    let measured: Vec<_> = asked.par_iter().map(|(place, metric)| pair.measure(place, metric)).collect();
    let (mut rows, mut unlike) = (Vec::new(), Vec::new());
    for found in measured {
        match found {
            measure::Found::Row(row) => rows.push(*row),
            measure::Found::Unlike(one) => unlike.push(one),
            measure::Found::Only(one) if only.contains(&one) => {}
            measure::Found::Only(one) => only.push(one),
            measure::Found::Nothing => {}
        }
    }
    if rows.is_empty() && unlike.is_empty() {
        let text = format!("{} and {} have no figure in common: {}", a.about.name, b.about.name, listed(&only));
        return Err(CompareError::Choice(text));
    }
    let corrected = holm(&rows.iter().filter_map(|row| row.p).collect::<Vec<_>>());
    rows.iter_mut().filter_map(|row| row.p.as_mut()).zip(corrected).for_each(|(p, corrected)| *p = corrected);
    for row in &mut rows {
        row.change = row.judged();
    }
    let circumstances = circumstances::differing(&a.facts, &b.facts);
    Ok(Comparison { a: a.about.clone(), b: b.about.clone(), rows, only, unlike, circumstances })
}

fn listed(only: &[Only]) -> String {
    let names: Vec<_> = only.iter().map(|one| format!("{} {} only in {}", one.what, one.name, one.side)).collect();
    if names.is_empty() { "nothing was tested in both".to_owned() } else { names.join(", ") }
}

/// The metrics that are compared. Of those that the reports show, the ones that only one shows are listed.
fn chosen(a: &Side, b: &Side, metrics: &[String], only: &mut Vec<Only>) -> Result<Vec<String>, CompareError> {
    let mut seen = BTreeSet::new();
    if !metrics.is_empty() {
        for metric in metrics {
            let known = a.known_metrics(b);
            if !known.contains(&metric.as_str()) {
                let meant = closest(metric, known.iter().copied()).map(|m| format!(" (did you mean `{m}`?)"));
                let text = format!(
                    "no metric is called `{metric}`{}; there are {}",
                    meant.unwrap_or_default(),
                    known.join(", ")
                );
                return Err(CompareError::Choice(text));
            }
        }
        return Ok(metrics.iter().filter(|metric| seen.insert(*metric)).cloned().collect());
    }
    let (of_a, of_b) = (a.shown_metrics(), b.shown_metrics());
    let (Some(of_a), Some(of_b)) = (&of_a, &of_b) else {
        return Ok(of_a.or(of_b).unwrap_or_else(|| METRICS[..4].iter().map(|metric| metric.name.to_owned()).collect()));
    };
    for (side, own, other) in [("A", of_a, of_b), ("B", of_b, of_a)] {
        let missing = own.iter().filter(|metric| !other.contains(metric));
        only.extend(missing.map(|metric| Only { side, what: "metric", name: metric.clone() }));
    }
    Ok(of_a.iter().filter(|metric| of_b.contains(metric) && seen.insert(*metric)).cloned().collect())
}
