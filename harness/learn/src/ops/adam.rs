//! Steps of Adam in place, and the norm of gradients.

use super::{
    accelerated,
    storage::{read, with_slice_mut},
};
use candle_core::{Error, Result, Tensor};
pub use harness_kernels::adam::Step as AdamStep;
use harness_kernels::{adam, isa::Isa, sum_of_squares as squares};

/// A weight, its moments and its gradient, all of the same shape. Weight and moments must be tensors of three different variables,
/// because they are overwritten.
#[derive(Debug, Clone, Copy)]
pub struct AdamSlot<'a> {
    /// The weight.
    pub weight: &'a Tensor,
    /// The gradient's moving average.
    pub first: &'a Tensor,
    /// The squared gradient's moving average.
    pub second: &'a Tensor,
    /// The gradient.
    pub gradient: &'a Tensor,
}

/// One step of Adam in place: `first = β₁·first + (1 − β₁)·gradient`,
/// `second = β₂·second + (1 − β₂)·gradient²`, and then
/// `weight = keep·weight − rate·first / (√second / √correction + ε)`,
/// for each slot.
///
/// # Errors
/// Fails if the shapes of a slot differ.
pub fn adam(slots: &[AdamSlot<'_>], step: AdamStep) -> Result<()> {
    for AdamSlot { weight, first, second, gradient } in slots {
        if let Some(other) = [first, second, gradient].into_iter().find(|other| other.dims() != weight.dims()) {
            let message = format!("a step of Adam on a weight {:?} by {:?}", weight.dims(), other.dims());
            return Err(candle_core::Error::Msg(message));
        }
    }
    if slots.iter().any(|slot| !slot.weight.device().is_cpu()) {
        return accelerated::adam(slots, step);
    }
    slots.iter().try_for_each(|slot| one(slot, step))
}

fn one(slot: &AdamSlot<'_>, step: AdamStep) -> Result<()> {
    let AdamSlot { weight, first, second, gradient } = *slot;
    let gradient = gradient.contiguous()?;
    let gradient = read(&gradient)?;
    with_slice_mut(weight, |weight| {
        with_slice_mut(first, |first| {
            with_slice_mut(second, |second| {
                adam::step(Isa::best(), weight, first, second, &gradient, step);
                Ok(())
            })
        })
    })
}

/// L2 norm over all elements of all `gradients`, a scalar of f64 on their device. The squares are summed in their order.
///
/// # Errors
/// Fails if there are no gradients.
pub fn gradient_norm(gradients: &[&Tensor]) -> Result<Tensor> {
    let first = gradients.first().ok_or_else(|| Error::Msg("the norm of no gradients".into()))?;
    if !first.device().is_cpu() {
        return accelerated::gradient_norm(gradients);
    }
    let mut squares = 0.0;
    for gradient in gradients {
        squares += squares::sum_of_squares(Isa::best(), &read(&gradient.contiguous()?)?);
    }
    Tensor::new(squares.sqrt(), first.device())
}

/// Added to the norm before dividing by it.
const CLIP_EPSILON: f64 = 1e-6;

/// Multiplies `gradients` by `most / (norm + 1e-6)` if that is below 1, as PyTorch's `clip_grad_norm_`. `norm` is a scalar of
/// [`gradient_norm`].
pub fn clip(gradients: &[&Tensor], norm: &Tensor, most: f64) -> Result<Vec<Tensor>> {
    if !norm.device().is_cpu() {
        return accelerated::clip(gradients, norm, most, CLIP_EPSILON);
    }
    let factor = most / (norm.to_scalar::<f64>()? + CLIP_EPSILON);
    gradients.iter().map(|&gradient| if factor < 1.0 { gradient * factor } else { Ok(gradient.clone()) }).collect()
}
