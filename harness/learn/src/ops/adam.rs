//! Steps of Adam in place, and the size of a gradient.

use super::{
    accelerated,
    storage::{with_slice, with_slice_mut},
};
use candle_core::{Result, Tensor};
pub use harness_kernels::adam::Step as AdamStep;
use harness_kernels::{adam, isa::Isa, sum_of_squares as squares};

/// One step of Adam in place: `first = β₁·first + (1 − β₁)·gradient`,
/// `second = β₂·second + (1 − β₂)·gradient²`, and then
/// `weight = keep·weight − rate·first / (√second / √correction + ε)`.
///
/// All four of one shape. Weight and moments must be variables' tensors, and three different ones: they are overwritten.
///
/// # Errors
/// If the shapes differ.
pub fn adam(weight: &Tensor, first: &Tensor, second: &Tensor, gradient: &Tensor, step: AdamStep) -> Result<()> {
    if let Some(other) = [first, second, gradient].into_iter().find(|other| other.dims() != weight.dims()) {
        let message = format!("a step of Adam on a weight {:?} by {:?}", weight.dims(), other.dims());
        return Err(candle_core::Error::Msg(message));
    }
    if !weight.device().is_cpu() {
        return accelerated::adam(weight, first, second, gradient, step);
    }
    with_slice(&gradient.contiguous()?, |gradient| {
        with_slice_mut(weight, |weight| {
            with_slice_mut(first, |first| {
                with_slice_mut(second, |second| {
                    adam::step(Isa::best(), weight, first, second, gradient, step);
                    Ok(())
                })
            })
        })
    })
}

/// `Σ x²` over all elements.
pub fn sum_of_squares(x: &Tensor) -> Result<f64> {
    if !x.device().is_cpu() {
        return accelerated::sum_of_squares(x);
    }
    with_slice(&x.contiguous()?, |x| Ok(squares::sum_of_squares(Isa::best(), x)))
}
