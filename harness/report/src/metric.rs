//! The metrics of tables, charts and claims: what a name means under a protocol, its unit and its direction.

use harness_record::rows::SCORES;

/// Which way of a metric is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
}

/// A metric that a report can print.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// Name in specs.
    pub name: &'static str,
    /// Label of tables and charts.
    pub label: &'static str,
    /// Unit in words.
    pub unit: &'static str,
    /// Which way is good.
    pub direction: Direction,
    /// Column of `per_image.csv` under the published protocol.
    published: &'static str,
    /// Column of `per_image.csv` under every other protocol.
    corrected: &'static str,
}

const fn share(name: &'static str, label: &'static str, unit: &'static str, columns: [&'static str; 2]) -> Metric {
    Metric { name, label, unit, direction: Direction::Higher, published: columns[0], corrected: columns[1] }
}

const RAW: &str = "share, 0 to 1";

/// All metrics. The first four mean what the protocol says; the others are one column under every protocol.
pub const METRICS: [Metric; 14] = [
    share("dice", "Dice", RAW, ["soft_dice", "dice"]),
    share("iou", "IoU", RAW, ["soft_iou", "iou"]),
    share("accuracy", "Accuracy", "share of pixels, 0 to 1", ["accuracy", "accuracy"]),
    Metric {
        name: "loss",
        label: "Loss",
        unit: "nats per pixel",
        direction: Direction::Lower,
        published: "loss",
        corrected: "loss",
    },
    share("hard_dice", "Hard Dice", RAW, ["dice", "dice"]),
    share("hard_iou", "Hard IoU", RAW, ["iou", "iou"]),
    share("soft_dice", "Soft Dice", RAW, ["soft_dice", "soft_dice"]),
    share("soft_iou", "Soft IoU", RAW, ["soft_iou", "soft_iou"]),
    share("dice_pet", "Dice, pet", RAW, ["dice_pet", "dice_pet"]),
    share("dice_background", "Dice, background", RAW, ["dice_background", "dice_background"]),
    share("dice_border", "Dice, border", RAW, ["dice_border", "dice_border"]),
    share("iou_pet", "IoU, pet", RAW, ["iou_pet", "iou_pet"]),
    share("iou_background", "IoU, background", RAW, ["iou_background", "iou_background"]),
    share("iou_border", "IoU, border", RAW, ["iou_border", "iou_border"]),
];

/// The protocol under which `dice` and `iou` are soft.
pub const PUBLISHED_PROTOCOL: &str = "published";

impl Metric {
    /// The metric of that name.
    pub fn find(name: &str) -> Option<&'static Self> {
        METRICS.iter().find(|m| m.name == name)
    }

    /// Name of the column of `per_image.csv` that holds it under `protocol`.
    pub fn column(&self, protocol: &str) -> &'static str {
        if protocol == PUBLISHED_PROTOCOL { self.published } else { self.corrected }
    }

    /// Index of [`Metric::column`] in [`SCORES`].
    pub(crate) fn score_index(&self, protocol: &str) -> usize {
        let column = self.column(protocol);
        // Every column of the table above is a score (tested below).
        SCORES.iter().position(|&s| s == column).unwrap_or_default()
    }

    /// Whether its values lie in 0..1.
    pub fn is_share(&self) -> bool {
        self.direction == Direction::Higher
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_is_a_score_and_every_score_has_a_name() {
        for metric in METRICS {
            assert!(SCORES.contains(&metric.published) && SCORES.contains(&metric.corrected), "{}", metric.name);
        }
        for score in SCORES {
            assert!(Metric::find(score).is_some(), "{score}");
        }
    }

    #[test]
    fn names_are_resolved_by_protocol() {
        let dice = Metric::find("dice").unwrap();
        assert_eq!(dice.column("published"), "soft_dice");
        assert_eq!(dice.column("corrected"), "dice");
    }
}
