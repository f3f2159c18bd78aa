//! Sum of two tensors of the same shape (a residual connection), optionally followed by a ReLU.

use super::{
    relu::masked,
    storage::{slice, storage, wanted},
};
use candle_core::{CpuStorage, CustomOp2, Error, Layout, Result, Shape, Tensor};
use harness_kernels::{add, isa::Isa};

pub(super) struct Add {
    pub(super) relu: bool,
}

impl CustomOp2 for Add {
    fn name(&self) -> &'static str {
        "add"
    }

    fn cpu_fwd(&self, x: &CpuStorage, lx: &Layout, y: &CpuStorage, ly: &Layout) -> Result<(CpuStorage, Shape)> {
        if lx.shape() != ly.shape() {
            return Err(Error::Msg(format!("cannot add {:?} to {:?}", ly.shape(), lx.shape())));
        }
        let (x, y) = (slice(x, lx, self.name())?, slice(y, ly, self.name())?);
        let add = if self.relu { add::forward_relu } else { add::forward };
        Ok(storage(add(Isa::best(), x, y), lx.shape()))
    }

    fn bwd(&self, x: &Tensor, y: &Tensor, out: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let grad = if self.relu { masked(out, grad)? } else { grad.clone() };
        Ok((wanted(x, || Ok(grad.clone()))?, wanted(y, || Ok(grad.clone()))?))
    }
}
