//! A step of Adam, fused.

use super::{
    engine::{ADAM, Argument},
    memory::{require_f32, with_addresses},
};
use crate::ops::AdamStep;
use candle_core::{Error, Result, Tensor};

/// See [`crate::ops::adam`].
pub(in crate::ops) fn adam(
    weight: &Tensor,
    first: &Tensor,
    second: &Tensor,
    gradient: &Tensor,
    step: AdamStep,
) -> Result<()> {
    let gradient = gradient.contiguous()?;
    let all = [weight, first, second, &gradient];
    for tensor in all {
        require_f32(tensor, "adam")?;
        if tensor.dims() != weight.dims() {
            return Err(Error::Msg(format!("adam of {:?} with {:?}", weight.dims(), tensor.dims())));
        }
    }
    let reals = [
        step.beta1,
        1.0 - step.beta1,
        step.beta2,
        1.0 - step.beta2,
        step.keep,
        step.rate,
        step.correction.sqrt().recip(),
        step.epsilon,
    ];
    // The kernel overwrites weight and moments in place. Only the optimiser changes them, and everything that reads them is
    // ordered in the same stream.
    with_addresses(&all, |engine, from| {
        let addresses = from.iter().map(|&address| Argument::Address(address));
        let arguments: Vec<Argument> = addresses.chain(reals.map(Argument::real)).collect();
        engine.each(&ADAM, "adam", weight.elem_count(), 1, &arguments)
    })
}
