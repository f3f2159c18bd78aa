//! Rectified linear unit, with gradient 0 at 0.

use super::storage::{slice, storage};
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

/// Elements that one task handles: large enough to be worth a task, small enough to stay in a core's cache.
pub(super) const CHUNK: usize = 1 << 14;

pub(super) struct Relu;

impl CustomOp1 for Relu {
    fn name(&self) -> &'static str {
        "relu"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x: &[f32] = slice(x, layout, self.name())?;
        let mut out = vec![0.0; x.len()];
        out.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK)).for_each(|(out, x)| {
            // Written so that NaN stays NaN, as in PyTorch: a diverged run must be seen.
            out.iter_mut().zip(x).for_each(|(o, &v)| *o = if v < 0.0 { 0.0 } else { v });
        });
        Ok(storage(out, layout.shape()))
    }

    fn bwd(&self, _: &Tensor, out: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(out.apply_op2_no_bwd(&grad.contiguous()?, &Mask)?))
    }
}

/// (output, gradient) -> gradient where the output is not 0.
struct Mask;

impl CustomOp2 for Mask {
    fn name(&self) -> &'static str {
        "relu-backward"
    }

    fn cpu_fwd(&self, out: &CpuStorage, lo: &Layout, grad: &CpuStorage, lg: &Layout) -> Result<(CpuStorage, Shape)> {
        let (out, grad): (&[f32], &[f32]) = (slice(out, lo, self.name())?, slice(grad, lg, self.name())?);
        let mut result = vec![0.0; out.len()];
        result.par_chunks_mut(CHUNK).zip(out.par_chunks(CHUNK).zip(grad.par_chunks(CHUNK))).for_each(|(r, (o, g))| {
            r.iter_mut().zip(o.iter().zip(g)).for_each(|(r, (&o, &g))| *r = if o <= 0.0 { 0.0 } else { g });
        });
        Ok(storage(result, lo.shape()))
    }
}
