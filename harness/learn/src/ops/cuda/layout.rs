//! The memory layout of images, and the number format that a network uses.

use super::{
    engine::{Argument, Argument::Address, ELEMENTWISE},
    lists::converted,
    memory::{Filled, fill, record, suffix, tensor},
};
use crate::precision::{Precision, current};
use candle_core::{DType, Device, Result, Tensor, TensorId};
use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
};

thread_local! {
    /// True if operations of this thread find channels last.
    static LAST: Cell<bool> = const { Cell::new(false) };
    /// Weights of the network that this thread computes, in the layout of its convolutions.
    static PREPARED: RefCell<HashMap<TensorId, Tensor>> = RefCell::default();
}

/// `weight` in the layout of this thread's convolutions, if its network's scope has prepared it.
pub(super) fn prepared(weight: &Tensor) -> Option<Tensor> {
    PREPARED.with_borrow(|prepared| prepared.get(&weight.id()).cloned())
}

/// The way in which operations work. Each keeps the mode of its forward pass for its gradient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Mode {
    pub(super) precision: Precision,
    /// True if the memory of an image `[B, C, H, W]` is `[B, H, W, C]`.
    pub(super) last: bool,
}

impl Mode {
    pub(super) fn current() -> Self {
        Self { precision: current(), last: LAST.get() }
    }

    /// The element type that convolutions take and return.
    pub(super) fn element(self) -> DType {
        match self.precision {
            Precision::F32 | Precision::Tf32 => DType::F32,
            Precision::Bf16 => DType::BF16,
        }
    }

    /// Number of neighbours in memory that belong to one channel.
    pub(super) fn inner(self, pixels: usize) -> usize {
        if self.last { 1 } else { pixels }
    }
}

/// While it lives, the operations of this thread use the layout that suits the network's device: channels last where that is
/// faster. The network's input and output are converted by it.
pub(crate) struct NetworkScope {
    before: bool,
    last: bool,
}

impl NetworkScope {
    /// The scope of a forward pass on `device` with these weights of convolutions.
    pub(crate) fn enter<'a>(device: &Device, weights: impl IntoIterator<Item = &'a Tensor>) -> Result<Self> {
        let last = device.is_cuda() && current() != Precision::F32;
        let scope = Self { before: LAST.replace(last), last };
        if last {
            let weights: Vec<&Tensor> = weights.into_iter().collect();
            let there = converted(&weights, Mode::current().element())?;
            PREPARED.set(weights.into_iter().map(Tensor::id).zip(there).collect());
        }
        Ok(scope)
    }

    /// Converts an image for the network, from candle's `[B, C, H, W]`.
    pub(crate) fn input(&self, image: &Tensor) -> Result<Tensor> {
        if self.last { turn(image, true, image.dtype()) } else { Ok(image.clone()) }
    }

    /// Converts an image from the network to candle's layout, in f32.
    pub(crate) fn output(&self, image: &Tensor) -> Result<Tensor> {
        if self.last { turn(image, false, DType::F32) } else { Ok(image.clone()) }
    }
}

impl Drop for NetworkScope {
    fn drop(&mut self) {
        LAST.set(self.before);
        PREPARED.take();
    }
}

/// Moves the channels of `[B, C, H, W]` to the end in memory, or back, with gradient.
fn turn(image: &Tensor, to_last: bool, dtype: DType) -> Result<Tensor> {
    let image = image.contiguous()?;
    let (result, of_image) = (turned(&image, to_last, dtype)?, image.dtype());
    record(&[&image], result, move |grad| Ok(vec![Some(tensor(turned(grad, !to_last, of_image)?))]))
}

fn turned(image: &Tensor, to_last: bool, dtype: DType) -> Result<Filled> {
    let (_, channels, h, w) = image.dims4()?;
    let (rows, columns) = if to_last { (channels, h * w) } else { (h * w, channels) };
    swapped(image, rows, columns, dtype, image.shape())
}

/// Transposes the memory of `x`, `[.., rows, columns] -> [.., columns, rows]`; the result has shape `shape`.
fn swapped(
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
