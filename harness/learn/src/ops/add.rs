//! Sum of two tensors of one shape: a residual connection.

use super::{
    relu::CHUNK,
    storage::{slice, storage},
};
use candle_core::{CpuStorage, CustomOp2, Error, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

pub(super) struct Add;

impl CustomOp2 for Add {
    fn name(&self) -> &'static str {
        "add"
    }

    fn cpu_fwd(&self, x: &CpuStorage, lx: &Layout, y: &CpuStorage, ly: &Layout) -> Result<(CpuStorage, Shape)> {
        let (x, y): (&[f32], &[f32]) = (slice(x, lx, self.name())?, slice(y, ly, self.name())?);
        if lx.shape() != ly.shape() {
            return Err(Error::Msg(format!("cannot add {:?} to {:?}", ly.shape(), lx.shape())));
        }
        let mut out = vec![0.0; x.len()];
        out.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK).zip(y.par_chunks(CHUNK))).for_each(|(out, (x, y))| {
            out.iter_mut().zip(x.iter().zip(y)).for_each(|(o, (x, y))| *o = x + y);
        });
        Ok(storage(out, lx.shape()))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, _: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        Ok((Some(grad.clone()), Some(grad.clone())))
    }
}
