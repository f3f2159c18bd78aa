//! Mean squared error, cross-entropy and soft Dice over channels, each with one forward and one backward pass.

use super::storage::{slice, storage, with_slice};
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Error, Layout, Result, Shape, Tensor};
use harness_kernels::{cross_entropy, isa::Isa, mean_squared_error, sigmoid, soft_dice};
use std::sync::OnceLock;

pub(super) struct MeanSquaredError;

impl CustomOp2 for MeanSquaredError {
    fn name(&self) -> &'static str {
        "mse"
    }

    fn cpu_fwd(&self, x: &CpuStorage, lx: &Layout, y: &CpuStorage, ly: &Layout) -> Result<(CpuStorage, Shape)> {
        let (x, y): (&[f32], &[f32]) = (slice(x, lx, self.name())?, slice(y, ly, self.name())?);
        if lx.shape() != ly.shape() || x.is_empty() {
            return Err(Error::Msg(format!("mse of {:?} against {:?}", lx.shape(), ly.shape())));
        }
        Ok(storage(vec![mean_squared_error::forward(Isa::best(), x, y) as f32], ()))
    }

    fn bwd(&self, x: &Tensor, y: &Tensor, _: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let factor = grad.to_scalar::<f32>()?;
        let backward = |x: &[f32], y: &[f32]| mean_squared_error::backward(Isa::best(), x, y, factor);
        let gradient = with_slice(x, |x| with_slice(y, |y| Ok(backward(x, y))))?;
        Ok((Some(Tensor::from_vec(gradient, x.shape(), x.device())?), None))
    }
}

/// The number of pixels of an image; checks that logits and classes fit.
fn check(logits: &[usize], target: &Layout, classes: &[u8]) -> Result<usize> {
    let &[batch, channels, h, w] = logits else {
        return Err(Error::Msg(format!("a loss over channels takes logits [B, K, H, W], not {logits:?}")));
    };
    if target.dims() != [batch, h, w] || batch * h * w == 0 {
        return Err(Error::Msg(format!("a loss of {logits:?} against a target {:?}", target.dims())));
    }
    match classes.iter().find(|&&c| usize::from(c) >= channels) {
        Some(c) => Err(Error::Msg(format!("a loss over {channels} classes: the target has class {c}"))),
        None => Ok(h * w),
    }
}

/// Calls `gradient` with the logits, the classes and the number of pixels.
fn logits_gradient(
    x: &Tensor,
    classes: &Tensor,
    gradient: impl FnOnce(&[f32], &[u8], usize) -> Vec<f32>,
) -> Result<(Option<Tensor>, Option<Tensor>)> {
    let (_, _, h, w) = x.dims4()?;
    let found = with_slice(x, |x| with_slice(classes, |classes| Ok(gradient(x, classes, h * w))))?;
    Ok((Some(Tensor::from_vec(found, x.shape(), x.device())?), None))
}

pub(super) struct CrossEntropy;

impl CustomOp2 for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross-entropy"
    }

    fn cpu_fwd(&self, x: &CpuStorage, lx: &Layout, y: &CpuStorage, ly: &Layout) -> Result<(CpuStorage, Shape)> {
        let (x, y): (&[f32], &[u8]) = (slice(x, lx, self.name())?, slice(y, ly, self.name())?);
        let images = cross_entropy::forward(Isa::best(), x, y, check(lx.dims(), ly, y)?);
        Ok(storage(vec![(images.iter().sum::<f64>() / y.len() as f64) as f32], ()))
    }

    fn bwd(&self, x: &Tensor, y: &Tensor, _: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let factor = grad.to_scalar::<f32>()? / y.elem_count() as f32;
        logits_gradient(x, y, |x, y, pixels| cross_entropy::backward(Isa::best(), x, y, pixels, factor))
    }
}

/// Sum over the pixels of one image of `−log softmax(image)[class]`; `image` is `[K, pixels]`.
pub(crate) fn image_cross_entropy(image: &[f32], classes: &[u8], pixels: usize) -> f64 {
    cross_entropy::forward(Isa::best(), image, classes, pixels).into_iter().sum()
}

/// Added to numerator and denominator of the soft Dice, in pixels, so that it is 1 for an absent class.
pub const SOFT_DICE_SMOOTH: f64 = 1.0;

/// The forward pass keeps its probabilities and sums for the backward pass.
#[derive(Default)]
pub(super) struct SoftDice(OnceLock<soft_dice::SoftDice>);

impl CustomOp2 for SoftDice {
    fn name(&self) -> &'static str {
        "soft-dice"
    }

    fn cpu_fwd(&self, x: &CpuStorage, lx: &Layout, y: &CpuStorage, ly: &Layout) -> Result<(CpuStorage, Shape)> {
        let (x, y): (&[f32], &[u8]) = (slice(x, lx, self.name())?, slice(y, ly, self.name())?);
        let dice = soft_dice::SoftDice::new(Isa::best(), x, y, check(lx.dims(), ly, y)?, SOFT_DICE_SMOOTH);
        let images = dice.losses();
        // An operation runs forward once.
        self.0.get_or_init(|| dice);
        Ok(storage(vec![(images.iter().sum::<f64>() / images.len() as f64) as f32], ()))
    }

    fn bwd(&self, x: &Tensor, y: &Tensor, _: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (batch, channels, _, _) = x.dims4()?;
        let factor = f64::from(grad.to_scalar::<f32>()?) / (batch * channels) as f64;
        let not_run = || Error::Msg("a soft Dice whose forward pass did not run".into());
        let dice = self.0.get().ok_or_else(not_run)?;
        logits_gradient(x, y, |_, y, _| dice.backward(Isa::best(), y, factor))
    }
}

/// `1 − Dice`, mean over the channels of one image `[K, pixels]`; see [`super::soft_dice`].
pub(crate) fn image_soft_dice(image: &[f32], classes: &[u8], pixels: usize) -> f64 {
    soft_dice::SoftDice::new(Isa::best(), image, classes, pixels, SOFT_DICE_SMOOTH).losses().into_iter().sum()
}

pub(super) struct Sigmoid;

impl CustomOp1 for Sigmoid {
    fn name(&self) -> &'static str {
        "sigmoid"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok(storage(image_sigmoid(slice(x, layout, self.name())?), layout.shape()))
    }

    fn bwd(&self, _: &Tensor, out: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let grad = grad.contiguous()?;
        let gradient = with_slice(out, |out| with_slice(&grad, |grad| Ok(sigmoid::backward(Isa::best(), out, grad))))?;
        Ok(Some(Tensor::from_vec(gradient, out.shape(), out.device())?))
    }
}

/// `1 / (1 + e^−x)` of every value.
pub(crate) fn image_sigmoid(values: &[f32]) -> Vec<f32> {
    sigmoid::forward(Isa::best(), values)
}
