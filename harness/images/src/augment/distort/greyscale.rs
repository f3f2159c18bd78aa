//! Greyscale.

use crate::augment::{Change, RandomChange, check_probability, happens};
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Greyscale in three channels. The default is that of the published work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GreyscaleSpec {
    /// Probability that an image loses its colours.
    pub probability: f64,
}

impl Default for GreyscaleSpec {
    fn default() -> Self {
        Self { probability: 0.2 }
    }
}

impl RandomChange for GreyscaleSpec {
    fn check(&self) -> Result<(), (String, String)> {
        check_probability(self.probability)
    }

    fn describe(&self) -> String {
        format!("greyscale with probability {}", self.probability)
    }

    fn draw(&self, _: usize, rng: &mut ChaCha8Rng) -> Vec<Change> {
        if happens(self.probability, rng) { vec![Change::Grey] } else { Vec::new() }
    }
}
