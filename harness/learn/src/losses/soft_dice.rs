//! One minus the soft Dice of the output's softmax; see [`ops::soft_dice`] for the formula.

use crate::ops;
use candle_core::{Result, Tensor};

pub(super) fn of(channels: &Tensor, target: &Tensor) -> Result<Tensor> {
    ops::soft_dice(channels, target)
}

pub(super) fn of_image(image: &[f32], truth: &[u8]) -> f64 {
    ops::image_soft_dice(image, truth, truth.len())
}
