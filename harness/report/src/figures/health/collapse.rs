//! Networks that give nearly all pixels to one class, or hardly any to a class that is there.

use super::{Finding, Severity, Undermines, joined};
use crate::{
    figures::{data::Data, pixels::Counted},
    inputs::{lines::Rows, runs::Run},
    links::linked,
    markdown::{count, escape, percent},
};
use harness_record::{
    metrics::{CLASSES, Confusion},
    vocabulary::{Predictor, Protocol, Stage},
};

/// From this share of the pixels on, a network gives them to one class.
pub(super) const ALL: f64 = 0.95;
/// Below this share of a class's true pixels, a network almost never predicts the class.
const NONE: f64 = 0.01;

/// The ways to collapse, by class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Collapse {
    /// Nearly all pixels go to the class.
    OnlyClass(usize),
    /// Hardly any pixel goes to the class.
    WithoutClass(usize),
}

impl Collapse {
    /// All ways, in the order of reports.
    fn all() -> impl Iterator<Item = Self> {
        (0..CLASSES).map(Self::OnlyClass).chain((0..CLASSES).map(Self::WithoutClass))
    }

    fn class(self) -> usize {
        match self {
            Self::OnlyClass(class) | Self::WithoutClass(class) => class,
        }
    }

    /// Returns the ways in which a network collapsed. If it knows a single class, the others are not listed as well.
    fn of(counts: &Confusion) -> Vec<Self> {
        let share = |class: usize, of: u64| counts.predicted(class) as f64 / of as f64;
        if counts.pixels() == 0 {
            return Vec::new();
        }
        if let Some(class) = (0..CLASSES).find(|&class| share(class, counts.pixels()) >= ALL) {
            return vec![Self::OnlyClass(class)];
        }
        let never = |class: &usize| counts.truth(*class) > 0 && share(*class, counts.truth(*class)) < NONE;
        (0..CLASSES).filter(never).map(Self::WithoutClass).collect()
    }

    /// The number that shows it: the share of all pixels, or the numbers of predicted and true pixels.
    fn shown(self, counts: &Confusion) -> String {
        match self {
            Self::OnlyClass(class) => percent(counts.predicted(class) as f64 / counts.pixels() as f64),
            Self::WithoutClass(class) => {
                format!("{} pixels for {} true ones", count(counts.predicted(class)), count(counts.truth(class)))
            }
        }
    }
}

/// The seeds of an arm in which it collapsed in one way.
struct Collapsed<'a> {
    arm: &'a str,
    counts: Confusion,
    rows: Vec<Rows>,
    seeds: usize,
    /// The number of seeds that were tested.
    of: usize,
}

pub(super) fn look(data: &Data) -> Result<Vec<Finding>, &'static str> {
    let mut findings = Vec::new();
    let mut counted = false;
    for &protocol in &data.study.protocols {
        let tests: Vec<_> =
            data.study.arms.iter().map(|arm| (arm.name.as_str(), tests(data, &arm.name, protocol))).collect();
        counted |= tests.iter().any(|(_, tests)| !tests.is_empty());
        for way in Collapse::all() {
            let arms: Vec<_> = tests.iter().filter_map(|(arm, tests)| collapsed(way, arm, tests)).collect();
            if !arms.is_empty() {
                findings.push(finding(data, protocol, way, &arms));
            }
        }
    }
    if counted { Ok(findings) } else { Err("the runs did not count pixels") }
}

/// Returns the number of seeds under which an arm gives nearly all pixels to one class.
pub(crate) fn seeds_of_one_class(data: &Data, arm: &str, protocol: Protocol) -> usize {
    let is_of_one_class =
        |test: &&Counted<Confusion>| Collapse::of(&test.counts).iter().any(|way| matches!(way, Collapse::OnlyClass(_)));
    tests(data, arm, protocol).iter().filter(is_of_one_class).count()
}

