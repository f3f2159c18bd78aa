//! Seeds whose score lies far from the other seeds of their arm.

use super::{Finding, Severity, Undermines, joined};
use crate::{
    figures::{data::Data, metrics::Metric},
    links::to_metrics,
    markdown::{escape, number},
};
use harness_record::vocabulary::Protocol;

/// The number of seeds that show a scatter.
const SEEDS: usize = 3;
/// A seed lies far off if its distance from its arm's median is more than so many times the usual distance in all arms. If
/// all seeds scatter normally, two arms with three seeds to five arms with ten have such a seed in 2 % of the cases or fewer.
const TIMES: f64 = 8.0;
/// It must also be more than so many times the usual distance in its own arm, because arms can scatter unequally.
const OWN_TIMES: f64 = 3.0;
/// A smaller distance is of no importance. Scores lie between 0 and 1.
const LEAST: f64 = 0.02;

pub(super) fn look(data: &Data) -> Result<Vec<Finding>, &'static str> {
    if data.study.seeds.len() < SEEDS {
        return Err("it needs three seeds");
    }
    let first = data.study.report.metrics.iter().filter_map(|name| Metric::find(name)).find(|metric| metric.is_share());
    let metric = first.ok_or("no metric of the report is a share")?;
    Ok(data.study.protocols.iter().filter_map(|&protocol| finding(data, metric, protocol)).collect())
}

fn finding(data: &Data, metric: &Metric, protocol: Protocol) -> Option<Finding> {
    let figure = |arm: &str| data.tested(arm, data.first_condition(), metric, protocol);
    let figures: Vec<_> = data.study.arms.iter().filter_map(|arm| Some((arm, figure(&arm.name)?))).collect();
    let values: Vec<Vec<f64>> =
        figures.iter().map(|(_, figure)| figure.rows.iter().map(|row| row.value).collect()).collect();
    let mut each = Vec::new();
    for ((arm, figure), far) in figures.iter().zip(far_off(&values)) {
        for seed in far {
            let row = figure.rows[seed];
            let others: Vec<f64> = figure.rows.iter().map(|row| row.value).collect();
            each.push(format!(
                "{} with seed {} ({}, the median over seeds is {})",
                escape(&arm.label),
                row.run.record.seed,
                to_metrics(&number(row.value), &[row]),
                to_metrics(&number(median(&others)), &figure.rows)
            ));
        }
    }
    let found = format!(
        "Under the {protocol} protocol{}, these scores ({}) lie far from those of the other seeds: {}.",
        data.first_in_brackets(),
        metric.in_words(protocol),
        joined(&each)
    );
    (!each.is_empty()).then_some(Finding { severity: Severity::Warns, found, undermines: Undermines::Nothing })
}

/// Returns the places of the seeds that lie far off, for each arm.
fn far_off(arms: &[Vec<f64>]) -> Vec<Vec<usize>> {
    let tested = |values: &&Vec<f64>| values.len() >= SEEDS;
    let all: Vec<f64> = arms.iter().filter(tested).flat_map(|values| scatter(values)).collect();
    if all.is_empty() {
        return vec![Vec::new(); arms.len()];
    }
    let bound = LEAST.max(TIMES * median(&all));
    let far = |values: &Vec<f64>| {
        if !tested(&values) {
            return Vec::new();
        }
        let scatter = scatter(values);
        let bound = bound.max(OWN_TIMES * scatter[(scatter.len() - 1) / 2]);
        let own = distances(values).into_iter().enumerate();
        own.filter(|(_, distance)| *distance > bound).map(|(seed, _)| seed).collect()
    };
    arms.iter().map(far).collect()
}

/// Returns the distances of seeds from their median, sorted. Of an odd number of seeds, one is the median and left out.
fn scatter(values: &[f64]) -> Vec<f64> {
    let mut distances = distances(values);
    distances.sort_by(f64::total_cmp);
    distances.split_off(values.len() % 2)
}

fn distances(values: &[f64]) -> Vec<f64> {
    let center = median(values);
    values.iter().map(|value| (value - center).abs()).collect()
}

/// Returns the median of at least one value.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[half] } else { f64::midpoint(sorted[half - 1], sorted[half]) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::health::tests::{data, scored};
    use harness_record::vocabulary::Predictor;

    #[test]
    fn a_lucky_network_is_named_with_its_row() {
        let runs = |lucky: f64| {
            let of = |arm: &str, values: [f64; 3]| {
                (0..).zip(values).map(|(seed, value)| scored(arm, seed, &[(Predictor::Model, "dice", value)])).collect()
            };
            let (a, b): (Vec<_>, Vec<_>) = (of("a", [0.6, 0.61, lucky]), of("b", [0.6, 0.605, 0.61]));
            a.into_iter().chain(b).collect::<Vec<_>>()
        };
        let runs_of_luck = runs(0.9);
        let key = runs_of_luck[2].1.key().short().to_owned();
        let found = look(&data(|_| {}, runs_of_luck)).unwrap();
        let [finding] = &found[..] else { panic!("{found:?}") };
        let said = format!(
            "far from those of the other seeds: A with seed 2 ([0.900][m{key}.2], the median over seeds is [0.610]"
        );
        assert!(finding.found.contains(&said), "{}", finding.found);
        assert!(look(&data(|_| {}, runs(0.62))).unwrap().is_empty());
        assert!(look(&data(|study| study["seeds"] = serde_json::json!([0, 1]), runs(0.9))).is_err());
    }

    #[test]
    fn a_seed_far_from_the_others_is_found() {
        let usual = vec![0.60, 0.61, 0.62, 0.605, 0.615];
        let lucky = vec![0.455, 0.46, 0.465, 0.458, 0.663];
        assert_eq!(far_off(&[usual.clone(), lucky]), [vec![], vec![4]]);
        assert_eq!(far_off(&[usual.clone(), usual]), [[0_usize; 0], []]);
        // An arm can scatter more than the others.
        let narrow = || vec![0.500, 0.501, 0.502];
        assert_eq!(far_off(&[narrow(), vec![0.761, 0.793, 0.806], narrow()]), [[0_usize; 0], [], []]);
    }

    #[test]
    fn two_seeds_show_no_scatter_and_a_small_distance_does_not_count() {
        assert_eq!(far_off(&[vec![0.2, 0.9]]), [[0_usize; 0]]);
        assert_eq!(far_off(&[vec![0.6, 0.6, 0.6, 0.6, 0.619]]), [[0_usize; 0]]);
        assert_eq!(far_off(&[vec![0.6, 0.6, 0.6, 0.6, 0.621]]), [[4]]);
        assert_eq!(far_off(&[]), Vec::<Vec<usize>>::new());
    }
}
