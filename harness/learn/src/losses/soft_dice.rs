//! One minus the soft Dice of the output's softmax; see [`ops::soft_dice`] for the formula.

use super::{Formula, Reading};
use crate::ops;
use candle_core::{Result, Tensor};

pub(super) const FORMULA: Formula =
    Formula { words: "soft Dice", reading: Reading::Logits, of, of_image, kernel: Some(3) };

fn of(channels: &Tensor, target: &Tensor) -> Result<Tensor> {
    ops::soft_dice(channels, target)
}

fn of_image(image: &[f32], truth: &[u8]) -> f64 {
    ops::image_soft_dice(image, truth, truth.len())
}
