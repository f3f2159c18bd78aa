//! Division by the largest element.

use super::{
    accelerated,
    storage::{slice, storage, with_slice},
};
use candle_core::{CpuStorage, CustomOp1, Error, Layout, Result, Shape, Tensor};
use harness_kernels::{isa::Isa, maximum};

/// `x / max(x)` over all elements, including all images of a batch. The gradient passes through the maximum, too. Several equal
/// maxima share it evenly, as in PyTorch's `x / x.max()`.
///
/// # Errors
/// Fails if `x` has no elements. A maximum of 0 gives infinities and NaN, as in PyTorch.
pub fn divide_by_maximum(x: &Tensor) -> Result<Tensor> {
    if x.elem_count() == 0 {
        return Err(Error::Msg(format!("the maximum of {:?}, which has no elements", x.dims())));
    }
    if !x.device().is_cpu() {
        return accelerated::divide_by_maximum(x);
    }
    let x = x.contiguous()?;
    let maximum = with_slice(&x, |x| Ok(maximum::largest(Isa::best(), x)))?;
    x.apply_op1(DivideByMaximum { maximum })
}

struct DivideByMaximum {
    maximum: f32,
}

impl CustomOp1 for DivideByMaximum {
    fn name(&self) -> &'static str {
        "divide-by-maximum"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = slice(x, layout, self.name())?;
        Ok(storage(maximum::divide(Isa::best(), x, self.maximum), layout.shape()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let grad = grad.contiguous()?;
        let backward = |x: &[f32], grad: &[f32]| maximum::divide_backward(Isa::best(), x, grad, self.maximum);
        let gradient = with_slice(x, |x| with_slice(&grad, |grad| Ok(backward(x, grad))))?;
        Ok(Some(Tensor::from_vec(gradient, x.shape(), x.device())?))
    }
}
