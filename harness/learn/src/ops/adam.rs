//! Steps of Adam in place, and the size of a gradient.

use super::{
    accelerated,
    storage::{with_slice, with_slice_mut},
};
use candle_core::{Result, Tensor};
use harness_kernels::{adam, isa::Isa, sum_of_squares as squares};

/// One step of Adam.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamRule {
    /// Decay of the gradient's average.
    pub beta1: f64,
    /// Decay of the squared gradient's average.
    pub beta2: f64,
    /// What moves the weight.
    pub step: AdamStep,
}

/// How the weight moves in one step of Adam.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamStep {
    /// What the weight is multiplied by before the step: 1, or less where it decays.
    pub keep: f64,
    /// Step size, with the bias of the first moment removed.
    pub rate: f64,
    /// What the second moment is divided by to remove its bias.
    pub correction: f64,
    /// Added to the denominator.
    pub epsilon: f64,
}

/// One step of Adam in place: `first = β₁·first + (1 − β₁)·gradient`,
/// `second = β₂·second + (1 − β₂)·gradient²`, and then
/// `weight = keep·weight − rate·first / (√second / √correction + ε)`.
///
/// All four of one shape. Weight and moments must be variables' tensors, and three different ones: they are overwritten.
///
/// # Errors
/// If the shapes differ.
pub fn adam(weight: &Tensor, first: &Tensor, second: &Tensor, gradient: &Tensor, rule: &AdamRule) -> Result<()> {
    if let Some(other) = [first, second, gradient].into_iter().find(|other| other.dims() != weight.dims()) {
        let message = format!("a step of Adam on a weight {:?} by {:?}", weight.dims(), other.dims());
        return Err(candle_core::Error::Msg(message));
    }
    if !weight.device().is_cpu() {
        return accelerated::adam(weight, first, second, gradient, rule);
    }
    let AdamRule { beta1, beta2, step: AdamStep { keep, rate, correction, epsilon } } = *rule;
    let step = adam::Step { beta1, beta2, keep, rate, correction, epsilon };
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
