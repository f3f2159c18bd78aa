//! Steps of Adam in place, each one pass over its arrays.

use super::{
    composed,
    relu::CHUNK,
    storage::{slice, slice_mut},
};
use candle_core::{CpuStorage, InplaceOp2, InplaceOp3, Layout, Result, Tensor};
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

/// `weight −= rate · first / (√second / √correction + ε)`, in place.
pub fn adam_step(
    weight: &Tensor,
    first: &Tensor,
    second: &Tensor,
    rate: f64,
    correction: f64,
    epsilon: f64,
) -> Result<()> {
    if weight.device().is_cpu() {
        weight.inplace_op3(first, second, &AdamStep { rate, correction, epsilon })
    } else {
        composed::adam_step(weight, first, second, rate, correction, epsilon)
    }
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

struct AdamStep {
    rate: f64,
    correction: f64,
    epsilon: f64,
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
        let (rate, scale, epsilon) = (self.rate as f32, self.correction.sqrt().recip() as f32, self.epsilon as f32);
        weight.par_chunks_mut(CHUNK).zip(first.par_chunks(CHUNK).zip(second.par_chunks(CHUNK))).for_each(
            |(w, (f, s))| {
                w.iter_mut().zip(f.iter().zip(s)).for_each(|(w, (f, s))| *w -= rate * f / (s.sqrt() * scale + epsilon));
            },
        );
        Ok(())
    }
}
