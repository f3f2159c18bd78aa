//! The published metrics: soft Dice and intersection over union of sigmoids, over all channels of an image at once.

use super::CLASSES;

/// Added to numerator and denominator.
const SMOOTH: f64 = 1e-5;

/// Sums over channels and pixels of one image; `g` is the one-hot truth, `p` the sigmoid of the output.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SoftSums {
    /// `Σ g·p`
    overlap: f64,
    /// `Σ g`
    truth: f64,
    /// `Σ p`
    predicted: f64,
}

impl SoftSums {
    /// Sums of an image whose network output is `channels` `[3, pixels]`.
    pub fn of(truth: &[u8], channels: &[f32]) -> Self {
        let pixels = truth.len();
        let mut sums = Self { overlap: 0.0, truth: pixels as f64, predicted: 0.0 };
        for (k, plane) in channels.chunks(pixels.max(1)).take(CLASSES).enumerate() {
            for (&x, &class) in plane.iter().zip(truth) {
                let p = f64::from(1.0 / (1.0 + (-x).exp()));
                sums.predicted += p;
                if usize::from(class) == k {
                    sums.overlap += p;
                }
            }
        }
        sums
    }

    /// Sums of a prediction that is certain: probability 1 for `prediction`'s class, 0 for the others.
    pub fn of_certain(truth: &[u8], prediction: &[u8]) -> Self {
        let right = truth.iter().zip(prediction).filter(|(t, p)| t == p).count();
        Self { overlap: right as f64, truth: truth.len() as f64, predicted: prediction.len() as f64 }
    }

    /// `2·(Σ g·p + s) / (Σ g + Σ p + s)`, as published: s is doubled above the line.
    pub fn dice(&self) -> f64 {
        2.0 * (self.overlap + SMOOTH) / (self.truth + self.predicted + SMOOTH)
    }

    /// `(Σ g·p + s) / (Σ g + Σ p − Σ g·p + s)`.
    pub fn iou(&self) -> f64 {
        (self.overlap + SMOOTH) / (self.truth + self.predicted - self.overlap + SMOOTH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_of_zeros_has_probability_one_half_everywhere() {
        let sums = SoftSums::of(&[0, 1, 2, 1], &[0.0; 12]);
        // Σ g·p = 2, Σ g = 4, Σ p = 6
        assert!((sums.dice() - 0.4).abs() < 1e-5);
        assert!((sums.iou() - 0.25).abs() < 1e-5);
    }

    #[test]
    fn a_certain_prediction_agrees_with_large_logits() {
        let (truth, prediction) = ([0u8, 1, 2, 1], [0u8, 1, 1, 1]);
        let mut channels = [-100.0; 12];
        prediction.iter().enumerate().for_each(|(i, &p)| channels[usize::from(p) * 4 + i] = 100.0);
        let (soft, certain) = (SoftSums::of(&truth, &channels), SoftSums::of_certain(&truth, &prediction));
        assert!((soft.dice() - certain.dice()).abs() < 1e-6);
        assert!((certain.dice() - 0.75).abs() < 1e-5);
    }
}
