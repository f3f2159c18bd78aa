//! Division by the largest element.

use super::{
    engine::{Argument, Argument::Address, MAXIMUM, count},
    memory::{Filled, empty, fill, make, record, require_f32, tensor},
};
use candle_core::{DType, Result, Tensor};

/// The largest number of blocks that look for a maximum.
const PIECES: usize = 512;

/// The smallest number of elements that one block looks at.
const ELEMENTS: usize = 2048;

/// See [`crate::ops::divide_by_maximum`].
pub(in crate::ops) fn divide_by_maximum(x: &Tensor) -> Result<Tensor> {
    let x = x.contiguous()?;
    require_f32(&x, "divide_by_maximum")?;
    let maximum = tensor(reduced("largest", &[&x], 1)?);
    let result = fill(&[&x, &maximum], DType::F32, x.shape(), |engine, from, to| {
        engine.each(&MAXIMUM, "divide", x.elem_count(), 1, &[from[0], from[1], to].map(Address))
    })?;
    let kept = x.clone();
    record(&[&x], result, move |grad| {
        let share = tensor(reduced("shares", &[&kept, grad, &maximum], 2)?);
        let gradient = make(&[&kept, grad, &maximum, &share], DType::F32, kept.shape(), |engine, from, to| {
            let arguments = [from[0], from[1], from[2], from[3], to].map(Address);
            engine.each(&MAXIMUM, "divide_backward", kept.elem_count(), 1, &arguments)
        })?;
        Ok(vec![Some(gradient)])
    })
}

/// The scalar that kernel `name` makes of all elements of its inputs. A block has `rows` intermediate results.
fn reduced(name: &str, inputs: &[&Tensor], rows: usize) -> Result<Filled> {
    let n = inputs.first().map_or(0, |first| first.elem_count());
    let blocks = n.div_ceil(ELEMENTS).clamp(1, PIECES);
    let pieces = empty(DType::F64, (blocks, rows), inputs[0].device())?;
    let all: Vec<&Tensor> = inputs.iter().copied().chain([&pieces]).collect();
    fill(&all, DType::F32, (), |engine, from, to| {
        let addresses = from.iter().map(|&address| Address(address));
        let mut arguments: Vec<Argument> = [Argument::count(n)?].into_iter().chain(addresses).collect();
        arguments.extend([engine.counters(1)?, Address(to)]);
        engine.launch(&MAXIMUM, name, (count(blocks)?, 1, 1), (256, 1, 1), &arguments)
    })
}
