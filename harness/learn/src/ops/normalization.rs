//! Batch normalisation (Ioffe and Szegedy 2015), by a batch's own statistics or by given ones.
//!
//! Sums run over each plane in lanes of fixed order and in f64, then over the images in order, so they are exact to far below
//! f32 and do not depend on threads. Forward: one pass for the sums, one for the output. Backward: likewise.

use super::{
    composed,
    storage::{Gradients, slice, storage, wanted, with_slice},
};
use candle_core::{CpuStorage, CustomOp3, Error, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

/// What [`batch_norm`] returns.
#[derive(Debug, Clone)]
pub struct Normalized {
    /// `[B, C, H, W]`
    pub output: Tensor,
    /// The batch's mean, `[C]`, without gradient.
    pub mean: Tensor,
    /// The batch's unbiased variance, `[C]`, without gradient: what PyTorch's running averages take, although the output
    /// was normalised by the biased one.
    pub variance: Tensor,
}

/// Batch normalisation in training: `(x − mean)/√(variance + epsilon) · weight + bias`, with mean and biased variance of each
/// channel over images and pixels. The gradient goes through both.
///
/// `x` `[B, C, H, W]`, `weight` and `bias` `[C]`.
///
/// # Errors
/// If the shapes do not fit, or a channel has less than two values, whose variance says nothing.
pub fn batch_norm(x: &Tensor, weight: &Tensor, bias: &Tensor, epsilon: f64) -> Result<Normalized> {
    let (channels, pixels) = check(x, &[weight, bias])?;
    let count = x.dim(0)? * pixels;
    if count < 2 {
        return Err(Error::Msg(format!(
            "batch_norm in training needs at least two values in a channel; {:?} has {count}",
            x.dims()
        )));
    }
    if !x.device().is_cpu() {
        return composed::batch_norm(x, weight, bias, epsilon);
    }
    let x = x.contiguous()?;
    let moments = with_slice(&x, |x| Ok(moments(x, channels, pixels, count as f64)))?;
    let unbiased = count as f64 / (count - 1) as f64;
    let mean: Vec<f32> = moments.iter().map(|m| m.mean as f32).collect();
    let variance: Vec<f32> = moments.iter().map(|m| (m.variance * unbiased) as f32).collect();
    let op = BatchNorm {
        mean: moments.iter().map(|m| m.mean).collect(),
        scale: moments.iter().map(|m| (m.variance + epsilon).sqrt().recip() as f32).collect(),
        through_statistics: true,
    };
    Ok(Normalized {
        mean: Tensor::from_vec(mean, channels, x.device())?,
        variance: Tensor::from_vec(variance, channels, x.device())?,
        output: x.apply_op3(&weight.contiguous()?, &bias.contiguous()?, op)?,
    })
}

/// Batch normalisation by given statistics, as in evaluation: `(x − mean)/√(variance + epsilon) · weight + bias`.
///
/// `x` `[B, C, H, W]`, all others `[C]`. `mean` and `variance` get no gradient.
///
/// # Errors
/// If the shapes do not fit.
pub fn batch_norm_fixed(
    x: &Tensor,
    mean: &Tensor,
    variance: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    epsilon: f64,
) -> Result<Tensor> {
    check(x, &[mean, variance, weight, bias])?;
    if !x.device().is_cpu() {
        return composed::batch_norm_fixed(x, mean, variance, weight, bias, epsilon);
    }
    let variance = variance.to_vec1::<f32>()?;
    let op = BatchNorm {
        mean: mean.to_vec1::<f32>()?.into_iter().map(f64::from).collect(),
        scale: variance.iter().map(|&v| (f64::from(v) + epsilon).sqrt().recip() as f32).collect(),
        through_statistics: false,
    };
    x.contiguous()?.apply_op3(&weight.contiguous()?, &bias.contiguous()?, op)
}

/// Channels and pixels of `x`, to which `[C]` tensors must fit.
fn check(x: &Tensor, others: &[&Tensor]) -> Result<(usize, usize)> {
    let (_, channels, h, w) = x.dims4()?;
    match others.iter().find(|other| other.dims() != [channels]) {
        Some(other) => Err(Error::Msg(format!("batch_norm of {:?} with values {:?}", x.dims(), other.dims()))),
        None => Ok((channels, h * w)),
    }
}

struct Moments {
    mean: f64,
    /// Biased.
    variance: f64,
}

fn moments(x: &[f32], channels: usize, pixels: usize, count: f64) -> Vec<Moments> {
    let of_plane = |_, x: &[f32], _: &[f32]| plane_sums(x, x, |v, _| [f64::from(v), f64::from(v) * f64::from(v)]);
    let sums = channel_sums(x, x, channels, pixels, of_plane);
    let moments = |[sum, squares]: [f64; 2]| {
        let mean = sum / count;
        let variance = squares / count - mean * mean;
        // Rounding can leave a little less than nothing; NaN must stay.
        Moments { mean, variance: if variance < 0.0 { 0.0 } else { variance } }
    };
    sums.into_iter().map(moments).collect()
}

/// `of_plane(channel, a's plane, b's plane)` added up for every channel over the images of `[B, C, pixels]`.
fn channel_sums(
    a: &[f32],
    b: &[f32],
    channels: usize,
    pixels: usize,
    of_plane: impl Fn(usize, &[f32], &[f32]) -> [f64; 2] + Sync,
) -> Vec<[f64; 2]> {
    let planes = a.par_chunks(pixels.max(1)).zip(b.par_chunks(pixels.max(1))).enumerate();
    let planes: Vec<[f64; 2]> = planes.map(|(plane, (a, b))| of_plane(plane % channels, a, b)).collect();
    let mut sums = vec![[0.0; 2]; channels];
    for image in planes.chunks(channels.max(1)) {
        sums.iter_mut().zip(image).for_each(|(sum, plane)| add(sum, *plane));
    }
    sums
}

/// Two sums of `term` over one plane, in lanes of fixed order.
fn plane_sums(a: &[f32], b: &[f32], term: impl Fn(f32, f32) -> [f64; 2]) -> [f64; 2] {
    const LANES: usize = 8;
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut lanes = [[0.0; 2]; LANES];
    for (a, b) in a.iter().zip(b) {
        for (lane, (&a, &b)) in lanes.iter_mut().zip(a.iter().zip(b)) {
            add(lane, term(a, b));
        }
    }
    let mut total = [0.0; 2];
    a_rest.iter().zip(b_rest).for_each(|(&a, &b)| add(&mut total, term(a, b)));
    for lane in lanes {
        add(&mut total, lane);
    }
    total
}

fn add(sum: &mut [f64; 2], term: [f64; 2]) {
    sum[0] += term[0];
    sum[1] += term[1];
}

/// (x, weight, bias) -> `(x − mean) · scale · weight + bias`.
struct BatchNorm {
    mean: Vec<f64>,
    /// `1/√(variance + epsilon)`
    scale: Vec<f32>,
    /// Whether mean and scale were made of `x`, so that its gradient goes through them, too.
    through_statistics: bool,
}

impl BatchNorm {
    /// The mean of channel `c` in f32, and what that leaves of it. Of values far from 0, all digits of the difference to the
    /// mean matter: elements take the first off, and the second goes into the constants.
    fn centre(&self, c: usize) -> (f32, f64) {
        let centre = self.mean[c] as f32;
        (centre, self.mean[c] - f64::from(centre))
    }

    /// Gradients of bias and weight: the sums of `grad` and of `grad · (x − mean) · scale`.
    fn sums(&self, x: &Tensor, grad: &Tensor) -> Result<Vec<[f64; 2]>> {
        let (_, channels, h, w) = x.dims4()?;
        let of_plane = |c: usize, grad: &[f32], x: &[f32]| {
            let centre = self.centre(c).0;
            plane_sums(grad, x, |g, x| [f64::from(g), f64::from(g) * f64::from(x - centre)])
        };
        let mut sums =
            with_slice(x, |x| with_slice(grad, |grad| Ok(channel_sums(grad, x, channels, h * w, of_plane))))?;
        for (c, [grad, product]) in sums.iter_mut().enumerate() {
            *product = (*product - *grad * self.centre(c).1) * f64::from(self.scale[c]);
        }
        Ok(sums)
    }

    /// Gradient of `x`: `weight · scale · (grad − mean of grad − normalised x · mean of (grad · normalised x))`, the means
    /// only where the statistics were made of `x`.
    fn input_gradient(&self, x: &Tensor, weight: &Tensor, grad: &Tensor, sums: &[[f64; 2]]) -> Result<Tensor> {
        let (batch, channels, h, w) = x.dims4()?;
        let (pixels, weight) = ((h * w).max(1), weight.to_vec1::<f32>()?);
        let count = (batch * h * w) as f64;
        let mut out = vec![0.0; x.elem_count()];
        let fill = |c: usize, out: &mut [f32], x: &[f32], grad: &[f32]| {
            let factor = weight[c] * self.scale[c];
            if !self.through_statistics {
                out.iter_mut().zip(grad).for_each(|(o, g)| *o = factor * g);
                return;
            }
            let (centre, rest) = self.centre(c);
            let slope = sums[c][1] / count * f64::from(self.scale[c]);
            let (mean, slope) = ((sums[c][0] / count - rest * slope) as f32, slope as f32);
            let pairs = x.iter().zip(grad);
            out.iter_mut().zip(pairs).for_each(|(o, (x, g))| *o = factor * (g - mean - (x - centre) * slope));
        };
        with_slice(x, |x| {
            with_slice(grad, |grad| {
                let planes = x.par_chunks(pixels).zip(grad.par_chunks(pixels));
                let planes = out.par_chunks_mut(pixels).zip(planes).enumerate();
                planes.for_each(|(plane, (out, (x, grad)))| fill(plane % channels, out, x, grad));
                Ok(())
            })
        })?;
        Tensor::from_vec(out, x.shape(), x.device())
    }
}

impl CustomOp3 for BatchNorm {
    fn name(&self) -> &'static str {
        "batch_norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let x: &[f32] = slice(x, x_layout, self.name())?;
        let weight: &[f32] = slice(weight, weight_layout, self.name())?;
        let bias: &[f32] = slice(bias, bias_layout, self.name())?;
        let (_, channels, h, w) = x_layout.shape().dims4()?;
        let pixels = (h * w).max(1);
        let mut out = vec![0.0; x.len()];
        out.par_chunks_mut(pixels).zip(x.par_chunks(pixels)).enumerate().for_each(|(plane, (out, x))| {
            let c = plane % channels;
            let ((centre, rest), factor) = (self.centre(c), self.scale[c] * weight[c]);
            let constant = (f64::from(bias[c]) - rest * f64::from(factor)) as f32;
            out.iter_mut().zip(x).for_each(|(o, x)| *o = (x - centre) * factor + constant);
        });
        Ok(storage(out, x_layout.shape()))
    }

    fn bwd(&self, x: &Tensor, weight: &Tensor, bias: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Gradients> {
        let grad = grad.contiguous()?;
        let channels = weight.dims1()?;
        let needed = weight.track_op() || bias.track_op() || (x.track_op() && self.through_statistics);
        let sums = if needed { self.sums(x, &grad)? } else { Vec::new() };
        let gradient = |which: usize| {
            Tensor::from_vec(sums.iter().map(|sum| sum[which] as f32).collect(), channels, grad.device())
        };
        Ok((
            wanted(x, || self.input_gradient(x, weight, &grad, &sums))?,
            wanted(weight, || gradient(1))?,
            wanted(bias, || gradient(0))?,
        ))
    }
}
