//! Rotates by quarter turns.

use crate::augment::{Change, RandomChange};
use harness_record::random;
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Rotates by 0, 90, 180 or 270 degrees, all equally likely. The image to restore stays upright.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateSpec {}

impl RandomChange for RotateSpec {
    fn check(&self) -> Result<(), (String, String)> {
        Ok(())
    }

    fn describe(&self) -> String {
        "a rotation by 0, 90, 180 or 270 degrees".to_owned()
    }

    fn draw(&self, _: usize, rng: &mut ChaCha8Rng) -> Vec<Change> {
        match random::below(rng, 4) {
            0 => Vec::new(),
            quarters => vec![Change::Turn(quarters)],
        }
    }
}
