//! The published Dice of VQ-VAE and SegNet.

use super::{Direction, Formula, Metric, SHARE, SoftSums};

/// Added to numerator and denominator.
pub(super) const SMOOTH: f64 = 1e-5;

/// Soft Dice of sigmoids, over all channels of an image at once.
pub const SOFT_DICE: Metric = Metric {
    name: "soft_dice",
    label: "Soft Dice",
    unit: SHARE,
    direction: Direction::Higher,
    definition: "2·(Σ g·p + s) / (Σ g + Σ p + s) over all channels and pixels of an image, with g the one-hot truth, p \
                 the sigmoid of the output and s = 0.00001, which counts twice in the numerator.",
    source: "the code that printed the figures of VQ-VAE and SegNet",
    formula: Formula::Soft(of),
};

fn of(sums: &SoftSums) -> f64 {
    2.0 * (sums.overlap + SMOOTH) / (sums.truth + sums.predicted + SMOOTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        assert!((of(&SoftSums { overlap: 2.0, truth: 4.0, predicted: 6.0 }) - 0.4).abs() < 1e-5);
        assert!((of(&SoftSums { overlap: 3.0, truth: 4.0, predicted: 4.0 }) - 0.75).abs() < 1e-5);
        assert_eq!(of(&SoftSums { overlap: 0.0, truth: 0.0, predicted: 0.0 }), 2.0, "the doubled smoothing shows");
    }
}
