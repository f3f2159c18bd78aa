//! One minus the soft Dice of the output's softmax; the formula stands at [`ops::soft_dice`].

use crate::ops;
use candle_core::{Result, Tensor};

pub(super) fn of(channels: &Tensor, target: &Tensor) -> Result<Tensor> {
    ops::soft_dice(channels, target)
}

pub(super) fn of_image(image: &[f32], truth: &[u8]) -> f64 {
    ops::image_soft_dice(image, truth, truth.len())
}
