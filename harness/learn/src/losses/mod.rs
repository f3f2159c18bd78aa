//! Losses of segmentation: weighted sums of terms, each in its own module.
//!
//! Every loss takes the network's output `[B, 3, S, S]` after the protocol's treatment
//! ([`harness_record::vocabulary::Protocol::finish`]), and is a mean over images.

mod probabilities;

use crate::ops;
use candle_core::{Device, Error, Result, Tensor};
use harness_record::{metrics::Reliability, vocabulary::Protocol};
use probabilities::Reading;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Declares a file of this folder as a module, and as a term that specs can name. The file's `FORMULA` defines the
/// term.
macro_rules! terms {
    ($($(#[$doc:meta])* $variant:ident = $name:literal in $module:ident;)+) => {
        $(mod $module;)+

        /// A term of a loss.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        pub enum Term {
            $($(#[$doc])* #[serde(rename = $name)] $variant),+
        }

        impl Term {
            /// All terms, in the order in which a sum adds them.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$variant),+];

            /// Names of all terms, in the same order.
            const NAMES: [&str; Self::ALL.len()] = [$($name),+];

            /// Its name in specs.
            pub fn name(self) -> &'static str {
                Self::NAMES[self as usize]
            }

            fn formula(self) -> &'static Formula {
                match self {
                    $(Self::$variant => &$module::FORMULA),+
                }
            }
        }
    };
}

terms! {
    /// Mean squared error of the output against the one-hot truth.
    MeanSquaredError = "mse" in mean_squared_error;
    /// Cross-entropy with the output as logits, in nats per pixel.
    CrossEntropy = "cross-entropy" in cross_entropy;
    /// Cross-entropy with the sigmoid of the output as logits, as in the published work.
    SigmoidCrossEntropy = "sigmoid-cross-entropy" in sigmoid_cross_entropy;
    /// One minus the soft Dice of the output's softmax, a mean over images and classes.
    SoftDice = "soft-dice" in soft_dice;
}

/// A term: its name for people and its computation.
struct Formula {
    /// Its name for people.
    words: &'static str,
    /// The probabilities that the outputs of a network trained on it stand for.
    reading: Reading,
    /// The loss of a batch (a scalar): `channels` `[B, 3, S, S]`, `target` `[B, S, S]` of u8.
    of: fn(channels: &Tensor, target: &Tensor) -> Result<Tensor>,
    /// The loss of one image `[3, pixels]` with its true classes.
    of_image: fn(image: &[f32], truth: &[u8]) -> f64,
    /// Its place among the weights of the kernel `image_scores`; `None` if the kernel does not know it. Then the host scores images.
    kernel: Option<usize>,
}

/// A sum of weighted terms: `{cross-entropy: 1.0}`, or `{cross-entropy: 1.0, soft-dice: 0.5}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend(
    "minProperties" = 1,
    "propertyNames" = { "enum": Term::NAMES },
))]
pub struct LossSpec(BTreeMap<Term, f64>);

impl LossSpec {
    /// The sum of `terms`, each with its weight. If a term occurs twice, its last weight counts.
    pub fn new(terms: impl IntoIterator<Item = (Term, f64)>) -> Self {
        Self(terms.into_iter().collect())
    }

    /// Checks the loss. The error names the invalid term, or nothing for the sum as a whole, and the expected value.
    pub fn check(&self) -> std::result::Result<(), (String, String)> {
        if self.0.is_empty() {
            return Err((String::new(), "at least one term, such as `cross-entropy: 1.0`".into()));
        }
        match self.0.iter().find(|(_, weight)| !(**weight > 0.0 && weight.is_finite())) {
            Some((term, _)) => Err((term.name().into(), "a weight above 0".into())),
            None => Ok(()),
        }
    }

    /// The loss for people: `cross-entropy + 0.5 · soft Dice`.
    pub fn describe(&self) -> String {
        let term = |(term, weight): (&Term, &f64)| {
            let words = term.formula().words;
            if *weight == 1.0 { words.to_owned() } else { format!("{weight} · {words}") }
        };
        self.0.iter().map(term).collect::<Vec<_>>().join(" + ")
    }

