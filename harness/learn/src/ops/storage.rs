//! Access to the elements of candle's tensors on the CPU, and results that join the tape.

use super::tape;
use candle_core::{CpuStorage, Error, InplaceOp1, Layout, Result, Shape, Storage, Tensor, WithDType};
use std::{
    cell::Cell,
    marker::PhantomData,
    ops::{Deref, Range},
};

/// The elements of a contiguous tensor on the CPU, as a slice. `G` guards the storage against changes.
struct Elements<G, T> {
    storage: G,
    range: Range<usize>,
    of: PhantomData<T>,
}

impl<G: Deref<Target = Storage>, T: WithDType> Deref for Elements<G, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &*self.storage {
            // Both were checked when the elements were read.
            Storage::Cpu(data) => data.as_slice().map_or(&[], |all| &all[self.range.clone()]),
            _ => &[],
        }
    }
}

/// Reads the elements of a tensor of f32.
///
/// # Errors
/// Fails if the tensor is not contiguous, not on the CPU or of another type.
pub(super) fn read(tensor: &Tensor) -> Result<impl Deref<Target = [f32]> + '_> {
    read_as(tensor)
}

/// Like [`read`], for other types.
pub(super) fn read_as<T: WithDType>(tensor: &Tensor) -> Result<impl Deref<Target = [T]> + '_> {
    let (storage, layout) = tensor.storage_and_layout();
    let Storage::Cpu(data) = &*storage else {
        return Err(Error::Msg(format!("a tensor {:?} is not on the CPU", tensor.dims())));
    };
    data.as_slice::<T>()?;
    let Some((from, to)) = layout.contiguous_offsets() else {
        return Err(Error::RequiresContiguous { op: "an operation of the CPU" }.bt());
    };
    Ok(Elements { storage, range: from..to, of: PhantomData })
}

/// The result of an operation on the CPU; see [`tape::note`].
pub(super) fn result(
    inputs: &[&Tensor],
    values: Vec<f32>,
    shape: impl Into<Shape>,
    backward: impl Fn(&Tensor) -> Result<Vec<Option<Tensor>>> + 'static,
) -> Result<Tensor> {
    tape::note(inputs, (Storage::Cpu(CpuStorage::F32(values)), shape), backward)
}

/// Like [`result`], for a gradient that needs the operation's output: `backward(output, gradient)`.
pub(super) fn result_output(
    inputs: &[&Tensor],
    values: Vec<f32>,
    shape: impl Into<Shape>,
    backward: impl Fn(&Tensor, &Tensor) -> Result<Vec<Option<Tensor>>> + 'static,
) -> Result<Tensor> {
    tape::note_output(inputs, (Storage::Cpu(CpuStorage::F32(values)), shape), backward)
}

/// A tensor on the CPU, without gradient.
pub(super) fn tensor<T: WithDType>(values: Vec<T>, shape: impl Into<Shape>) -> Result<Tensor> {
    Tensor::from_vec(values, shape.into(), &candle_core::Device::Cpu)
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
