//! Computes the difference of a figure between two results, with its interval and its test.

use super::{
    result::{Both, Change, Coordinates, Only, Row, Unlike},
    side::Side,
};
use crate::figures::{
    metrics::{Metric, is_over_batches},
    statistics::{bootstrap::Resampler, sample::Sample, sign_flips::sign_flip_test},
};
use harness_record::{
    digest,
    metrics::{self as measured, Formula},
    vocabulary::{Condition, Predictor, Protocol, Split, Stage},
};
use std::{collections::BTreeMap, ops::Not as _};

/// The minimum number of images for paired differences.
const FEWEST: usize = 2;

/// Two results, with the images of both in one order.
pub(super) struct Pair<'a> {
    a: &'a Side,
    b: &'a Side,
    resampler: Resampler,
    /// The position of each image on each side.
    places: Both<Vec<Option<usize>>>,
}

/// The arm, condition and protocol of a test.
type Tested<'a> = (&'a str, Condition, Protocol);

/// The outcome for one place and one metric.
pub(super) enum Found {
    Row(Box<Row>),
    Unlike(Unlike),
    Only(Only),
    Nothing,
}

impl<'a> Pair<'a> {
    pub(super) fn new(a: &'a Side, b: &'a Side) -> Self {
        let mut images: BTreeMap<&str, (&str, Both<Option<usize>>)> = BTreeMap::new();
        for (i, (name, breed)) in a.scores.images().iter().zip(a.scores.breeds()).enumerate() {
            images.insert(name, (breed, Both { a: Some(i), b: None }));
        }
        for (i, (name, breed)) in b.scores.images().iter().zip(b.scores.breeds()).enumerate() {
            images.entry(name).or_insert((breed, Both { a: None, b: None })).1.b = Some(i);
        }
        Self {
            resampler: Resampler::new(
                images.iter().map(|(name, (breed, _))| ((*name).to_owned(), (*breed).to_owned())).collect(),
            ),
            places: Both {
                a: images.values().map(|(_, at)| at.a).collect(),
                b: images.values().map(|(_, at)| at.b).collect(),
            },
            a,
            b,
        }
    }

    /// Compares one figure.
    pub(super) fn measure(&self, place: &Coordinates, metric: &str) -> Found {
        if self.a.is_trained() {
            return self.of_training(place, metric);
        }
        // Everything that was tested has a protocol.
        let (Some(metric), Some([a, b])) = (Metric::find(metric), place.tested()) else { return Found::Nothing };
        let tested = [self.a.scores.has(a.0, a.1, a.2), self.b.scores.has(b.0, b.1, b.2)];
        match tested {
            [false, false] => return Found::Nothing,
            [true, true] => {}
            [a, _] => {
                let (side, name) = if a { ("A", place.on_a()) } else { ("B", place.on_b()) };
                return Found::Only(Only { side, what: "figure", name });
            }
        }
        match self.column([a, b], metric) {
            Ok(column) if is_over_batches(column) => self.over_batches(place, [a, b], metric, column),
            Ok(_) => self.over_images(place, [a, b], metric),
            Err(why) => Found::Unlike(Unlike { place: place.clone(), metric: metric.name.to_owned(), why }),
        }
    }

