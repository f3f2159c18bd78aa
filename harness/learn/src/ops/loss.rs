//! Mean squared error, and cross-entropy and soft Dice over channels, each one pass forward and one backward.

use super::{
    relu::CHUNK,
    storage::{slice, storage},
};
use candle_core::{CpuStorage, CustomOp2, Error, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

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
        // Sums of equal pieces, in order: the same bits for any number of threads.
        let pieces: Vec<f64> = x
            .par_chunks(CHUNK)
            .zip(y.par_chunks(CHUNK))
            .map(|(x, y)| x.iter().zip(y).map(|(a, b)| f64::from(a - b).powi(2)).sum())
            .collect();
        Ok(storage(vec![(pieces.iter().sum::<f64>() / x.len() as f64) as f32], ()))
    }

    fn bwd(&self, x: &Tensor, y: &Tensor, _: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let scale = 2.0 * f64::from(grad.to_scalar::<f32>()?) / x.elem_count() as f64;
        Ok((Some(((x - y)? * scale)?), None))
    }
}

pub(super) struct CrossEntropy;

/// `log Σ exp` of the channels of pixel `p`, and the largest of them.
fn log_sum_exp(image: &[f32], pixels: usize, p: usize) -> (f32, f32) {
    let channels = || image[p..].iter().step_by(pixels);
    let largest = channels().fold(f32::NEG_INFINITY, |a, &b| if b > a || b.is_nan() { b } else { a });
    (channels().map(|v| (v - largest).exp()).sum::<f32>().ln(), largest)
}

fn check(logits: &[usize], target: &Layout, classes: &[u8]) -> Result<(usize, usize)> {
    let &[batch, channels, h, w] = logits else {
        return Err(Error::Msg(format!("a loss over channels takes logits [B, K, H, W], not {logits:?}")));
    };
    if target.dims() != [batch, h, w] || batch * h * w == 0 {
        return Err(Error::Msg(format!("a loss of {logits:?} against a target {:?}", target.dims())));
    }
    match classes.iter().find(|&&c| usize::from(c) >= channels) {
        Some(c) => Err(Error::Msg(format!("a loss over {channels} classes: the target has class {c}"))),
        None => Ok((channels, h * w)),
    }
}

impl CustomOp2 for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross-entropy"
    }

    fn cpu_fwd(&self, x: &CpuStorage, lx: &Layout, y: &CpuStorage, ly: &Layout) -> Result<(CpuStorage, Shape)> {
        let (x, y): (&[f32], &[u8]) = (slice(x, lx, self.name())?, slice(y, ly, self.name())?);
        let (channels, pixels) = check(lx.dims(), ly, y)?;
        let images: Vec<f64> = x
            .par_chunks(channels * pixels)
            .zip(y.par_chunks(pixels))
            .map(|(image, classes)| image_cross_entropy(image, classes, pixels))
            .collect();
        Ok(storage(vec![(images.iter().sum::<f64>() / y.len() as f64) as f32], ()))
    }

    fn bwd(&self, x: &Tensor, y: &Tensor, _: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let scale = grad.to_scalar::<f32>()? / y.elem_count() as f32;
        Ok((Some(x.apply_op2_no_bwd(y, &CrossEntropyGradient { scale })?), None))
    }
}

/// Sum over the pixels of one image of `−log softmax(image)[class]`; `image` is `[K, pixels]`.
pub(crate) fn image_cross_entropy(image: &[f32], classes: &[u8], pixels: usize) -> f64 {
    let pixel = |(p, &class): (usize, &u8)| {
        let (log, largest) = log_sum_exp(image, pixels, p);
        f64::from(log + largest - image[usize::from(class) * pixels + p])
    };
    classes.iter().enumerate().map(pixel).sum()
}

/// (logits, target) -> `(softmax − one-hot) · scale`.
struct CrossEntropyGradient {
    scale: f32,
}

impl CustomOp2 for CrossEntropyGradient {
    fn name(&self) -> &'static str {
        "cross-entropy-backward"
    }

    fn cpu_fwd(&self, x: &CpuStorage, lx: &Layout, y: &CpuStorage, ly: &Layout) -> Result<(CpuStorage, Shape)> {
        let (x, y): (&[f32], &[u8]) = (slice(x, lx, self.name())?, slice(y, ly, self.name())?);
        let (channels, pixels) = check(lx.dims(), ly, y)?;
        let mut out = vec![0.0; x.len()];
        let size = channels * pixels;
        out.par_chunks_mut(size).zip(x.par_chunks(size).zip(y.par_chunks(pixels))).for_each(
            |(out, (image, classes))| {
                for (p, &class) in classes.iter().enumerate() {
                    let (log, largest) = log_sum_exp(image, pixels, p);
                    for k in 0..channels {
                        let at = k * pixels + p;
                        let hot = f32::from(u8::from(k == usize::from(class)));
                        out[at] = ((image[at] - largest - log).exp() - hot) * self.scale;
                    }
                }
            },
        );
        Ok(storage(out, lx.shape()))
    }
}

