//! Compares two results: the figures that changed, with differences and intervals, and the other differences between
//! the results.
//!
//! * [`Side`]: one of the two: a report's data folder, an arm of it, or a run of the store
//! * [`compare`]: every figure that both have, as B minus A. If both were tested on the same images, differences are
//!   paired by image and by seed, and tested as claims are. Otherwise the two means are independent of each other
//! * [`Gate`]: the rule for what counts as a regression
//! * [`render`]: the page

mod circumstances;
mod gate;
mod join;
mod measure;
mod page;
mod result;
mod side;

pub use circumstances::{Circumstance, Topic};
pub use gate::{Checked, Gate, Regression};
pub use page::{Shown, render};
pub use result::{About, Both, Change, CompareError, Comparison, Coordinates, Only, Row, Under, Unlike};
pub use side::{Choice, Side};

use crate::figures::statistics::sign_flips::holm;
use harness_record::suggest::closest;
use rayon::prelude::*;
use std::collections::BTreeSet;

/// The metrics compared when neither result lists its own.
const USUAL: [&str; 4] = ["dice", "iou", "accuracy", "loss"];

/// Compares two results by `metrics` (if empty, by the metrics that their reports show) and by the metrics of `gates`.
///
/// # Errors
/// Fails if a metric is unknown, or if the results have nothing in common.
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
    // Each figure has its own generators, so the order in which threads process the figures does not matter.
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

/// Returns the metrics to compare. Metrics that only one of the reports shows are added to `only`.
fn chosen(a: &Side, b: &Side, metrics: &[String], only: &mut Vec<Only>) -> Result<Vec<String>, CompareError> {
    let mut seen = BTreeSet::new();
    if !metrics.is_empty() {
        for metric in metrics {
            let known = a.known_metrics(b);
            if !known.contains(&metric.as_str()) {
                let meant = closest(metric, known.iter().copied()).map(|m| format!(" (did you mean `{m}`?)"));
                let text = format!(
                    "unknown metric `{metric}`{}; expected one of {}",
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
        return Ok(of_a.or(of_b).unwrap_or_else(|| USUAL.map(str::to_owned).to_vec()));
    };
    for (side, own, other) in [("A", of_a, of_b), ("B", of_b, of_a)] {
        let missing = own.iter().filter(|metric| !other.contains(metric));
        only.extend(missing.map(|metric| Only { side, what: "metric", name: metric.clone() }));
    }
    Ok(of_a.iter().filter(|metric| of_b.contains(metric) && seen.insert(*metric)).cloned().collect())
}
