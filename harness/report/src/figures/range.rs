//! Floor and ceiling of a score: what predictors that need no network get by the same measure, and the best possible
//! value.

use super::{
    data::Data,
    metrics::{Metric, is_over_batches, is_soft},
};
use crate::inputs::{runs::Measured, study::PublishedNetwork};
use harness_record::{
    metrics::Direction,
    vocabulary::{Baseline, Predictor, Protocol, Split, Stage},
};

/// The range of a score.
#[derive(Debug, Clone)]
pub(crate) struct Range<'a> {
    pub(crate) floor: Bound<'a>,
    pub(crate) ceiling: Bound<'a>,
}

/// An end of a range.
#[derive(Debug, Clone)]
pub(crate) struct Bound<'a> {
    pub(crate) value: f64,
    /// The baseline that has this value; `None` for a ceiling that follows from the definition of the metric.
    pub(crate) of: Option<Baseline>,
    /// The rows that hold it, one for each seed.
    pub(crate) rows: Vec<Measured<'a>>,
}

impl Range<'_> {
    /// Returns how much of the way from floor to ceiling a score covers; `None` if it is not above the floor.
    pub(crate) fn position(&self, score: f64) -> Option<f64> {
        let share = (score - self.floor.value) / (self.ceiling.value - self.floor.value);
        // Equal predictions can differ in the last digits of their means.
        (share > 1e-6).then_some(share)
    }
}

impl Data {
    /// Returns the range of a metric of an arm under a protocol, over the arm's own test images. `None` if it is not
    /// known: for a loss, for a mean over batches, or if the baselines were not measured.
    pub(crate) fn range(&self, arm: &str, metric: &Metric, protocol: Protocol) -> Option<Range<'_>> {
        let column = self.column(arm, metric, protocol);
        if metric.direction == Direction::Lower || is_over_batches(column) {
            return None;
        }
        let bound = |of| self.bound(arm, protocol, (of, column));
        if self.is_squeezed(arm, column, protocol) {
            let [floor, ceiling] = [Baseline::BackgroundInUnitRange, Baseline::PerfectInUnitRange].map(bound);
            return Some(Range { floor: floor?, ceiling: ceiling? });
        }
        let trivial = [Baseline::AllBackground, Baseline::MajorityClass].into_iter().filter_map(bound);
        // Of equal ones, the first.
        let floor = trivial.reduce(|best, other| if other.value > best.value { other } else { best })?;
        Some(Range { floor, ceiling: Bound { value: 1.0, of: None, rows: Vec::new() } })
    }

    /// Returns true if outputs between 0 and 1 go through a sigmoid before they are measured. Then no network reaches 1.
    fn is_squeezed(&self, arm: &str, column: &str, protocol: Protocol) -> bool {
        let divided = |network: PublishedNetwork| network.divided;
        protocol == Protocol::Published
            && is_soft(column)
            && self.arm(arm).and_then(|arm| arm.published).is_some_and(divided)
    }

    fn bound(&self, arm: &str, protocol: Protocol, (of, column): (Baseline, &str)) -> Option<Bound<'_>> {
        let tests = self.runs.of(arm, Stage::Evaluate, Some(protocol));
        let rows: Vec<_> =
            tests.filter_map(|(_, run)| run.of(Split::Test, Predictor::Baseline(of), column).next()).collect();
        let value = rows.iter().map(|row| row.value).sum::<f64>() / rows.len() as f64;
        value.is_finite().then_some(Bound { value, of: Some(of), rows })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::health::tests::{data, scored};
    use serde_json::json;

    const PUBLISHED: Protocol = Protocol::Published;

    fn range_of<'a>(data: &'a Data, metric: &str, protocol: Protocol) -> Option<Range<'a>> {
        data.range("a", Metric::find(metric).unwrap(), protocol)
    }

    #[test]
    fn the_floor_is_the_best_predictor_without_a_network_over_the_arms_own_images() {
        let baselines = |background: f64, majority: f64| {
            [(Baseline::AllBackground, background), (Baseline::MajorityClass, majority)]
                .map(|(baseline, value)| (Predictor::Baseline(baseline), "dice", value))
        };
        let runs = vec![
            scored("b", 0, &baselines(0.9, 0.9)),
            scored("a", 0, &baselines(0.2, 0.3)),
            scored("a", 1, &baselines(0.2, 0.4)),
        ];
        let data = data(|_| {}, runs);
        let range = range_of(&data, "dice", Protocol::Corrected).unwrap();
        assert_eq!((range.floor.of, range.ceiling.of, range.ceiling.value), (Some(Baseline::MajorityClass), None, 1.0));
        assert!((range.floor.value - 0.35).abs() < 1e-12 && range.floor.rows.len() == 2, "{range:?}");
        assert!((range.position(0.675).unwrap() - 0.5).abs() < 1e-12);
        assert_eq!([range.position(0.35), range.position(0.1)], [None, None]);
        // Baselines have no loss, and nothing was measured under the other protocol.
        assert!(range_of(&data, "loss", Protocol::Corrected).is_none() && range_of(&data, "dice", PUBLISHED).is_none());
    }

    #[test]
    fn outputs_that_a_sigmoid_squeezes_have_a_floor_and_a_ceiling_of_their_own() {
        let values = [
            (Baseline::AllBackground, 0.595),
            (Baseline::BackgroundInUnitRange, 0.467),
            (Baseline::PerfectInUnitRange, 0.535),
        ];
        let values = values.map(|(baseline, value)| (Predictor::Baseline(baseline), "soft_dice", value));
        let data = |divided: bool| {
            let mut run = scored("a", 0, &values);
            run.0.protocol = Some(PUBLISHED);
            let network = json!({"dice": "soft", "divided": divided});
            data(|study| study["arms"][0]["published"] = network.clone(), vec![run])
        };
        let ends = |divided| {
            let data = data(divided);
            let range = range_of(&data, "dice", PUBLISHED).unwrap();
            [range.floor.value, range.ceiling.value]
        };
        assert_eq!([ends(true), ends(false)], [[0.467, 0.535], [0.595, 1.0]]);
    }
}
