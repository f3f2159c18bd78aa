//! `(output − one-hot truth)²`, mean over channels and pixels: `torch.nn.MSELoss` against a one-hot target.

use super::{Formula, Reading};
use crate::ops;
use candle_core::{Result, Tensor};

pub(super) const FORMULA: Formula =
    Formula { words: "mean squared error", reading: Reading::Shares, of, of_image, kernel: Some(0) };

fn of(channels: &Tensor, target: &Tensor) -> Result<Tensor> {
    ops::mse(channels, &ops::one_hot(target, channels.dim(1)?)?)
}

fn of_image(image: &[f32], truth: &[u8]) -> f64 {
    let plane = |(class, plane): (usize, &[f32])| {
        let error = |(&x, &t): (&f32, &u8)| f64::from(x - f32::from(u8::from(usize::from(t) == class))).powi(2);
        plane.iter().zip(truth).map(error).sum::<f64>()
    };
    image.chunks(truth.len()).enumerate().map(plane).sum::<f64>() / image.len() as f64
}
