//! Clips gradients by their norm over all weights.

use crate::{
    models::{Role, State},
    ops,
};
use candle_core::{Result, Tensor};

/// PyTorch's `clip_grad_norm_`: multiplies all gradients by `most / (norm + 1e-6)` if that is below 1. Returns the L2 norm
/// before clipping (a scalar of f64 on the gradients' device), summed in the order of the parameters' names.
///
/// Pascanu, Mikolov, Bengio: On the difficulty of training recurrent neural networks, 2013.
pub fn clip_gradients(gradients: &mut ops::Gradients, state: &State, most: f64) -> Result<Tensor> {
    let parameters = || state.values().filter(|entry| entry.role == Role::Parameter).map(|entry| entry.var.as_tensor());
    let (there, all): (Vec<&Tensor>, Vec<&Tensor>) =
        parameters().filter_map(|parameter| Some((parameter, gradients.get(parameter)?))).unzip();
    let norm = ops::gradient_norm(&all)?;
    for (parameter, clipped) in there.into_iter().zip(ops::clip(&all, &norm, most)?) {
        gradients.insert(parameter, clipped);
    }
    Ok(norm)
}
