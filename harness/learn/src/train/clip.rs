//! Gradient clipping by the norm over all weights.

use crate::{
    models::{Role, State},
    ops,
};
use candle_core::{Result, backprop::GradStore};

/// PyTorch's `clip_grad_norm_`: multiplies the gradients of all parameters by `most / (norm + 1e-6)` where that is below 1.
/// Returns the L2 norm over all of them before, summed in the order of their names.
///
/// Pascanu, Mikolov, Bengio: On the difficulty of training recurrent neural networks, 2013.
pub fn clip_gradients(gradients: &mut GradStore, state: &State, most: f64) -> Result<f64> {
    let parameters = || state.values().filter(|entry| entry.role == Role::Parameter).map(|entry| entry.var.as_tensor());
    let mut squares = 0.0;
    for parameter in parameters() {
        if let Some(gradient) = gradients.get(parameter) {
            squares += ops::sum_of_squares(gradient)?;
        }
    }
    let norm = squares.sqrt();
    let factor = most / (norm + 1e-6);
    if factor < 1.0 {
        for parameter in parameters() {
            if let Some(gradient) = gradients.remove(parameter) {
                gradients.insert(parameter, (gradient * factor)?);
            }
        }
    }
    Ok(norm)
}
