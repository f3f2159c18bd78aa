//! Clips gradients by their overall norm, which stays on the device.

use super::{
    engine::{Argument, Argument::Address, CLIP},
    memory::{make, require_f32},
};
use candle_core::{DType, Result, Tensor};

/// The smallest number of squares that one block adds up.
const TERMS: usize = 2048;

/// The largest number of blocks that add up the squares of one gradient.
const PIECES: usize = 512;

/// See [`crate::ops::gradient_norm`].
pub(in crate::ops) fn gradient_norm(gradients: &[&Tensor]) -> Result<Tensor> {
    let gradients: Vec<Tensor> = gradients.iter().map(|gradient| gradient.contiguous()).collect::<Result<_>>()?;
    gradients.iter().try_for_each(|gradient| require_f32(gradient, "a gradient's norm"))?;
    let parts: Vec<usize> = gradients.iter().map(|g| g.elem_count().div_ceil(TERMS).clamp(1, PIECES)).collect();
    let all = parts.iter().sum();
    let inputs: Vec<&Tensor> = gradients.iter().collect();
    let pieces = make(&inputs, DType::F64, all, |engine, from, to| {
        let mut to = to;
        for ((gradient, &address), &parts) in gradients.iter().zip(from).zip(&parts) {
            let arguments = [Argument::count(gradient.elem_count())?, Address(address), Address(to)];
            engine.launch(&CLIP, "square_pieces", (parts as u32, 1, 1), (256, 1, 1), &arguments)?;
            to += (parts * size_of::<f64>()) as u64;
        }
        Ok(())
    })?;
    make(&[&pieces], DType::F64, (), |engine, from, to| {
        let arguments = [Address(from[0]), Argument::count(all)?, Address(to)];
        engine.launch(&CLIP, "norm_total", (1, 1, 1), (256, 1, 1), &arguments)
    })
}

/// See [`crate::ops::clip`].
pub(in crate::ops) fn clip(gradient: &Tensor, norm: &Tensor, most: f64, epsilon: f64) -> Result<Tensor> {
    let gradient = gradient.contiguous()?;
    require_f32(&gradient, "a gradient to be clipped")?;
    make(&[&gradient, norm], DType::F32, gradient.shape(), |engine, from, to| {
        let reals = [Argument::Double(most), Argument::Double(epsilon)];
        let arguments = [Address(from[0]), Address(from[1]), reals[0], reals[1], Address(to)];
        engine.each(&CLIP, "clip", gradient.elem_count(), 1, &arguments)
    })
}
