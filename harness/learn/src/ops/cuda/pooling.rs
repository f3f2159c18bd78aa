//! Max-pooling with indices, and unpooling by them.

use super::{
    engine::{Argument, Argument::Address, POOLING, counts},
    layout::Mode,
    memory::{Filled, fill, make, record, suffix, tensor, with_addresses},
};
use crate::ops::Pooled;
use candle_core::{DType, Error, Result, Tensor};

/// See [`crate::ops::max_pool2d`].
pub(in crate::ops) fn max_pool2d(x: &Tensor, kernel: usize, stride: usize, padding: usize) -> Result<Pooled> {
    let x = x.contiguous()?;
    let mode = Mode::current();
    let (batch, channels, height, width) = x.dims4()?;
    let side = |n: usize| (n + 2 * padding - kernel) / stride + 1;
    let (rows, columns) = (side(height), side(width));
    let shape = (batch, channels, rows, columns);
    let n = batch * channels * rows * columns;
    let mut windows = counts([channels, height, width, rows, columns, kernel, stride, padding])?.to_vec();
    windows.push(Argument::flag(mode.last));
    let name = format!("largest_{}", suffix(x.dtype())?);
    let indices = make(&[&x], DType::U32, shape, |engine, from, to| {
        engine.each(&POOLING, &name, n, 1, &[&[Address(from[0]), Address(to)], &windows[..]].concat())
    })?;
    let sizes = [channels, rows * columns, height * width];
    let values = taken(&x, &indices, sizes, mode)?;
    let (of_x, at) = (x.shape().clone(), indices.clone());
    let values = record(&[&x], values, move |grad| {
        let name = format!("pool_backward_{}", suffix(grad.dtype())?);
        let gradient = make(&[grad, &at], grad.dtype(), &of_x, |engine, from, to| {
            let addresses = [from[0], from[1], to].map(Address);
            engine.each(&POOLING, &name, of_x.elem_count(), 1, &[&addresses, &windows[..]].concat())
        })?;
        Ok(vec![Some(gradient)])
    })?;
    Ok(Pooled { values, indices })
}

/// See [`crate::ops::max_unpool2d`]. An element with an index outside the plane is dropped and gets a gradient of NaN: to
/// report it, the host would have to wait.
pub(in crate::ops) fn max_unpool2d(x: &Tensor, indices: &Tensor, height: usize, width: usize) -> Result<Tensor> {
    let (x, indices) = (x.contiguous()?, indices.contiguous()?);
    let mode = Mode::current();
    let (batch, channels, h, w) = x.dims4()?;
    if indices.dtype() != DType::U32 {
        return Err(Error::Msg(format!("max_unpool2d by indices of {:?}", indices.dtype())));
    }
    let sizes = [channels, h * w, height * width];
    let arguments = |addresses: &[Argument]| -> Result<Vec<Argument>> {
        Ok([addresses, &counts(sizes)?, &[Argument::flag(mode.last)]].concat())
    };
    let shape = (batch, channels, height, width);
    let winners = Tensor::zeros(shape, DType::U32, x.device())?;
    with_addresses(&[&indices, &winners], |engine, from| {
        let arguments = arguments(&[Address(from[0]), Address(from[1])])?;
        engine.each(&POOLING, "winners", x.elem_count(), 1, &arguments)
    })?;
    let name = format!("put_{}", suffix(x.dtype())?);
    let result = fill(&[&x, &winners], x.dtype(), shape, |engine, from, to| {
        let arguments = arguments(&[Address(from[0]), Address(from[1]), Address(to)])?;
        engine.each(&POOLING, &name, winners.elem_count(), 1, &arguments)
    })?;
    record(&[&x], result, move |grad| Ok(vec![Some(tensor(taken(grad, &indices, sizes, mode)?))]))
}

/// The elements of `x` at the indices. `sizes` are the channels, the pixels of the indices and the pixels of `x`.
fn taken(x: &Tensor, indices: &Tensor, sizes: [usize; 3], mode: Mode) -> Result<Filled> {
    let name = format!("take_{}", suffix(x.dtype())?);
    fill(&[x, indices], x.dtype(), indices.shape(), |engine, from, to| {
        let addresses = [from[0], from[1], to].map(Address);
        let arguments = [&addresses[..], &counts(sizes)?, &[Argument::flag(mode.last)]].concat();
        engine.each(&POOLING, &name, indices.elem_count(), 1, &arguments)
    })
}
