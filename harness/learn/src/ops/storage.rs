//! Access to candle's CPU storage as plain slices, and to the gradients that its tape needs.

use candle_core::{CpuStorage, Error, InplaceOp1, Layout, Result, Shape, Storage, Tensor, WithDType};
use std::cell::Cell;

/// The elements of a contiguous tensor.
pub(super) fn slice<'a, T: WithDType>(storage: &'a CpuStorage, layout: &Layout, op: &'static str) -> Result<&'a [T]> {
    match layout.contiguous_offsets() {
        Some((from, to)) => Ok(&storage.as_slice::<T>()?[from..to]),
        None => Err(Error::RequiresContiguous { op }.bt()),
    }
}

/// Calls `read` with the elements of a contiguous tensor on the CPU.
pub(super) fn with_slice<T: WithDType, R>(tensor: &Tensor, read: impl FnOnce(&[T]) -> Result<R>) -> Result<R> {
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(data) => read(slice(data, layout, "an operation of the CPU")?),
        _ => Err(Error::Msg(format!("a tensor {:?} is not on the CPU", tensor.dims()))),
    }
}

/// Gradients of an operation's three inputs; `None` for those that nobody needs.
pub(super) type Gradients = (Option<Tensor>, Option<Tensor>, Option<Tensor>);

/// Computes `gradient` of `tensor` only if the tape tracks that tensor.
pub(super) fn wanted(tensor: &Tensor, gradient: impl FnOnce() -> Result<Tensor>) -> Result<Option<Tensor>> {
    tensor.track_op().then(gradient).transpose()
}

/// A new storage with `data` and `shape`.
pub(super) fn storage(data: Vec<f32>, shape: impl Into<Shape>) -> (CpuStorage, Shape) {
    (CpuStorage::F32(data), shape.into())
}

/// Changes the elements of a contiguous f32 tensor on the CPU in place.
pub(super) fn with_slice_mut(tensor: &Tensor, change: impl FnOnce(&mut [f32]) -> Result<()>) -> Result<()> {
    tensor.inplace_op1(&Change(Cell::new(Some(change))))
}

/// candle gives only operations access to elements for writing. This operation runs once.
struct Change<F>(Cell<Option<F>>);

impl<F: FnOnce(&mut [f32]) -> Result<()>> InplaceOp1 for Change<F> {
    fn name(&self) -> &'static str {
        "change"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        match self.0.take() {
            Some(change) => change(slice_mut(storage, layout, self.name())?),
            None => Err(Error::Msg("an operation in place that was run before".into())),
        }
    }
}

/// The elements of a contiguous f32 tensor, for writing.
fn slice_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout, op: &'static str) -> Result<&'a mut [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(data), Some((from, to))) => Ok(&mut data[from..to]),
        (CpuStorage::F32(_), None) => Err(Error::RequiresContiguous { op }.bt()),
        (other, _) => {
            Err(Error::Msg(format!("{op} takes f32, not {:?}", candle_core::backend::BackendStorage::dtype(other))))
        }
    }
}
