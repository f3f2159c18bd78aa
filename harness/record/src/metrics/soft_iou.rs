//! The published intersection over union of VQ-VAE and SegNet.

use super::{Direction, Formula, Metric, SHARE, SoftSums, soft_dice::SMOOTH};

/// Soft intersection over union of sigmoids, over all channels of an image at once.
pub const SOFT_IOU: Metric = Metric {
    name: "soft_iou",
    label: "Soft IoU",
    unit: SHARE,
    direction: Direction::Higher,
    definition: "(Σ g·p + s) / (Σ g + Σ p − Σ g·p + s) over all channels and pixels of an image, with g the one-hot truth, p \
                 the sigmoid of the output and s = 0.00001.",
    source: "the code that printed the figures of VQ-VAE and SegNet",
    formula: Formula::Soft(of),
};

fn of(sums: &SoftSums) -> f64 {
    (sums.overlap + SMOOTH) / (sums.truth + sums.predicted - sums.overlap + SMOOTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        assert!((of(&SoftSums { overlap: 2.0, truth: 4.0, predicted: 6.0 }) - 0.25).abs() < 1e-5);
        assert!((of(&SoftSums { overlap: 3.0, truth: 4.0, predicted: 4.0 }) - 0.6).abs() < 1e-5);
    }
}