/// Returns the pixels of each seed under the first condition. Other conditions are hard on purpose.
fn tests(data: &Data, arm: &str, protocol: Protocol) -> Vec<Counted<Confusion>> {
    let of_seed = |run: &Run| {
        data.confusion_of([run], |row| row.predictor == Predictor::Model && row.condition == data.first_condition())
    };
    data.runs.of(arm, Stage::Evaluate, Some(protocol)).filter_map(|(_, run)| of_seed(run)).collect()
}

fn collapsed<'a>(way: Collapse, arm: &'a str, tests: &[Counted<Confusion>]) -> Option<Collapsed<'a>> {
    let own: Vec<_> = tests.iter().filter(|test| Collapse::of(&test.counts).contains(&way)).collect();
    (!own.is_empty()).then(|| Collapsed {
        arm,
        counts: own.iter().map(|test| test.counts).sum(),
        rows: own.iter().flat_map(|test| test.rows.clone()).collect(),
        seeds: own.len(),
        of: tests.len(),
    })
}

fn finding(data: &Data, protocol: Protocol, way: Collapse, arms: &[Collapsed<'_>]) -> Finding {
    let class = escape(&data.study.classes[way.class()]);
    let label = |one: &Collapsed<'_>| escape(data.arm_label(one.arm));
    let seeds = |one: &Collapsed<'_>| format!("{} of {} seeds", one.seeds, one.of);
    let each: Vec<_> = arms
        .iter()
        .map(|one| {
            let seeds = if one.of > 1 { format!(", {}", seeds(one)) } else { String::new() };
            format!("{} ({}{seeds})", label(one), linked(&way.shown(&one.counts), &one.rows))
        })
        .collect();
    let each = joined(&each);
    let place = data.first_in_brackets();
    let plural = if arms.len() > 1 { "" } else { "s" };
    let found = match way {
        Collapse::OnlyClass(_) => {
            format!("Under the {protocol} protocol{place}, {each} take{plural} nearly all pixels for {class}.")
        }
        Collapse::WithoutClass(_) => {
            format!("Under the {protocol} protocol{place}, {each} almost never predict{plural} {class}.")
        }
    };
    let reason = |one: &Collapsed<'_>| {
        let does = match way {
            Collapse::OnlyClass(_) => format!("collapsed to {class}"),
            Collapse::WithoutClass(_) => format!("almost never predicts {class}"),
        };
        let seeds = if one.of > 1 { format!(" in {}", seeds(one)) } else { String::new() };
        (one.arm.to_owned(), format!("{} {does}{seeds}", label(one)))
    };
    let arms = arms.iter().map(reason).collect();
    let undermines = match way {
        Collapse::OnlyClass(_) => Undermines::Masks(arms, protocol),
        Collapse::WithoutClass(_) => Undermines::Arms(arms, protocol),
    };
    Finding { severity: Severity::Fails, found, undermines }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_class_almost_everywhere_is_a_collapse() {
        let counts = |[a, b, c]: [u64; 3]| Confusion::from_counts([[a, b, c], [0; 3], [0; 3]]);
        let of = |predicted| Collapse::of(&counts(predicted));
        assert_eq!(of([3, 95, 2]), [Collapse::OnlyClass(1)]);
        assert_eq!(of([4, 94, 2]), []);
        assert_eq!(of([0, 0, 0]), []);
    }

    #[test]
    fn a_class_that_is_there_and_hardly_ever_predicted_is_a_collapse() {
        let of = |border: [u64; 3]| Collapse::of(&Confusion::from_counts([[900, 0, 0], [0, 900, 0], border]));
        assert_eq!(of([1000, 0, 0]), [Collapse::WithoutClass(2)]);
        assert_eq!(of([991, 0, 9]), [Collapse::WithoutClass(2)]);
        assert_eq!(of([990, 0, 10]), []);
        // A class without a pixel cannot be missed.
        assert_eq!(of([0, 0, 0]), []);
    }
}
