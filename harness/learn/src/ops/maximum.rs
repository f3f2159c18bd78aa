//! Division by the largest element.

use super::{
    accelerated,
    storage::{read, result, tensor},
};
use candle_core::{Error, Result, Tensor};
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
    let maximum = maximum::largest(Isa::best(), &read(&x)?);
    let values = maximum::divide(Isa::best(), &read(&x)?, maximum);
    let kept = x.clone();
    result(&[&x], values, x.shape(), move |grad| {
        let values = maximum::divide_backward(Isa::best(), &read(&kept)?, &read(grad)?, maximum);
        Ok(vec![Some(tensor(values, kept.shape())?)])
    })
}
