//! The metrics of tables, charts and claims. A protocol decides what a metric's name in a spec means.

use harness_record::{
    metrics::{self as measured, Direction, SCORES, batch_dice, batch_iou, dice, iou, soft_dice, soft_iou},
    vocabulary::{PrintedDice, Protocol},
};
use std::sync::LazyLock;

/// A metric that a report can print.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Metric {
    /// The name in specs.
    pub(crate) name: &'static str,
    /// The label in tables and charts.
    pub(crate) label: &'static str,
    /// The unit in words.
    pub(crate) unit: &'static str,
    /// The direction in which it gets better.
    pub(crate) direction: Direction,
    /// The quantity measured under the published protocol, for each [`PrintedDice`].
    published: [&'static measured::Metric; 2],
    /// The quantity measured under every other protocol.
    corrected: &'static measured::Metric,
}

/// All metrics: first the two whose meaning depends on the protocol, then those that tests measure, which are the same
/// under every protocol.
pub(crate) static METRICS: LazyLock<Vec<Metric>> = LazyLock::new(|| {
    let dice = Metric::by_protocol(["dice", "Dice"], &dice::MACRO, [&soft_dice::SOFT_DICE, &batch_dice::BATCH_DICE]);
    let iou = Metric::by_protocol(["iou", "IoU"], &iou::MACRO, [&soft_iou::SOFT_IOU, &batch_iou::BATCH_IOU]);
    [dice, iou].into_iter().chain(measured::METRICS.iter().map(Metric::fixed)).collect()
});

impl Metric {
    fn by_protocol(
        [name, label]: [&'static str; 2],
        corrected: &'static measured::Metric,
        published: [&'static measured::Metric; 2],
    ) -> Self {
        Self { name, label, unit: corrected.unit, direction: corrected.direction, published, corrected }
    }

    /// Creates a metric that is the same under every protocol. It has the name of its column, unless that name depends
    /// on the protocol.
    fn fixed(measured: &'static measured::Metric) -> Self {
        let name = match measured.name {
            "dice" => "hard_dice",
            "iou" => "hard_iou",
            other => other,
        };
        Self::by_protocol([name, measured.label], measured, [measured; 2])
    }

    /// Returns the metric with this name.
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        METRICS.iter().find(|m| m.name == name)
    }

    /// Returns the names of all metrics.
    pub(crate) fn names() -> Vec<&'static str> {
        METRICS.iter().map(|metric| metric.name).collect()
    }

    /// Returns the quantity measured under `protocol` for a network whose printed Dice is `dice`: its definition, its
    /// source, and its column.
    pub(crate) fn measured(&self, protocol: Protocol, dice: PrintedDice) -> &'static measured::Metric {
        match (protocol, dice) {
            (Protocol::Published, PrintedDice::Soft) => self.published[0],
            (Protocol::Published, PrintedDice::Batch) => self.published[1],
            (Protocol::Corrected, _) => self.corrected,
        }
    }

    /// Returns the column of `per_image.csv` that holds the metric under `protocol` for a network whose printed Dice is
    /// `dice`.
    pub(crate) fn column(&self, protocol: Protocol, dice: PrintedDice) -> &'static str {
        self.measured(protocol, dice).name
    }

    /// Returns true if the metric is `column` under every protocol and for every network.
    pub(crate) fn is_always(&self, column: &str) -> bool {
        self.published.iter().chain([&self.corrected]).all(|measured| measured.name == column)
    }

    /// Returns the index of [`Metric::column`] in [`SCORES`].
    pub(crate) fn score_index(&self, protocol: Protocol, dice: PrintedDice) -> usize {
        let column = self.column(protocol, dice);
        // Every measured quantity is a score (tested below).
        SCORES.iter().position(|&s| s == column).unwrap_or_default()
    }

    /// Returns the label with its meaning under the protocol: `soft Dice`.
    pub(crate) fn in_words(&self, protocol: Protocol) -> String {
        match (self.name, protocol) {
            ("dice" | "iou", Protocol::Published) => format!("soft {}", self.label),
            ("dice" | "iou", Protocol::Corrected) => format!("hard {}", self.label),
            _ => self.label.to_owned(),
        }
    }

    /// Returns true if the values lie in 0..1.
    pub(crate) fn is_share(&self) -> bool {
        self.direction == Direction::Higher
    }
}

/// Returns true if a column holds a value for each batch, not for each image.
pub(crate) fn is_over_batches(column: &str) -> bool {
    column.starts_with("batch_")
}

/// Returns true if a column holds a score of the probabilities, not of the masks.
pub(crate) fn is_soft(column: &str) -> bool {
    column.starts_with("soft_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_is_a_score_and_every_score_has_a_name() {
        for metric in METRICS.iter() {
            for measured in metric.published.iter().chain([&metric.corrected]) {
                assert!(SCORES.contains(&measured.name), "{}", metric.name);
                assert_eq!((measured.unit, measured.direction), (metric.unit, metric.direction), "{}", metric.name);
            }
        }
        for score in SCORES {
            assert!(Metric::find(score).is_some(), "{score}");
        }
        // All other scores have the names of their columns.
        for metric in METRICS.iter().filter(|m| SCORES.contains(&m.name) && !["dice", "iou"].contains(&m.name)) {
            assert_eq!(metric.column(Protocol::Corrected, PrintedDice::Soft), metric.name);
        }
    }

    #[test]
    fn names_are_resolved_by_protocol_and_network() {
        let columns = |name: &str| {
            let metric = Metric::find(name).unwrap();
            let places = [
                (Protocol::Published, PrintedDice::Soft),
                (Protocol::Published, PrintedDice::Batch),
                (Protocol::Corrected, PrintedDice::Batch),
            ];
            places.map(|(protocol, dice)| metric.column(protocol, dice))
        };
        assert_eq!(columns("dice"), ["soft_dice", "batch_dice", "dice"]);
        assert_eq!(columns("iou"), ["soft_iou", "batch_iou", "iou"]);
        assert_eq!(columns("hard_dice"), ["dice"; 3]);
        assert_eq!(
            (Metric::find("dice").unwrap().label, Metric::find("hard_dice").unwrap().label),
            ("Dice", "Hard Dice")
        );
        assert_eq!(
            SCORES[Metric::find("iou").unwrap().score_index(Protocol::Published, PrintedDice::Batch)],
            "batch_iou"
        );
    }
}
