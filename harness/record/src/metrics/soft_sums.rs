//! Sums of probabilities, from which the soft metrics of the published work are computed.

use super::CLASSES;

/// Sums over channels and pixels of one image; `g` is the one-hot truth, `p` the sigmoid of the output.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SoftSums {
    /// `Σ g·p`
    pub overlap: f64,
    /// `Σ g`
    pub truth: f64,
    /// `Σ p`
    pub predicted: f64,
}

impl SoftSums {
    /// The sums of an image with the network output `channels` `[3, pixels]`.
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

    /// The sums of a certain prediction: probability 1 for `prediction`'s class, 0 for the others.
    pub fn of_certain(truth: &[u8], prediction: &[u8]) -> Self {
        let right = truth.iter().zip(prediction).filter(|(t, p)| t == p).count();
        Self { overlap: right as f64, truth: truth.len() as f64, predicted: prediction.len() as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_of_zeros_has_probability_one_half_everywhere() {
        let sums = SoftSums::of(&[0, 1, 2, 1], &[0.0; 12]);
        assert_eq!(sums, SoftSums { overlap: 2.0, truth: 4.0, predicted: 6.0 });
    }

    #[test]
    fn a_certain_prediction_agrees_with_large_logits() {
        let (truth, prediction) = ([0u8, 1, 2, 1], [0u8, 1, 1, 1]);
        let mut channels = [-100.0; 12];
        prediction.iter().enumerate().for_each(|(i, &p)| channels[usize::from(p) * 4 + i] = 100.0);
        let (soft, certain) = (SoftSums::of(&truth, &channels), SoftSums::of_certain(&truth, &prediction));
        assert!((soft.overlap - certain.overlap).abs() < 1e-6 && (soft.predicted - certain.predicted).abs() < 1e-6);
        assert_eq!(certain, SoftSums { overlap: 3.0, truth: 4.0, predicted: 4.0 });
    }
}
