//! Steps of Adam in place, each one pass over its arrays, and the size of a gradient.

use super::{
    composed,
    relu::CHUNK,
    storage::{slice, slice_mut},
};
use candle_core::{CpuStorage, InplaceOp2, InplaceOp3, Layout, Result, Storage, Tensor};
use rayon::prelude::*;

/// `mean = decay·mean + (1 − decay)·value`, or of `value²` when `squared`, in place.
pub fn decayed_mean(mean: &Tensor, value: &Tensor, decay: f64, squared: bool) -> Result<()> {
    let op = DecayedMean { decay, squared };
    if mean.device().is_cpu() {
        mean.inplace_op2(&value.contiguous()?, &op)
    } else {
        composed::decayed_mean(mean, value, decay, squared)
    }
}

/// The numbers of one step of Adam.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamStep {
    /// What the weight is multiplied by before the step: 1, or less where it decays.
    pub keep: f64,
    /// Step size, with the bias of the first moment removed.
    pub rate: f64,
    /// What the second moment is divided by to remove its bias.
    pub correction: f64,
    /// Added to the denominator.
    pub epsilon: f64,
}

/// `weight = keep · weight − rate · first / (√second / √correction + ε)`, in place.
pub fn adam_step(weight: &Tensor, first: &Tensor, second: &Tensor, step: AdamStep) -> Result<()> {
    if weight.device().is_cpu() {
        weight.inplace_op3(first, second, &step)
    } else {
        composed::adam_step(weight, first, second, step)
    }
}

/// `Σ x²` over all elements.
pub fn sum_of_squares(x: &Tensor) -> Result<f64> {
    if !x.device().is_cpu() {
        return composed::sum_of_squares(x);
    }
    let x = x.contiguous()?;
    let (storage, layout) = x.storage_and_layout();
    let Storage::Cpu(storage) = &*storage else { return composed::sum_of_squares(&x) };
    let values: &[f32] = slice(storage, layout, "sum-of-squares")?;
    // Sums of equal pieces, in order: the same bits for any number of threads.
    let pieces: Vec<f64> =
        values.par_chunks(CHUNK).map(|piece| piece.iter().map(|&v| f64::from(v).powi(2)).sum()).collect();
    Ok(pieces.iter().sum())
}

struct DecayedMean {
    decay: f64,
    squared: bool,
}

impl InplaceOp2 for DecayedMean {
    fn name(&self) -> &'static str {
        "decayed-mean"
    }

    fn cpu_fwd(&self, mean: &mut CpuStorage, lm: &Layout, value: &CpuStorage, lv: &Layout) -> Result<()> {
        let (mean, value) = (slice_mut(mean, lm, "decayed-mean")?, slice::<f32>(value, lv, "decayed-mean")?);
        let (decay, rest) = (self.decay as f32, (1.0 - self.decay) as f32);
        mean.par_chunks_mut(CHUNK).zip(value.par_chunks(CHUNK)).for_each(|(mean, value)| {
            if self.squared {
                mean.iter_mut().zip(value).for_each(|(m, v)| *m = decay * *m + rest * v * v);
            } else {
                mean.iter_mut().zip(value).for_each(|(m, v)| *m = decay * *m + rest * v);
            }
        });
        Ok(())
    }
}

impl InplaceOp3 for AdamStep {
    fn name(&self) -> &'static str {
        "adam-step"
    }

    fn cpu_fwd(
        &self,
        weight: &mut CpuStorage,
        lw: &Layout,
        first: &CpuStorage,
        lf: &Layout,
        second: &CpuStorage,
        ls: &Layout,
    ) -> Result<()> {
        let weight = slice_mut(weight, lw, "adam-step")?;
        let (first, second): (&[f32], &[f32]) = (slice(first, lf, "adam-step")?, slice(second, ls, "adam-step")?);
        let (keep, rate, epsilon) = (self.keep as f32, self.rate as f32, self.epsilon as f32);
        let scale = self.correction.sqrt().recip() as f32;
        weight.par_chunks_mut(CHUNK).zip(first.par_chunks(CHUNK).zip(second.par_chunks(CHUNK))).for_each(
            |(w, (f, s))| {
                w.iter_mut()
                    .zip(f.iter().zip(s))
                    .for_each(|(w, (f, s))| *w = keep * *w - rate * f / (s.sqrt() * scale + epsilon));
            },
        );
        Ok(())
    }
}