/// Added above and below the line of the soft Dice, in pixels, so that a class that is not there has one.
pub const SOFT_DICE_SMOOTH: f64 = 1.0;

pub(super) struct SoftDice;

/// Softmax of an image `[K, pixels]` over its channels.
fn softmax(image: &[f32], pixels: usize) -> Vec<f32> {
    let mut out = vec![0.0; image.len()];
    for p in 0..pixels {
        let (log, largest) = log_sum_exp(image, pixels, p);
        for at in (p..image.len()).step_by(pixels) {
            out[at] = (image[at] - largest - log).exp();
        }
    }
    out
}

/// Numerator and denominator of a class's Dice; `p` are the probabilities of that class.
fn dice_parts(p: &[f32], classes: &[u8], class: usize) -> (f64, f64) {
    let (mut overlap, mut truth, mut predicted) = (0.0, 0.0, 0.0);
    for (&p, &c) in p.iter().zip(classes) {
        predicted += f64::from(p);
        if usize::from(c) == class {
            overlap += f64::from(p);
            truth += 1.0;
        }
    }
    (2.0 * overlap + SOFT_DICE_SMOOTH, truth + predicted + SOFT_DICE_SMOOTH)
}

/// `1 − Dice`, mean over the channels of one image `[K, pixels]`; see [`super::soft_dice`].
pub(crate) fn image_soft_dice(image: &[f32], classes: &[u8], pixels: usize) -> f64 {
    let p = softmax(image, pixels);
    let dice = |(class, p)| {
        let (above, below) = dice_parts(p, classes, class);
        above / below
    };
    1.0 - p.chunks(pixels).enumerate().map(dice).sum::<f64>() / (image.len() / pixels) as f64
}

impl CustomOp2 for SoftDice {
    fn name(&self) -> &'static str {
        "soft-dice"
    }

    fn cpu_fwd(&self, x: &CpuStorage, lx: &Layout, y: &CpuStorage, ly: &Layout) -> Result<(CpuStorage, Shape)> {
        let (x, y): (&[f32], &[u8]) = (slice(x, lx, self.name())?, slice(y, ly, self.name())?);
        let (channels, pixels) = check(lx.dims(), ly, y)?;
        let images: Vec<f64> = x
            .par_chunks(channels * pixels)
            .zip(y.par_chunks(pixels))
            .map(|(image, classes)| image_soft_dice(image, classes, pixels))
            .collect();
        Ok(storage(vec![(images.iter().sum::<f64>() / images.len() as f64) as f32], ()))
    }

    fn bwd(&self, x: &Tensor, y: &Tensor, _: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (batch, channels, _, _) = x.dims4()?;
        let scale = f64::from(grad.to_scalar::<f32>()?) / (batch * channels) as f64;
        Ok((Some(x.apply_op2_no_bwd(y, &SoftDiceGradient { scale })?), None))
    }
}

/// (logits, target) -> gradient of `scale · Σ −Dice` over images and classes.
struct SoftDiceGradient {
    scale: f64,
}

impl SoftDiceGradient {
    fn image(&self, out: &mut [f32], image: &[f32], classes: &[u8], pixels: usize) {
        let probabilities = softmax(image, pixels);
        // By the probability of a class: −(2·g·below − above) / below².
        let slopes: Vec<(f64, f64)> = probabilities
            .chunks(pixels)
            .enumerate()
            .map(|(class, p)| {
                let (above, below) = dice_parts(p, classes, class);
                (self.scale * above / below.powi(2), self.scale * -2.0 / below)
            })
            .collect();
        let slope = |k: usize, class: u8| slopes[k].0 + if usize::from(class) == k { slopes[k].1 } else { 0.0 };
        for (p, &class) in classes.iter().enumerate() {
            let probability = |k: usize| f64::from(probabilities[k * pixels + p]);
            let mean: f64 = (0..slopes.len()).map(|k| probability(k) * slope(k, class)).sum();
            for k in 0..slopes.len() {
                out[k * pixels + p] = (probability(k) * (slope(k, class) - mean)) as f32;
            }
        }
    }
}

impl CustomOp2 for SoftDiceGradient {
    fn name(&self) -> &'static str {
        "soft-dice-backward"
    }

    fn cpu_fwd(&self, x: &CpuStorage, lx: &Layout, y: &CpuStorage, ly: &Layout) -> Result<(CpuStorage, Shape)> {
        let (x, y): (&[f32], &[u8]) = (slice(x, lx, self.name())?, slice(y, ly, self.name())?);
        let (channels, pixels) = check(lx.dims(), ly, y)?;
        let mut out = vec![0.0; x.len()];
        let size = channels * pixels;
        out.par_chunks_mut(size)
            .zip(x.par_chunks(size).zip(y.par_chunks(pixels)))
            .for_each(|(out, (image, classes))| self.image(out, image, classes, pixels));
        Ok(storage(out, lx.shape()))
    }
}
