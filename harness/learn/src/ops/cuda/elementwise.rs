//! Rectified linear unit, with gradient 0 at 0.

use super::{
    engine::{Argument::Address, ELEMENTWISE},
    memory::{fill, make, pack, record1, suffix},
};
use candle_core::{Result, Tensor};

/// See [`crate::ops::relu`].
pub(in crate::ops) fn relu(x: &Tensor) -> Result<Tensor> {
    let x = x.contiguous()?;
    let (n, dtype) = (x.elem_count(), x.dtype());
    let name = format!("relu_{}", suffix(dtype)?);
    let result = fill(&[&x], dtype, x.shape(), |engine, from, to| {
        engine.each(&ELEMENTWISE, &name, n, pack(dtype), &[Address(from[0]), Address(to)])
    })?;
    record1("relu", &x, result, |_, result, grad| relu_backward(result, grad).map(Some))
}

/// The gradient where the output is not 0, and 0 elsewhere.
fn relu_backward(result: &Tensor, grad: &Tensor) -> Result<Tensor> {
    let dtype = result.dtype();
    let name = format!("relu_backward_{}", suffix(dtype)?);
    make(&[result, grad], dtype, result.shape(), |engine, from, to| {
        let arguments = [Address(from[0]), Address(from[1]), Address(to)];
        engine.each(&ELEMENTWISE, &name, result.elem_count(), pack(dtype), &arguments)
    })
}
