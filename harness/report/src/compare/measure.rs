//! Computes the difference of a figure between two results, with its interval and its test.
//!
//! A difference between two trainings is tested over seeds, and over images if there is a score for each: with fewer than
//! three seeds on a side there is no test, because another seed could turn the difference around. Two tests of the same
//! networks differ for no such reason, and are tested over images.

use super::{
    result::{Both, Change, Coordinates, Only, Row, Unlike},
    side::Side,
};
use crate::figures::{
    metrics::{Metric, is_over_batches},
    statistics::{
        bootstrap::Resampler,
        crossed::{Crossed, SEEDS, crossed, crossed_apart, of_seeds, too_few_seeds},
        sample::Sample,
        sign_flips::sign_flip_test,
    },
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
    /// The breed of each image.
    breeds: Vec<String>,
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
            breeds: images.values().map(|(breed, _)| (*breed).to_owned()).collect(),
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
        let paired = same_data.then(|| self.paired(place, [at_a, at_b], metric, [a, b])).flatten();
        let row = paired.or_else(|| {
            let why = if same_data { "no image was tested in both" } else { "they were tested on different data" };
            self.independent(place, metric, a, b, why)
        });
        row.map_or(Found::Nothing, |row| Found::Row(Box::new(row)))
    }

    /// Compares image by image, over the images that have a score on both sides.
    fn paired(
        &self,
        place: &Coordinates,
        [at_a, at_b]: [Tested<'_>; 2],
        metric: &Metric,
        [a, b]: [&Sample; 2],
    ) -> Option<Row> {
        let pairs = Pairs::of(a.seed_numbers(), b.seed_numbers());
        let of_a = a.placed(&self.places.a).of_seeds(&pairs.a);
        // Each seed of B gets the number of the seed of A that it is paired with.
        let of_b = b.placed(&self.places.b).of_seeds(&pairs.b).renamed(&pairs.a);
        let differences = of_b.minus(&of_a);
        let summary = self.resampler.summarise(&differences).filter(|summary| summary.images >= FEWEST)?;
        let defined: Vec<bool> = differences.means().iter().map(|d| !d.is_nan()).collect();
        let mean = |sample: Sample| self.resampler.summarise(&sample.only(|image| defined[image])).map(|s| s.mean);
        let tested = a.defined().len().max(b.defined().len());
        let fewer =
            (summary.images < tested).then(|| format!("over the {} images that have a score in both", summary.images));
        let row = Row {
            images: Some(Both { a: summary.images, b: summary.images }),
            seeds: Both { a: summary.seeds, b: summary.seeds },
            paired: true,
            same: differences.is_zero(),
            ..Row::new(place, metric.name, Some(metric.direction), [mean(of_a)?, mean(of_b)?], summary.mean)
        };
        if row.same {
            return Some(row.noted([pairs.note, fewer]));
        }
        if summary.seeds >= SEEDS {
            let found = crossed(&differences, &self.breeds);
            return found.map(|found| row.tested(found).noted([pairs.note, fewer]));
        }
        if self.same_networks([at_a, at_b], &pairs) {
            let words = [metric.name, &place.on_a(), &place.on_b()];
            let seed = digest::seed(&["compare"].into_iter().chain(words).collect::<Vec<_>>());
            let networks = "the same networks on both sides, tested over images".to_owned();
            let row = Row {
                interval: Some((summary.low, summary.high)),
                p: Some(sign_flip_test(&differences.defined(), seed)),
                ..row
            };
            return Some(row.noted([Some(networks), fewer]));
        }
        Some(row.noted([Some(too_few(a.seeds(), b.seeds())), fewer]))
    }

    /// Returns true if each pair of seeds is one network, tested twice.
    fn same_networks(&self, [at_a, at_b]: [Tested<'_>; 2], pairs: &Pairs) -> bool {
        let parents = |side: &'a Side, (arm, _, protocol): Tested<'_>, seed: u64| {
            let mut tests = side.runs.of(arm, Stage::Evaluate, Some(protocol));
            tests.find(|(place, _)| place.seed == seed).map(|(_, run)| &run.record.parents)
        };
        pairs.a.iter().zip(&pairs.b).all(|(&seed_a, &seed_b)| {
            let [of_a, of_b] = [parents(self.a, at_a, seed_a), parents(self.b, at_b, seed_b)];
            of_a.is_some_and(|keys| !keys.is_empty() && of_b == Some(keys))
        })
    }

    /// Compares two means that are independent of each other.
    fn independent(&self, place: &Coordinates, metric: &Metric, a: &Sample, b: &Sample, why: &str) -> Option<Row> {
        let mean = |side: &Side, sample: &Sample| side.scores.summarise(sample).map(|found| found.mean);
        let (of_a, of_b) = (mean(self.a, a)?, mean(self.b, b)?);
        let row = Row {
            images: Some(Both { a: a.defined().len(), b: b.defined().len() }),
            seeds: Both { a: a.seeds(), b: b.seeds() },
            ..Row::new(place, metric.name, Some(metric.direction), [of_a, of_b], of_b - of_a)
        };
        let why = Some(format!("not paired: {why}"));
        if a.seeds().min(b.seeds()) < SEEDS {
            return Some(row.noted([Some(too_few(a.seeds(), b.seeds())), why]));
        }
        let found = crossed_apart((a, self.a.scores.breeds()), (b, self.b.scores.breeds()))?;
        Some(row.tested(found).noted([why, None]))
    }

    fn over_batches(&self, place: &Coordinates, [at_a, at_b]: [Tested<'_>; 2], metric: &Metric, column: &str) -> Found {
        let of = |side: &Side, (arm, condition, protocol): Tested<'_>| {
            let mut values: Vec<(u64, f64)> = Vec::new();
            for (at, run) in side.runs.of(arm, Stage::Evaluate, Some(protocol)) {
                let rows = run.of(Split::Test, Predictor::Model, column);
                let rows = rows.filter(|row| row.condition == condition && row.value.is_finite());
                values.extend(rows.map(|row| (at.seed, row.value)));
            }
            values
        };
        let (a, b) = (of(self.a, at_a), of(self.b, at_b));
        if a.is_empty() || b.is_empty() {
            return missing(place, metric.name, [!a.is_empty(), !b.is_empty()]);
        }
        let [seeds_a, seeds_b] = [&a, &b].map(|values| values.iter().map(|(seed, _)| *seed).collect::<Vec<_>>());
        let pairs = Pairs::of(&seeds_a, &seeds_b);
        let under = |values: &[(u64, f64)], seeds: &[u64]| -> Vec<f64> {
            seeds.iter().filter_map(|seed| Some(values.iter().find(|(own, _)| own == seed)?.1)).collect()
        };
        let (of_a, of_b) = (under(&a, &pairs.a), under(&b, &pairs.b));
        let differences: Vec<f64> = of_b.iter().zip(&of_a).map(|(b, a)| b - a).collect();
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let row = Row {
            seeds: Both { a: of_a.len(), b: of_b.len() },
            same: differences.iter().all(|difference| *difference == 0.0),
            ..Row::new(place, metric.name, Some(metric.direction), [mean(&of_a), mean(&of_b)], mean(&differences))
        };
        let over = Some("over seeds alone: this is a mean over batches, without a value for each image".to_owned());
        let row = match of_seeds(&differences).filter(|_| differences.len() >= SEEDS) {
            _ if row.same => row.noted([pairs.note, None]),
            Some(found) => row.tested(found).noted([over, pairs.note]),
            None => row.noted([Some(too_few(a.len(), b.len())), None]),
        };
        Found::Row(Box::new(row))
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
            same: a == b,
            note: (a != b).then(|| too_few(1, 1)),
            ..Row::new(place, metric, direction, [a, b], b - a)
        }))
    }
}