    /// Returns the column that holds the metric on both sides, or the reason why the two sides do not measure the same.
    fn column(&self, [at_a, at_b]: [Tested<'_>; 2], metric: &Metric) -> Result<&'static str, String> {
        let arm = |side: &'a Side, name: &str| side.arms.iter().find(|arm| arm.name == name);
        let (Some(arm_a), Some(arm_b)) = (arm(self.a, at_a.0), arm(self.b, at_b.0)) else {
            return Err("one of the arms is missing".to_owned());
        };
        let a = metric.measured(at_a.2, arm_a.dice);
        let b = metric.measured(at_b.2, arm_b.dice);
        if a.name != b.name {
            return Err(format!("it is {} in A and {} in B", a.label, b.label));
        }
        if matches!(a.formula, Formula::Loss) {
            match (arm_a.loss(at_a.2), arm_b.loss(at_b.2)) {
                (Some(a), Some(b)) if a != b => return Err(format!("the loss is {a} in A and {b} in B")),
                (Some(_), Some(_)) => {}
                _ if at_a.2 != at_b.2 => return Err("each protocol has its own loss".to_owned()),
                _ => {}
            }
        }
        Ok(a.name)
    }

    fn over_images(&self, place: &Coordinates, [at_a, at_b]: [Tested<'_>; 2], metric: &Metric) -> Found {
        let a = self.a.scores.sample(at_a.0, at_a.1, metric, at_a.2);
        let b = self.b.scores.sample(at_b.0, at_b.1, metric, at_b.2);
        let (Some(a), Some(b)) = (&a, &b) else {
            return missing(place, metric.name, [a.is_some(), b.is_some()]);
        };
        let same_data = self
            .a
            .tested_on(at_a.0, at_a.2)
            .is_some_and(|digests| self.b.tested_on(at_b.0, at_b.2).as_ref() == Some(&digests));
        let paired = same_data.then(|| self.paired(place, metric, a, b)).flatten();
        let row = paired.or_else(|| {
            let why = if same_data { "no image was tested in both" } else { "they were tested on different data" };
            self.independent(place, metric, a, b, why)
        });
        row.map_or(Found::Nothing, |row| Found::Row(Box::new(row)))
    }

    /// Compares image by image, over the images that have a score on both sides.
    fn paired(&self, place: &Coordinates, metric: &Metric, a: &Sample, b: &Sample) -> Option<Row> {
        let seeds = Both { a: a.seeds(), b: b.seeds() };
        let (of_a, of_b) = (a.placed(&self.places.a), b.placed(&self.places.b));
        let (of_a, of_b, note) = with_common_seeds(&of_a, &of_b);
        let differences = of_b.minus(&of_a);
        let summary = self.resampler.summarise(&differences).filter(|summary| summary.images >= FEWEST)?;
        let defined: Vec<bool> = differences.means().iter().map(|d| !d.is_nan()).collect();
        let mean = |sample: Sample| self.resampler.summarise(&sample.only(|image| defined[image])).map(|s| s.mean);
        let tested = a.defined().len().max(b.defined().len());
        let fewer =
            (summary.images < tested).then(|| format!("over the {} images that have a score in both", summary.images));
        let words = [metric.name, &place.on_a(), &place.on_b()];
        let seed = digest::seed(&["compare"].into_iter().chain(words).collect::<Vec<_>>());
        Some(Row {
            interval: Some((summary.low, summary.high)),
            p: Some(sign_flip_test(&differences.defined(), seed)),
            images: Some(Both { a: summary.images, b: summary.images }),
            seeds: if summary.seeds > 0 { Both { a: summary.seeds, b: summary.seeds } } else { seeds },
            paired: true,
            note: joined([note, fewer]),
            ..Row::new(place, metric.name, Some(metric.direction), [mean(of_a)?, mean(of_b)?], summary.mean)
        })
    }

    /// Compares two means that are independent of each other.
    fn independent(&self, place: &Coordinates, metric: &Metric, a: &Sample, b: &Sample, why: &str) -> Option<Row> {
        let (of_a, of_b) = (self.a.scores.distribution(a)?, self.b.scores.distribution(b)?);
        Some(Row {
            interval: Some(of_b.minus(&of_a)),
            images: Some(Both { a: a.defined().len(), b: b.defined().len() }),
            seeds: Both { a: a.seeds(), b: b.seeds() },
            note: Some(format!("not paired: {why}")),
            ..Row::new(place, metric.name, Some(metric.direction), [of_a.mean, of_b.mean], of_b.mean - of_a.mean)
        })
    }

    fn over_batches(&self, place: &Coordinates, [at_a, at_b]: [Tested<'_>; 2], metric: &Metric, column: &str) -> Found {
        let of = |side: &Side, (arm, condition, protocol): Tested<'_>| {
            let mut values: Vec<f64> = Vec::new();
            for (_, run) in side.runs.of(arm, Stage::Evaluate, Some(protocol)) {
                let rows = run.of(Split::Test, Predictor::Model, column);
                let rows = rows.filter(|row| row.condition == condition && row.value.is_finite());
                values.extend(rows.map(|row| row.value));
            }
            values.is_empty().not().then(|| (values.iter().sum::<f64>() / values.len() as f64, values.len()))
        };
        let (a, b) = (of(self.a, at_a), of(self.b, at_b));
        let (Some(a), Some(b)) = (a, b) else { return missing(place, metric.name, [a.is_some(), b.is_some()]) };
        let note = "no interval: this is a mean over batches, without a value for each image";
        Found::Row(Box::new(Row {
            seeds: Both { a: a.1, b: b.1 },
            note: Some(note.to_owned()),
            ..Row::new(place, metric.name, Some(metric.direction), [a.0, b.0], b.0 - a.0)
        }))
    }

    /// Compares a figure of two trainings, each at the epoch whose weights were kept.
    fn of_training(&self, place: &Coordinates, metric: &str) -> Found {
        let of = |side: &Side, condition: Condition| {
            let row = side.kept().find(|row| {
                (row.split == place.split && row.metric == metric && row.condition == condition)
                    && row.predictor == Predictor::Model
            });
            row.map(|row| row.value).filter(|value| value.is_finite())
        };
        let (a, b) = (of(self.a, place.condition.a), of(self.b, place.condition.b));
        let (Some(a), Some(b)) = (a, b) else {
            // Some metrics are not measured on every split.
            return if a.is_none() && b.is_none() {
                Found::Nothing
            } else {
                missing(place, metric, [a.is_some(), b.is_some()])
            };
        };
        let direction = measured::Metric::find(metric).map(|metric| metric.direction);
        if metric == "loss" && place.protocol.a != place.protocol.b {
            let why = "each protocol has its own loss".to_owned();
            return Found::Unlike(Unlike { place: place.clone(), metric: metric.to_owned(), why });
        }
        Found::Row(Box::new(Row {
            seeds: Both { a: 1, b: 1 },
            note: Some("no interval: there is one value per training".to_owned()),
            ..Row::new(place, metric, direction, [a, b], b - a)
        }))
    }
}

impl Row {
    fn new(
        place: &Coordinates,
        metric: &str,
        direction: Option<harness_record::metrics::Direction>,
        [a, b]: [f64; 2],
        difference: f64,
    ) -> Self {
        Self {
            place: place.clone(),
            metric: metric.to_owned(),
            direction,
            a,
            b,
            difference,
            interval: None,
            p: None,
            images: None,
            seeds: Both { a: 0, b: 0 },
            paired: false,
            change: Change::Undecided,
            note: None,
        }
    }
}

impl Coordinates {
    /// Returns the arm, condition and protocol tested on each side, or `None` if a side has no protocol.
    fn tested(&self) -> Option<[Tested<'_>; 2]> {
        let Self { arm, protocol, condition, .. } = self;
        Some([(&arm.a, condition.a, protocol.a.0?), (&arm.b, condition.b, protocol.b.0?)])
    }

    fn on_a(&self) -> String {
        format!("{} under {}, {}", self.arm.a, self.protocol.a, self.condition.a)
    }

    fn on_b(&self) -> String {
        format!("{} under {}, {}", self.arm.b, self.protocol.b, self.condition.b)
    }
}

/// Reports a figure that one side does not have.
fn missing(place: &Coordinates, metric: &str, there: [bool; 2]) -> Found {
    let (side, name) = match there {
        [true, false] => ("A", place.on_a()),
        [false, true] => ("B", place.on_b()),
        _ => return Found::Nothing,
    };
    let split = if place.split == Split::Test { String::new() } else { format!(", {}", place.split) };
    Found::Only(Only { side, what: "figure", name: format!("{metric} of {name}{split}") })
}

/// Restricts both samples to the seeds that both have. If there are none, each becomes its mean over its own seeds.
fn with_common_seeds(a: &Sample, b: &Sample) -> (Sample, Sample, Option<String>) {
    let common: Vec<u64> = a.seed_numbers().iter().copied().filter(|seed| b.seed_numbers().contains(seed)).collect();
    if common.is_empty() {
        let note = "no seed is in both, so each image's mean over seeds is compared".to_owned();
        return (a.averaged(), b.averaged(), Some(note));
    }
    let all = a.seeds().max(b.seeds());
    let note = (common.len() < all).then(|| format!("over the {} of {all} seeds that are in both", common.len()));
    (a.of_seeds(&common), b.of_seeds(&common), note)
}

fn joined(notes: [Option<String>; 2]) -> Option<String> {
    let notes: Vec<_> = notes.into_iter().flatten().collect();
    notes.is_empty().not().then(|| notes.join("; "))
}
