//! Rectified linear unit, with gradient 0 at 0.

use super::storage::{slice, storage};
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor};
use harness_kernels::{isa::Isa, relu};

pub(super) struct Relu;

impl CustomOp1 for Relu {
    fn name(&self) -> &'static str {
        "relu"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok(storage(relu::forward(Isa::best(), slice(x, layout, self.name())?), layout.shape()))
    }

    fn bwd(&self, _: &Tensor, out: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(masked(out, grad)?))
    }
}

/// The gradient before a ReLU, given the gradient `grad` after it and its output `out`.
pub(super) fn masked(out: &Tensor, grad: &Tensor) -> Result<Tensor> {
    out.apply_op2_no_bwd(&grad.contiguous()?, &Mask)
}

/// Maps (output, gradient) to the gradient where the output is not 0.
struct Mask;

impl CustomOp2 for Mask {
    fn name(&self) -> &'static str {
        "relu-backward"
    }

    fn cpu_fwd(&self, out: &CpuStorage, lo: &Layout, grad: &CpuStorage, lg: &Layout) -> Result<(CpuStorage, Shape)> {
        let (out, grad) = (slice(out, lo, self.name())?, slice(grad, lg, self.name())?);
        Ok(storage(relu::backward(Isa::best(), out, grad), lo.shape()))
    }
}