/// The seeds that are compared with each other, one of A with one of B.
struct Pairs {
    a: Vec<u64>,
    b: Vec<u64>,
    note: Option<String>,
}

impl Pairs {
    /// Pairs each seed with itself. If fewer than three are on both sides, the others are paired in their order: then nothing
    /// but chance pairs them, and the differences are as independent of each other.
    fn of(a: &[u64], b: &[u64]) -> Self {
        let common: Vec<u64> = a.iter().copied().filter(|seed| b.contains(seed)).collect();
        let (fewer, all) = (a.len().min(b.len()), a.len().max(b.len()));
        if common.len() >= SEEDS || common.len() == all {
            let note =
                (common.len() < all).then(|| format!("over the {} of {all} seeds that are in both", common.len()));
            return Self { a: common.clone(), b: common, note };
        }
        let ordered = |own: &[u64]| -> Vec<u64> {
            let others = own.iter().copied().filter(|seed| !common.contains(seed));
            common.iter().copied().chain(others).take(fewer).collect()
        };
        let (a, b) = (ordered(a), ordered(b));
        let words = a.iter().zip(&b).filter(|(a, b)| a != b).map(|(a, b)| format!("{a} with {b}")).collect::<Vec<_>>();
        let note = (!words.is_empty()).then(|| format!("seeds are paired in their order: {}", words.join(", ")));
        let left_out = (fewer < all).then(|| format!("over {fewer} of {all} seeds"));
        let notes: Vec<_> = note.into_iter().chain(left_out).collect();
        let note = notes.is_empty().not().then(|| notes.join("; "));
        Self { a, b, note }
    }
}

/// Says that there are too few seeds for a test, and on which side.
fn too_few(a: usize, b: usize) -> String {
    let few = |seeds: usize| seeds < SEEDS;
    match (few(a), few(b)) {
        (true, true) if too_few_seeds(a) == too_few_seeds(b) => {
            format!("not tested: {} on each side", too_few_seeds(a))
        }
        (true, true) => format!("not tested: {} in A and {} in B", too_few_seeds(a), too_few_seeds(b)),
        (true, false) => format!("not tested: {} in A", too_few_seeds(a)),
        _ => format!("not tested: {} in B", too_few_seeds(b)),
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
            same: false,
            change: Change::NotTested,
            note: None,
        }
    }

    fn tested(self, Crossed { low, high, p, .. }: Crossed) -> Self {
        Self { interval: Some((low, high)), p: Some(p), ..self }
    }

    fn noted(self, notes: [Option<String>; 2]) -> Self {
        let notes: Vec<_> = notes.into_iter().flatten().collect();
        Self { note: notes.is_empty().not().then(|| notes.join("; ")), ..self }
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
