//! Cross-entropy that uses the sigmoid of the output as logits, as the published work did.
//!
//! Since these logits lie in 0..1, the loss never falls below `log(1 + 2/e)`, about 0.55.

use super::{Formula, Reading, cross_entropy};
use crate::ops;
use candle_core::{Result, Tensor};

pub(super) const FORMULA: Formula =
    Formula { words: "cross-entropy of sigmoids", reading: Reading::SigmoidsAsLogits, of, of_image, kernel: Some(2) };

fn of(channels: &Tensor, target: &Tensor) -> Result<Tensor> {
    cross_entropy::of(&ops::sigmoid(channels)?, target)
}

fn of_image(image: &[f32], truth: &[u8]) -> f64 {
    cross_entropy::of_image(&ops::image_sigmoid(image), truth)
}
