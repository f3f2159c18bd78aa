//! Layers that hold weights. Initial values as PyTorch's: uniform in ±1/√fan-in for weight and bias alike.

use super::state::{Builder, Init};
use crate::ops;
use candle_core::{Result, Tensor};

/// Sizes of a square convolution.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kernel {
    pub(super) side: usize,
    pub(super) stride: usize,
    pub(super) padding: usize,
}

impl Kernel {
    pub(super) const fn new(side: usize, stride: usize, padding: usize) -> Self {
        Self { side, stride, padding }
    }
}

/// `[B, inputs, H, W] -> [B, outputs, H', W']`.
#[derive(Debug)]
pub(super) struct Conv2d {
    weight: Tensor,
    bias: Tensor,
    kernel: Kernel,
}

impl Conv2d {
    pub(super) fn new(inputs: usize, outputs: usize, kernel: Kernel, at: &Builder) -> Result<Self> {
        let side = kernel.side;
        let init = Init::Uniform(1.0 / ((inputs * side * side) as f32).sqrt());
        let weight = at.parameter("weight", (outputs, inputs, side, side), init)?;
        let bias = at.parameter("bias", outputs, init)?;
        Ok(Self { weight, bias, kernel })
    }

    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        ops::conv2d(x, &self.weight, &self.bias, self.kernel.stride, self.kernel.padding)
    }
}

/// `[B, inputs, H, W] -> [B, outputs, H', W']`, larger by the stride.
#[derive(Debug)]
pub(super) struct ConvTranspose2d {
    weight: Tensor,
    bias: Tensor,
    kernel: Kernel,
}

impl ConvTranspose2d {
    pub(super) fn new(inputs: usize, outputs: usize, kernel: Kernel, at: &Builder) -> Result<Self> {
        let side = kernel.side;
        // PyTorch takes the fan-in from the second dimension, which here is the outputs.
        let init = Init::Uniform(1.0 / ((outputs * side * side) as f32).sqrt());
        let weight = at.parameter("weight", (inputs, outputs, side, side), init)?;
        let bias = at.parameter("bias", outputs, init)?;
        Ok(Self { weight, bias, kernel })
    }

    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        ops::conv_transpose2d(x, &self.weight, &self.bias, self.kernel.stride, self.kernel.padding, 0)
    }
}
