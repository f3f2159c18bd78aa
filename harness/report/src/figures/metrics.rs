//! The metrics of tables, charts and claims: what a name in a spec means under a protocol.

use harness_record::metrics::{
    self as measured, SCORES, accuracy, batch_dice, batch_iou, dice, iou, loss, soft_dice, soft_iou,
};

use crate::inputs::study::Family;
use harness_record::metrics::Direction;

/// A metric that a report can print.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Name in specs.
    pub name: &'static str,
    /// Label of tables and charts.
    pub label: &'static str,
    /// Unit in words.
    pub unit: &'static str,
    /// Which way is good.
    pub direction: Direction,
    /// What it is under the published protocol, for each [`Family`].
    published: [&'static measured::Metric; 2],
    /// What it is under every other protocol.
    corrected: &'static measured::Metric,
}

/// A metric that is the same under every protocol.
const fn fixed(name: &'static str, metric: &'static measured::Metric) -> Metric {
    Metric { label: metric.label, ..by_protocol(name, metric, [metric, metric]) }
}

/// A metric that is what the protocol says.
const fn by_protocol(
    name: &'static str,
    corrected: &'static measured::Metric,
    published: [&'static measured::Metric; 2],
) -> Metric {
    Metric { name, label: name, unit: corrected.unit, direction: corrected.direction, published, corrected }
}

/// All metrics. The first two mean what the protocol says; the others are one column under every protocol.
pub const METRICS: [Metric; 18] = [
    Metric { label: "Dice", ..by_protocol("dice", &dice::MACRO, [&soft_dice::SOFT_DICE, &batch_dice::BATCH_DICE]) },
    Metric { label: "IoU", ..by_protocol("iou", &iou::MACRO, [&soft_iou::SOFT_IOU, &batch_iou::BATCH_IOU]) },
    fixed("accuracy", &accuracy::ACCURACY),
    fixed("loss", &loss::LOSS),
    fixed("hard_dice", &dice::MACRO),
    fixed("hard_iou", &iou::MACRO),
    fixed("soft_dice", &soft_dice::SOFT_DICE),
    fixed("soft_iou", &soft_iou::SOFT_IOU),
    fixed("dice_pet", &dice::PET),
    fixed("dice_background", &dice::BACKGROUND),
    fixed("dice_border", &dice::BORDER),
    fixed("iou_pet", &iou::PET),
    fixed("iou_background", &iou::BACKGROUND),
    fixed("iou_border", &iou::BORDER),
    fixed("dice_micro", &dice::MICRO),
    fixed("iou_micro", &iou::MICRO),
    fixed("batch_dice", &batch_dice::BATCH_DICE),
    fixed("batch_iou", &batch_iou::BATCH_IOU),
];

/// The protocol under which `dice` and `iou` are what printed the figures of the network.
pub const PUBLISHED_PROTOCOL: &str = "published";

impl Metric {
    /// The metric of that name.
    pub fn find(name: &str) -> Option<&'static Self> {
        METRICS.iter().find(|m| m.name == name)
    }

    /// What is measured under `protocol` for a network of `family`: its definition, its source, and its column.
    pub fn measured(&self, protocol: &str, family: Family) -> &'static measured::Metric {
        match (protocol == PUBLISHED_PROTOCOL, family) {
            (true, Family::Soft) => self.published[0],
            (true, Family::Batch) => self.published[1],
            (false, _) => self.corrected,
        }
    }

    /// Name of the column of `per_image.csv` that holds it under `protocol` for a network of `family`.
    pub fn column(&self, protocol: &str, family: Family) -> &'static str {
        self.measured(protocol, family).name
    }

    /// Whether it is `column` under every protocol and for every network.
    pub(crate) fn is_always(&self, column: &str) -> bool {
        self.published.iter().chain([&self.corrected]).all(|measured| measured.name == column)
    }

    /// Index of [`Metric::column`] in [`SCORES`].
    pub(crate) fn score_index(&self, protocol: &str, family: Family) -> usize {
        let column = self.column(protocol, family);
        // Every column of the table above is a score (tested below).
        SCORES.iter().position(|&s| s == column).unwrap_or_default()
    }

    /// Its label, with the word that tells what the protocol makes of it: `soft Dice`.
    pub(crate) fn in_words(&self, protocol: &str) -> String {
        match (self.name, protocol == PUBLISHED_PROTOCOL) {
            ("dice" | "iou", true) => format!("soft {}", self.label),
            ("dice" | "iou", false) => format!("hard {}", self.label),
            _ => self.label.to_owned(),
        }
    }

    /// Whether its values lie in 0..1.
    pub fn is_share(&self) -> bool {
        self.direction == Direction::Higher
    }
}

/// Whether a column holds a value a batch, not a value an image.
pub(crate) fn is_over_batches(column: &str) -> bool {
    column.starts_with("batch_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_is_a_score_and_every_score_has_a_name() {
        for metric in METRICS {
            for measured in metric.published.iter().chain([&metric.corrected]) {
                assert!(SCORES.contains(&measured.name), "{}", metric.name);
                assert_eq!((measured.unit, measured.direction), (metric.unit, metric.direction), "{}", metric.name);
            }
        }
        for score in SCORES {
            assert!(Metric::find(score).is_some(), "{score}");
        }
        // Apart from the names that mean what the protocol says, a score is called what its column is called.
        for metric in METRICS.iter().filter(|m| SCORES.contains(&m.name) && !["dice", "iou"].contains(&m.name)) {
            assert_eq!(metric.column("corrected", Family::Soft), metric.name);
        }
    }

    #[test]
    fn names_are_resolved_by_protocol_and_family() {
        let columns = |name: &str| {
            let metric = Metric::find(name).unwrap();
            let places = [("published", Family::Soft), ("published", Family::Batch), ("corrected", Family::Batch)];
            places.map(|(protocol, family)| metric.column(protocol, family))
        };
        assert_eq!(columns("dice"), ["soft_dice", "batch_dice", "dice"]);
        assert_eq!(columns("iou"), ["soft_iou", "batch_iou", "iou"]);
        assert_eq!(columns("hard_dice"), ["dice"; 3]);
        assert_eq!(
            (Metric::find("dice").unwrap().label, Metric::find("hard_dice").unwrap().label),
            ("Dice", "Hard Dice")
        );
        assert_eq!(SCORES[Metric::find("iou").unwrap().score_index("published", Family::Batch)], "batch_iou");
    }
}
