//! Accuracy of an image's mask.

use super::{Confusion, Direction, Formula, Metric, ratio};

/// Share of correctly classified pixels.
pub const ACCURACY: Metric = Metric {
    name: "accuracy",
    label: "Accuracy",
    unit: "share of pixels, 0 to 1",
    direction: Direction::Higher,
    definition: "Share of an image's pixels whose arg-max class is correct.",
    source: "as printed; torchmetrics MulticlassAccuracy(num_classes=3, average=\"micro\", multidim_average=\"samplewise\")",
    formula: Formula::Image(of),
};

fn of(masks: &Confusion) -> Option<f64> {
    ratio(masks.right(), masks.pixels())
}

#[cfg(test)]
mod tests {
    use super::*;

    // `reference/scores.py` makes this number with torchmetrics.
    #[test]
    fn known_values() {
        assert_eq!(of(&Confusion::of(&[0, 0, 1, 1], &[0, 1, 1, 1])), Some(0.75));
        assert_eq!(of(&Confusion::of(&[], &[])), None, "no pixels have no accuracy");
    }
}
