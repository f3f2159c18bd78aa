//! How images lie in memory, and in which numbers a network works.

use super::{
    engine::{Argument, Argument::Address, ELEMENTWISE},
    memory::{Filled, fill, record1, suffix, tensor},
};
use crate::precision::{Precision, current};
use candle_core::{DType, Device, Result, Tensor};
use std::cell::Cell;

thread_local! {
    /// Whether the operations of this thread find channels last.
    static LAST: Cell<bool> = const { Cell::new(false) };
}

/// How operations work: each keeps for its gradient the mode it was called in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Mode {
    pub(super) precision: Precision,
    /// Whether the memory of an image `[B, C, H, W]` is `[B, H, W, C]`.
    pub(super) last: bool,
}

impl Mode {
    pub(super) fn current() -> Self {
        Self { precision: current(), last: LAST.get() }
    }

    /// Type of the elements that convolutions take and give.
    pub(super) fn element(self) -> DType {
        match self.precision {
            Precision::F32 | Precision::Tf32 => DType::F32,
            Precision::Bf16 => DType::BF16,
        }
    }

    /// How many neighbours in memory are of one channel.
    pub(super) fn inner(self, pixels: usize) -> usize {
        if self.last { 1 } else { pixels }
    }
}

/// While it lives, the operations of this thread work as suits a network on its device: with channels last where that is
/// faster. The network's input and output go through it.
pub(crate) struct NetworkScope {
    before: bool,
    last: bool,
}

impl NetworkScope {
    /// The scope of a network's pass on `device`.
    pub(crate) fn enter(device: &Device) -> Self {
        let last = device.is_cuda() && current() != Precision::F32;
        Self { before: LAST.replace(last), last }
    }

    /// An image for the network: `[B, C, H, W]` as candle has it.
    pub(crate) fn input(&self, image: &Tensor) -> Result<Tensor> {
        if self.last { turn(image, true, image.dtype()) } else { Ok(image.clone()) }
    }

    /// An image of the network as candle has it, in f32.
    pub(crate) fn output(&self, image: &Tensor) -> Result<Tensor> {
        if self.last { turn(image, false, DType::F32) } else { Ok(image.clone()) }
    }
}

impl Drop for NetworkScope {
    fn drop(&mut self) {
        LAST.set(self.before);
    }
}

/// `[B, C, H, W]` with the channels put last in memory, or taken back from there, with its gradient.
fn turn(image: &Tensor, to_last: bool, dtype: DType) -> Result<Tensor> {
    let image = image.contiguous()?;
    let result = turned(&image, to_last, dtype)?;
    record1("channels-last", &image, result, move |image, _, grad| {
        Ok(Some(tensor(turned(grad, !to_last, image.dtype())?)))
    })
}

fn turned(image: &Tensor, to_last: bool, dtype: DType) -> Result<Filled> {
    let (_, channels, h, w) = image.dims4()?;
    let (rows, columns) = if to_last { (channels, h * w) } else { (h * w, channels) };
    swapped(image, rows, columns, dtype, image.shape())
}

/// `[.., rows, columns] -> [.., columns, rows]` of what `x` holds in memory, as `shape`.
pub(super) fn swapped(
    x: &Tensor,
    rows: usize,
    columns: usize,
    dtype: DType,
    shape: impl Into<candle_core::Shape>,
) -> Result<Filled> {
    let name = format!("swap_{}_{}", suffix(x.dtype())?, suffix(dtype)?);
    fill(&[x], dtype, shape, |engine, from, to| {
        let arguments = [Address(from[0]), Address(to), Argument::count(rows)?, Argument::count(columns)?];
        engine.each(&ELEMENTWISE, &name, x.elem_count(), 1, &arguments)
    })
}
