//! The class probabilities that a loss reads from a network's outputs.

use harness_record::metrics::CLASSES;

/// The conversion from outputs to probabilities. A sum of terms uses the first conversion in this order that one of its
/// terms has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reading {
    /// Outputs are logits: softmax.
    Logits,
    /// The sigmoid of each output is a logit, as in the published cross-entropy. No probability exceeds e/(e + 2) = 0.576.
    SigmoidsAsLogits,
    /// The outputs estimate the probabilities themselves, because squared errors against 0 and 1 are smallest there. Negative
    /// outputs count as 0, and the sum is scaled to 1.
    Shares,
}

impl Reading {
    /// The probability of `class` at a pixel with these `outputs`.
    pub(super) fn probability(self, outputs: [f32; CLASSES], class: u8) -> f32 {
        let class = usize::from(class);
        match self {
            Self::Logits => softmax(outputs, class),
            Self::SigmoidsAsLogits => softmax(outputs.map(|x| 1.0 / (1.0 + (-x).exp())), class),
            Self::Shares => {
                let shares = outputs.map(|x| x.max(0.0));
                let sum: f32 = shares.iter().sum();
                if sum > 0.0 { shares[class] / sum } else { 1.0 / CLASSES as f32 }
            }
        }
    }
}

fn softmax(logits: [f32; CLASSES], class: usize) -> f32 {
    let largest = logits.into_iter().fold(f32::NEG_INFINITY, f32::max);
    let powers = logits.map(|x| (x - largest).exp());
    powers[class] / powers.iter().sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_loss_reads_its_own_probabilities() {
        let logits = Reading::Logits.probability([0.0, 3.0_f32.ln(), 0.0], 1);
        assert!((logits - 0.6).abs() < 1e-6, "{logits}");
        assert_eq!(Reading::Logits.probability([1000.0, 0.0, -1000.0], 0), 1.0);
        // However confident the network is, the sigmoids lie between 0 and 1.
        let sigmoids = Reading::SigmoidsAsLogits.probability([100.0, -100.0, -100.0], 0);
        assert!((sigmoids - 0.576_117).abs() < 1e-6, "{sigmoids}");
        assert_eq!(Reading::Shares.probability([0.5, 0.75, -2.0], 1), 0.6);
        assert_eq!(Reading::Shares.probability([-1.0, -0.5, -2.0], 1), 1.0 / 3.0);
    }
}
