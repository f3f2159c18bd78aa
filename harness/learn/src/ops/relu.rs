//! Rectified linear unit, with gradient 0 at 0.

use super::storage::{read, result_output, tensor};
use candle_core::{Result, Tensor};
use harness_kernels::{isa::Isa, relu};

/// See [`super::relu`].
pub(super) fn of(x: &Tensor) -> Result<Tensor> {
    let x = x.contiguous()?;
    let values = relu::forward(Isa::best(), &read(&x)?);
    result_output(&[&x], values, x.shape(), |output, grad| Ok(vec![Some(masked(output, grad)?)]))
}

/// The gradient before a ReLU, given the gradient `grad` after it and its output.
pub(super) fn masked(output: &Tensor, grad: &Tensor) -> Result<Tensor> {
    tensor(relu::backward(Isa::best(), &read(output)?, &read(grad)?), output.shape())
}
