//! All operations of models and losses, forward and backward. Models use only this module.
//!
//! On the CPU the operations are our own (see [`convolution`]), because candle's gradients are wrong or slow in places. On
//! other devices they are composed of candle's primitives ([`composed`]) or, with the feature `cudnn`, use cuDNN and our own
//! kernels. Tests compare them with each other. Gradients come from our own tape: [`record`] a forward pass, then ask the
//! [`Tape`] for them.
//!
//! All tensors are f32, images `[B, C, H, W]`. Between the layers of a network on CUDA, tensors may be bf16 (see
//! [`crate::precision`]) and use the memory layout that suits the GPU: [`NetworkScope`]. On the CPU, one thread computes each
//! output element and each sum in a fixed order, so no bit depends on the number of threads.

mod adam;
mod add;
mod codebook;
pub mod composed;
mod convolution;
#[cfg(feature = "cudnn")]
mod cuda;
mod geometry;
mod loss;
mod maximum;
mod normalization;
#[cfg(test)]
pub(crate) mod on_host;
mod pooling;
mod relu;
mod residual;
mod storage;
mod tape;
mod threads;
#[cfg(not(feature = "cudnn"))]
mod without_cudnn;

use candle_core::{DType, Result, Tensor};

#[cfg(feature = "cudnn")]
use cuda as accelerated;
#[cfg(not(feature = "cudnn"))]
use without_cudnn as accelerated;

pub use accelerated::chosen_algorithms;
pub(crate) use accelerated::{NetworkScope, Resident, image_scores};
pub use adam::{AdamSlot, AdamStep, adam, clip, gradient_norm};
pub use codebook::{Assignment, Averages, move_codebook, nearest_codes, perplexity};
use convolution::{Convolution, TransposedConvolution};
#[cfg(feature = "cudnn")]
pub(crate) use cuda::{open, start_profile, stop_profile};
pub use loss::SOFT_DICE_SMOOTH;
pub(crate) use loss::{image_cross_entropy, image_sigmoid, image_soft_dice};
pub use maximum::divide_by_maximum;
pub use normalization::{After, Moving, Normalized, batch_norm, batch_norm_fixed};
pub use pooling::{Pooled, max_pool2d, max_unpool2d};
pub use tape::{Gradients, Tape, record};
pub use threads::{check_instruction_set, instruction_set, leave_threads_to_rayon};

/// Converts `x` to f32, for operations that a network does not perform in bf16.
pub(crate) fn full_precision(x: &Tensor) -> Result<Tensor> {
    match x.dtype() {
        DType::F32 => Ok(x.clone()),
        _ => accelerated::full_precision(x),
    }
}

/// An image of which only the ReLU is read. On the CPU its reader computes the ReLU in its own pass; on other devices its maker
/// does.
#[derive(Debug, Clone)]
pub struct BeforeRelu(Tensor);

impl BeforeRelu {
    /// `x`, whose ReLU is read.
    pub fn new(x: &Tensor) -> Result<Self> {
        Ok(Self(if x.device().is_cpu() { x.clone() } else { accelerated::relu(x)? }))
    }
}

/// The image that a convolution reads.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// This image.
    AsItIs(&'a Tensor),
    /// The ReLU of this image. It is not stored on the CPU.
    Relu(&'a BeforeRelu),
}

impl<'a> From<&'a Tensor> for Input<'a> {
    fn from(image: &'a Tensor) -> Self {
        Self::AsItIs(image)
    }
}

impl<'a> From<&'a BeforeRelu> for Input<'a> {
    fn from(image: &'a BeforeRelu) -> Self {
        Self::Relu(image)
    }
}

impl<'a> Input<'a> {
    /// The image, and whether a ReLU is still to be applied to it.
    fn parts(self) -> (&'a Tensor, bool) {
        match self {
            Self::AsItIs(image) => (image, false),
            Self::Relu(BeforeRelu(image)) => (image, image.device().is_cpu()),
        }
    }
}

/// 2-D convolution, with or without bias.
///
/// `x` `[B, C, H, W]`, `weight` `[O, C, KH, KW]`, `bias` `[O]` -> `[B, O, H', W']` with `H' = (H + 2·padding − KH)/stride + 1`.
pub fn conv2d<'a>(
    x: impl Into<Input<'a>>,
    weight: &Tensor,
    bias: Option<&Tensor>,
    stride: usize,
    padding: usize,
) -> Result<Tensor> {
    let (x, relu) = x.into().parts();
    if !x.device().is_cpu() {
        return accelerated::conv2d(x, weight, bias, stride, padding, false);
    }
    Convolution { stride, padding, relu }.of(x, weight, bias)
}

/// [`conv2d`] of whose result only the ReLU is read.
pub fn conv2d_before_relu<'a>(
    x: impl Into<Input<'a>>,
    weight: &Tensor,
    bias: Option<&Tensor>,
    stride: usize,
    padding: usize,
) -> Result<BeforeRelu> {
    let x = x.into();
    match x.parts().0 {
        image if image.device().is_cpu() => conv2d(x, weight, bias, stride, padding),
        image => accelerated::conv2d(image, weight, bias, stride, padding, true),
    }
    .map(BeforeRelu)
}

