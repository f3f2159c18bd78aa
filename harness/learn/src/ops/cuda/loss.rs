//! Mean squared error, and cross-entropy over channels.

use super::{
    engine::{Argument, Argument::Address, LOSSES, counts},
    memory::{Filled, empty, fill, make, record, require_f32},
};
use candle_core::{DType, Error, Result, Tensor};

/// The largest number of partial sums: enough blocks for any GPU.
const PIECES: usize = 1024;

/// The smallest number of terms that one block adds up.
const TERMS: usize = 2048;

/// See [`crate::ops::mse`].
pub(in crate::ops) fn mse(x: &Tensor, target: &Tensor) -> Result<Tensor> {
    let (x, target) = (x.contiguous()?, target.detach().contiguous()?);
    require_f32(&x, "mse")?;
    require_f32(&target, "mse")?;
    if x.dims() != target.dims() || x.elem_count() == 0 {
        return Err(Error::Msg(format!("mse of {:?} against {:?}", x.dims(), target.dims())));
    }
    let result = mean("squares", &[&x, &target], x.elem_count(), &[])?;
    let kept = x.clone();
    record(&[&x], result, move |grad| {
        let gradient = make(&[&kept, &target, grad], DType::F32, kept.shape(), |engine, from, to| {
            let arguments = [from[0], from[1], from[2], to].map(Address);
            engine.each(&LOSSES, "squares_backward", kept.elem_count(), 1, &arguments)
        })?;
        Ok(vec![Some(gradient)])
    })
}

/// See [`crate::ops::cross_entropy`]. An invalid class makes the loss NaN: to report it, the host would have to wait.
pub(in crate::ops) fn cross_entropy(logits: &Tensor, target: &Tensor) -> Result<Tensor> {
    let (logits, target) = (logits.contiguous()?, target.contiguous()?);
    require_f32(&logits, "cross_entropy")?;
    let (batch, channels, h, w) = logits.dims4()?;
    if target.dims() != [batch, h, w] || target.dtype() != DType::U8 || target.elem_count() == 0 {
        let dtype = target.dtype();
        return Err(Error::Msg(format!(
            "a loss of {:?} against a target {:?} of {dtype:?}",
            logits.dims(),
            target.dims()
        )));
    }
    let sizes = counts([channels, h * w])?;
    let result = mean("cross_entropies", &[&logits, &target], target.elem_count(), &sizes)?;
    let kept = logits.clone();
    record(&[&logits], result, move |grad| {
        let gradient = make(&[&kept, &target, grad], DType::F32, kept.shape(), |engine, from, to| {
            let arguments: Vec<_> = [from[0], from[1], from[2], to].map(Address).into_iter().chain(sizes).collect();
            engine.each(&LOSSES, "cross_entropies_backward", target.elem_count(), 1, &arguments)
        })?;
        Ok(vec![Some(gradient)])
    })
}

/// The mean of `count` terms, which kernel `name` computes from `inputs`.
fn mean(name: &str, inputs: &[&Tensor], count: usize, rest: &[Argument]) -> Result<Filled> {
    let parts = count.div_ceil(TERMS).clamp(1, PIECES);
    let pieces = empty(DType::F64, parts, inputs[0].device())?;
    let all: Vec<&Tensor> = inputs.iter().copied().chain([&pieces]).collect();
    fill(&all, DType::F32, (), |engine, from, to| {
        let mut arguments = vec![Argument::count(count)?];
        arguments.extend(from.iter().map(|&address| Address(address)));
        arguments.extend([engine.counters(1)?, Address(to)]);
        arguments.extend_from_slice(rest);
        engine.launch(&LOSSES, name, (parts as u32, 1, 1), (256, 1, 1), &arguments)
    })
}