    /// The loss (a scalar) of `channels` `[B, 3, S, S]` against `target` `[B, S, S]` of u8 class indices. The target gets no
    /// gradient. Fails if the shapes do not fit or there is no term.
    pub fn of(&self, channels: &Tensor, target: &Tensor) -> Result<Tensor> {
        let terms = self.0.keys().map(|term| (term.formula().of)(channels, target)).collect::<Result<Vec<_>>>()?;
        ops::weighted_sum(&terms.iter().zip(self.0.values().copied()).collect::<Vec<_>>())
    }

    /// The losses of the images of `channels` `[B, 3, S, S]` against `truth` (`B·S·S` class indices), computed on the host
    /// without a gradient. Their mean is [`LossSpec::of`] of the batch, up to rounding.
    pub fn per_image(&self, channels: &Tensor, truth: &[u8]) -> Result<Vec<f64>> {
        let (batch, classes, height, width) = channels.dims4()?;
        let pixels = height * width;
        if truth.len() != batch * pixels {
            return Err(Error::Msg(format!("{} true classes for {batch} images of {pixels} pixels", truth.len())));
        }
        let host = channels.detach().to_device(&Device::Cpu)?.flatten_all()?.to_vec1::<f32>()?;
        let images = host.par_chunks(classes * pixels).zip(truth.par_chunks(pixels));
        Ok(images.map(|(image, truth)| self.of_image(image, truth)).collect())
    }

    /// The weights for the kernel `image_scores`, 0 for terms that are absent; `None` if the kernel does not know a term.
    pub(crate) fn weights(&self) -> Option<[f64; 4]> {
        let mut weights = [0.0; 4];
        for (term, weight) in &self.0 {
            weights[term.formula().kernel?] = *weight;
        }
        Some(weights)
    }

    /// The reliability of a network trained on this loss: its confidence in the classes `prediction` of one image `[3,
    /// pixels]`, and how often it is right. The probabilities are those that the loss reads from the outputs.
    pub(crate) fn reliability(&self, image: &[f32], prediction: &[u8], truth: &[u8]) -> Reliability {
        let reading = self.reading();
        let mut counted = Reliability::default();
        let pixels = truth.len();
        for (pixel, (&class, &right)) in prediction.iter().zip(truth).enumerate() {
            let outputs = [0, 1, 2].map(|k| image[k * pixels + pixel]);
            counted.count(reading.probability(outputs, class), class == right);
        }
        counted
    }

    /// If the readings of its terms differ, the first one in the order of [`Reading`] is used.
    fn reading(&self) -> Reading {
        self.0.keys().map(|term| term.formula().reading).min().unwrap_or(Reading::Logits)
    }

    /// The loss of one image `[3, pixels]`.
    pub(crate) fn of_image(&self, image: &[f32], truth: &[u8]) -> f64 {
        self.0.iter().map(|(term, weight)| weight * (term.formula().of_image)(image, truth)).sum()
    }
}

/// The loss of fine-tuning under each protocol.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LossesSpec {
    /// Under the protocol `published`.
    pub published: LossSpec,
    /// Under the protocol `corrected`.
    pub corrected: LossSpec,
}

impl Default for LossesSpec {
    fn default() -> Self {
        Self {
            published: LossSpec::new([(Term::SigmoidCrossEntropy, 1.0)]),
            corrected: LossSpec::new([(Term::CrossEntropy, 1.0)]),
        }
    }
}

impl LossesSpec {
    /// The loss under a protocol.
    pub fn under(&self, protocol: Protocol) -> &LossSpec {
        match protocol {
            Protocol::Published => &self.published,
            Protocol::Corrected => &self.corrected,
        }
    }

    /// Checks both losses. The error names the invalid field, below `losses`, and the expected value.
    pub fn check(&self) -> std::result::Result<(), (String, String)> {
        for protocol in [Protocol::Published, Protocol::Corrected] {
            self.under(protocol).check().map_err(|(term, expected)| {
                let place = protocol.name().to_owned();
                (if term.is_empty() { place } else { format!("{place}.{term}") }, expected)
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_read_as_its_sharpest_term() {
        let of = |terms: &[Term]| LossSpec::new(terms.iter().map(|&term| (term, 1.0))).reading();
        assert_eq!(of(&[Term::MeanSquaredError]), Reading::Shares);
        assert_eq!(of(&[Term::MeanSquaredError, Term::SigmoidCrossEntropy]), Reading::SigmoidsAsLogits);
        assert_eq!(of(&[Term::MeanSquaredError, Term::SoftDice]), Reading::Logits);
    }
}
