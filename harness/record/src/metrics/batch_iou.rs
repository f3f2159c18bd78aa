//! The published intersection over union of LinkNet.

use super::{CLASSES, Confusion, Direction, Formula, Metric, SHARE};

/// Added to intersection and union.
const SMOOTH: f64 = 1e-6;

/// Macro intersection over union over the pixels of a whole batch. Unlike in the batch Dice, a class in neither mask counts:
/// the smoothing makes it 1.
pub const BATCH_IOU: Metric = Metric {
    name: "batch_iou",
    label: "Batch IoU",
    unit: SHARE,
    direction: Direction::Higher,
    definition: "Mean over all three classes of (|T∩P| + s) / (|T∪P| + s), with T and P the pixels of a class in the \
                 true and in the arg-max masks of a whole batch and s = 0.000001, so that a class that neither \
                 contains counts as 1. Averaged over batches, of which the last may be smaller.",
    source: "the code that printed the figures of LinkNet",
    formula: Formula::Batch(of),
};

fn of(masks: &Confusion) -> Option<f64> {
    let class = |class| (masks.overlap(class) as f64 + SMOOTH) / (masks.union(class) as f64 + SMOOTH);
    (masks.pixels() > 0).then(|| (0..CLASSES).map(class).sum::<f64>() / CLASSES as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_in_neither_mask_counts_as_one() {
        let value = of(&Confusion::of(&[0, 0, 1, 1], &[0, 1, 1, 1])).unwrap();
        assert!((value - (0.5 + 2.0 / 3.0 + 1.0) / 3.0).abs() < 1e-6);
        let value = of(&Confusion::of(&[0, 1], &[0, 2])).unwrap();
        assert!((value - 1.0 / 3.0).abs() < 1e-6, "a class that is only predicted is wrong");
        assert_eq!(of(&Confusion::default()), None);
    }
}
