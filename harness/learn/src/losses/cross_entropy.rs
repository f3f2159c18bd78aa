//! `−log softmax(output)[class]`, mean over pixels: `torch.nn.CrossEntropyLoss`.

use super::{Formula, Reading};
use crate::ops;
use candle_core::{Result, Tensor};

pub(super) const FORMULA: Formula =
    Formula { words: "cross-entropy", reading: Reading::Logits, of, of_image, kernel: Some(1) };

pub(super) fn of(channels: &Tensor, target: &Tensor) -> Result<Tensor> {
    ops::cross_entropy(channels, target)
}

pub(super) fn of_image(image: &[f32], truth: &[u8]) -> f64 {
    ops::image_cross_entropy(image, truth, truth.len()) / truth.len() as f64
}
