//! Sums of tensors: a residual connection, optionally followed by a ReLU, and the terms of a loss.

use super::{
    relu::masked,
    storage::{read, result, result_output, tensor},
};
use candle_core::{Error, Result, Tensor};
use harness_kernels::{add, isa::Isa};

/// See [`super::add`]. With `relu`, the gradient is 0 where the sum is not above 0.
pub(super) fn of(x: &Tensor, y: &Tensor, relu: bool) -> Result<Tensor> {
    if x.shape() != y.shape() {
        return Err(Error::Msg(format!("cannot add {:?} to {:?}", y.shape(), x.shape())));
    }
    let (x, y) = (x.contiguous()?, y.contiguous()?);
    let wants = [&x, &y].map(Tensor::is_variable);
    let gradients = move |grad: &Tensor| Ok(wants.map(|wants| wants.then(|| grad.clone())).to_vec());
    if relu {
        let values = add::forward_relu(Isa::best(), &read(&x)?, &read(&y)?);
        return result_output(&[&x, &y], values, x.shape(), move |output, grad| gradients(&masked(output, grad)?));
    }
    let values = add::forward(Isa::best(), &read(&x)?, &read(&y)?);
    result(&[&x, &y], values, x.shape(), gradients)
}

/// See [`super::weighted_sum`].
pub(super) fn weighted(terms: &[(&Tensor, f64)]) -> Result<Tensor> {
    let mut sum = None;
    for (term, weight) in terms {
        let weighted = term.to_scalar::<f32>()? * *weight as f32;
        sum = Some(sum.map_or(weighted, |sum: f32| sum + weighted));
    }
    let sum = sum.ok_or_else(|| Error::Msg("a sum without terms".into()))?;
    let inputs: Vec<Tensor> = terms.iter().map(|(term, _)| (*term).clone()).collect();
    let weights: Vec<f32> = terms.iter().map(|(_, weight)| *weight as f32).collect();
    result(&inputs.iter().collect::<Vec<_>>(), vec![sum], (), {
        let wants: Vec<bool> = inputs.iter().map(Tensor::is_variable).collect();
        move |grad| {
            let grad = grad.to_scalar::<f32>()?;
            let of = |(&weight, &wants): (&f32, &bool)| wants.then(|| tensor(vec![grad * weight], ())).transpose();
            weights.iter().zip(&wants).map(of).collect()
        }
    })
}

/// See [`super::straight_through`].
pub(super) fn straight_through(x: &Tensor, value: &Tensor) -> Result<Tensor> {
    if x.shape() != value.shape() {
        return Err(Error::Msg(format!("{:?} in place of {:?}", value.shape(), x.shape())));
    }
    let (x, value) = (x.contiguous()?, value.contiguous()?);
    // Rounded as PyTorch rounds `x + (value − x)`.
    let values = read(&x)?.iter().zip(&*read(&value)?).map(|(x, value)| x + (value - x)).collect();
    result(&[&x], values, x.shape(), |grad| Ok(vec![Some(grad.clone())]))
}