/// Transposed 2-D convolution with bias: the gradient of [`conv2d`] with respect to its input.
///
/// `x` `[B, C, H, W]`, `weight` `[C, O, KH, KW]`, `bias` `[O]` -> `[B, O, H', W']` with `H' = (H − 1)·stride − 2·padding + KH +
/// output_padding`. Several sizes map to the same `H` under a strided convolution; the output padding, less than the stride,
/// selects one. It adds rows and columns only at the end.
pub fn conv_transpose2d<'a>(
    x: impl Into<Input<'a>>,
    weight: &Tensor,
    bias: &Tensor,
    stride: usize,
    padding: usize,
    output_padding: usize,
) -> Result<Tensor> {
    let (x, relu) = x.into().parts();
    if !x.device().is_cpu() {
        return accelerated::conv_transpose2d(x, weight, bias, stride, padding, output_padding, false);
    }
    TransposedConvolution { stride, padding, output_padding, relu }.of(x, weight, bias)
}

/// [`conv_transpose2d`] of whose result only the ReLU is read.
pub fn conv_transpose2d_before_relu<'a>(
    x: impl Into<Input<'a>>,
    weight: &Tensor,
    bias: &Tensor,
    stride: usize,
    padding: usize,
    output_padding: usize,
) -> Result<BeforeRelu> {
    let x = x.into();
    match x.parts().0 {
        image if image.device().is_cpu() => conv_transpose2d(x, weight, bias, stride, padding, output_padding),
        image => accelerated::conv_transpose2d(image, weight, bias, stride, padding, output_padding, true),
    }
    .map(BeforeRelu)
}

/// `x + conv1×1(relu(conv3×3(relu(x))))`; the 3×3 convolution is padded with one row of zeros.
///
/// `x` `[B, C, H, W]`; `wide` is weight `[I, C, 3, 3]` and bias `[I]`, `narrow` weight `[C, I, 1, 1]` and bias `[C]`.
pub fn residual_block(x: &Tensor, wide: (&Tensor, &Tensor), narrow: (&Tensor, &Tensor)) -> Result<Tensor> {
    if !x.device().is_cpu() {
        return accelerated::residual_block(x, wide, narrow);
    }
    residual::block(x, wide, narrow)
}

/// `max(x, 0)`, with gradient 0 at 0 as in PyTorch.
pub fn relu(x: &Tensor) -> Result<Tensor> {
    if !x.device().is_cpu() {
        return accelerated::relu(x);
    }
    relu::of(x)
}

/// `x + y`, of equal shapes.
pub fn add(x: &Tensor, y: &Tensor) -> Result<Tensor> {
    if !x.device().is_cpu() {
        return accelerated::add(x, y);
    }
    add::of(x, y, false)
}

/// The sum of scalars, each multiplied by its weight.
pub fn weighted_sum(terms: &[(&Tensor, f64)]) -> Result<Tensor> {
    if let &[(term, 1.0)] = terms {
        return Ok(term.clone());
    }
    if terms.iter().any(|(term, _)| !term.device().is_cpu()) {
        return accelerated::weighted_sum(terms);
    }
    add::weighted(terms)
}

/// `value` in place of `x`, of the same shape; its gradient goes to `x` unchanged.
///
/// Bengio, Léonard, Courville: Estimating or Propagating Gradients Through Stochastic Neurons, 2013.
pub fn straight_through(x: &Tensor, value: &Tensor) -> Result<Tensor> {
    if !x.device().is_cpu() {
        return accelerated::straight_through(x, value);
    }
    add::straight_through(x, value)
}

/// `1 / (1 + e^−x)`.
pub fn sigmoid(x: &Tensor) -> Result<Tensor> {
    if !x.device().is_cpu() {
        return accelerated::sigmoid(x);
    }
    loss::sigmoid(x)
}

/// Mean of `(x − target)²` over all elements; the target gets no gradient.
pub fn mse(x: &Tensor, target: &Tensor) -> Result<Tensor> {
    if !x.device().is_cpu() {
        return accelerated::mse(x, target);
    }
    loss::mse(x, target)
}

/// Mean of `−log softmax(logits)[target]` over pixels (nats).
///
/// `logits` `[B, K, H, W]`, `target` `[B, H, W]` of u8 class indices below K.
pub fn cross_entropy(logits: &Tensor, target: &Tensor) -> Result<Tensor> {
    if !logits.device().is_cpu() {
        return accelerated::cross_entropy(logits, target);
    }
    loss::cross_entropy(logits, target)
}

/// `1 − Dice` of `p = softmax(logits)` over the channels, a mean over images and classes. The Dice of a class in an image is
/// `(2·Σ g·p + s) / (Σ g + Σ p + s)`: sums over its pixels, g the one-hot truth, s = [`SOFT_DICE_SMOOTH`].
///
/// `logits` `[B, K, H, W]`, `target` `[B, H, W]` of u8 class indices below K.
///
/// Milletari, Navab, Ahmadi: V-Net, 2016, with plain sums in the denominator and the smoothing of nnU-Net.
pub fn soft_dice(logits: &Tensor, target: &Tensor) -> Result<Tensor> {
    if !logits.device().is_cpu() {
        return accelerated::soft_dice(logits, target);
    }
    loss::soft_dice(logits, target)
}

/// 1 in the channel of a pixel's class and 0 in the others: `target` `[B, H, W]` of u8 -> `[B, classes, H, W]`.
pub fn one_hot(target: &Tensor, classes: usize) -> Result<Tensor> {
    composed::one_hot(target, classes)
}
