//! Addresses of tensors, and results that join the tape.

use super::engine::{Argument, ELEMENTWISE, Engine, count};
use crate::ops::tape;
use candle_core::{
    CudaStorage, DType, Device, Error, Layout, Result, Shape, Storage, Tensor,
    backend::BackendDevice,
    cuda_backend::{CudaStorageSlice, cudarc::driver::DevicePtr},
    op::BackpropOp,
};

/// The storage of a tensor that has no shape yet.
pub(super) type Filled = (CudaStorage, Shape);

/// Calls `act(engine, addresses of inputs)`. An input that is `None` has address 0. The inputs stay in place while it launches its
/// work.
///
/// # Errors
/// Fails if an input is not on CUDA, not contiguous, or larger than the kernels can index, or if `act` fails.
pub(super) fn with_addresses<'a, R>(
    inputs: &[impl Into<Option<&'a Tensor>> + Copy],
    act: impl FnOnce(&Engine, &[u64]) -> Result<R>,
) -> Result<R> {
    let inputs: Vec<Option<&Tensor>> = inputs.iter().map(|&input| input.into()).collect();
    let there = || inputs.iter().flatten();
    let first = there().next().ok_or_else(|| Error::Msg("an operation without inputs".into()))?;
    let engine = Engine::of(first.device().as_cuda_device()?)?;
    // Kernels index all elements of a tensor in 32 bits, whatever they count. Only pictures, which are bytes, may be larger.
    there().filter(|input| input.dtype() != DType::U8).try_for_each(|input| count(input.elem_count()).map(drop))?;
    let storages: Vec<_> = inputs.iter().map(|input| input.map(Tensor::storage_and_layout)).collect();
    let addresses: Vec<u64> = storages
        .iter()
        .map(|input| input.as_ref().map_or(Ok(0), |(storage, layout)| address(&engine, storage, layout)))
        .collect::<Result<_>>()?;
    act(&engine, &addresses)
}

/// A new storage of `shape`, filled by `launch(engine, addresses of inputs, address of the new elements)`.
pub(super) fn fill<'a>(
    inputs: &[impl Into<Option<&'a Tensor>> + Copy],
    dtype: DType,
    shape: impl Into<Shape>,
    launch: impl FnOnce(&Engine, &[u64], u64) -> Result<()>,
) -> Result<Filled> {
    let shape = shape.into();
    with_addresses(inputs, |engine, addresses| {
        let slice = alloc(engine, dtype, shape.elem_count())?;
        launch(engine, addresses, slice_address(engine, &slice)?)?;
        Ok((CudaStorage { slice, device: engine.device.clone() }, shape))
    })
}

/// Like [`fill`], but returns a tensor without gradient.
pub(super) fn make<'a>(
    inputs: &[impl Into<Option<&'a Tensor>> + Copy],
    dtype: DType,
    shape: impl Into<Shape>,
    launch: impl FnOnce(&Engine, &[u64], u64) -> Result<()>,
) -> Result<Tensor> {
    Ok(tensor(fill(inputs, dtype, shape, launch)?))
}

/// A new tensor. A kernel must write all its elements before anybody reads one.
pub(super) fn empty(dtype: DType, shape: impl Into<Shape>, device: &Device) -> Result<Tensor> {
    let (engine, shape) = (Engine::of(device.as_cuda_device()?)?, shape.into());
    let slice = alloc(&engine, dtype, shape.elem_count())?;
    Ok(tensor((CudaStorage { slice, device: engine.device.clone() }, shape)))
}

/// A tensor without gradient.
pub(super) fn tensor((storage, shape): Filled) -> Tensor {
    Tensor::from_storage(Storage::Cuda(storage), shape, BackpropOp::none(), false)
}

/// Allocates memory for `n` elements, and at least one: the driver refuses to allocate none.
fn alloc(engine: &Engine, dtype: DType, n: usize) -> Result<CudaStorageSlice> {
    if dtype != DType::U8 {
        count(n)?;
    }
    let (device, n) = (&engine.device, n.max(1));
    // SAFETY: every kernel and call that fills a new storage writes all of its elements.
    unsafe {
        Ok(match dtype {
            DType::F32 => CudaStorageSlice::F32(device.alloc(n)?),
            DType::F64 => CudaStorageSlice::F64(device.alloc(n)?),
            DType::BF16 => CudaStorageSlice::BF16(device.alloc(n)?),
            DType::U32 => CudaStorageSlice::U32(device.alloc(n)?),
            DType::U8 => CudaStorageSlice::U8(device.alloc(n)?),
            _ => return Err(unsupported(dtype)),
        })
    }
}

fn slice_address(engine: &Engine, slice: &CudaStorageSlice) -> Result<u64> {
    let stream = &engine.stream;
    Ok(match slice {
        CudaStorageSlice::F32(slice) => slice.device_ptr(stream).0,
        CudaStorageSlice::F64(slice) => slice.device_ptr(stream).0,
        CudaStorageSlice::BF16(slice) => slice.device_ptr(stream).0,
        CudaStorageSlice::U32(slice) => slice.device_ptr(stream).0,
        CudaStorageSlice::U8(slice) => slice.device_ptr(stream).0,
        _ => return Err(Error::Msg("an operation on CUDA got a storage of a type that it does not know".into())),
    })
}

/// The address of the first element of a contiguous tensor.
fn address(engine: &Engine, storage: &Storage, layout: &Layout) -> Result<u64> {
    let Storage::Cuda(storage) = storage else {
        return Err(Error::Msg(format!("a tensor {:?} is not on CUDA", layout.dims())));
    };
    if !storage.device.same_device(&engine.device) {
        return Err(Error::Msg(format!("a tensor {:?} lies on another device", layout.dims())));
    }
    let Some((from, _)) = layout.contiguous_offsets() else {
        return Err(Error::RequiresContiguous { op: "an operation on CUDA" }.bt());
    };
    let size = match &storage.slice {
        CudaStorageSlice::U8(_) => 1,
        CudaStorageSlice::BF16(_) => 2,
        CudaStorageSlice::F64(_) => 8,
        _ => 4,
    };
    Ok(slice_address(engine, &storage.slice)? + (from * size) as u64)
}

/// The suffix of kernel names for an element type.
pub(super) fn suffix(dtype: DType) -> Result<&'static str> {
    match dtype {
        DType::F32 => Ok("f32"),
        DType::BF16 => Ok("bf16"),
        _ => Err(unsupported(dtype)),
    }
}

/// The number of elements in 16 bytes.
pub(super) fn pack(dtype: DType) -> usize {
    16 / dtype.size_in_bytes()
}

fn unsupported(dtype: DType) -> Error {
    Error::Msg(format!("operations on CUDA take f32 and bf16, not {dtype:?}"))
}

/// Fails unless `tensor` is f32.
pub(super) fn require_f32(tensor: &Tensor, what: &str) -> Result<()> {
    match tensor.dtype() {
        DType::F32 => Ok(()),
        dtype => Err(Error::Msg(format!("{what} takes f32 on CUDA, not {dtype:?}"))),
    }
}

/// Converts `x` to f32 or bf16, without gradient; returns `x` itself if it has that type.
pub(super) fn cast(x: &Tensor, dtype: DType) -> Result<Tensor> {
    if x.dtype() == dtype {
        return Ok(x.detach());
    }
    let name = format!("cast_{}_{}", suffix(x.dtype())?, suffix(dtype)?);
    make(&[x], dtype, x.shape(), |engine, from, to| {
        engine.each(&ELEMENTWISE, &name, x.elem_count(), 1, &[Argument::Address(from[0]), Argument::Address(to)])
    })
}

/// `result` as a function of `inputs`; see [`tape::note`].
pub(super) fn record(
    inputs: &[&Tensor],
    (storage, shape): Filled,
    backward: impl Fn(&Tensor) -> Result<Vec<Option<Tensor>>> + 'static,
) -> Result<Tensor> {
    tape::note(inputs, (Storage::Cuda(storage), shape), backward)
}

/// Like [`record`], for a gradient that needs the output: `backward(output, gradient)`.
pub(super) fn record_output(
    inputs: &[&Tensor],
    (storage, shape): Filled,
    backward: impl Fn(&Tensor, &Tensor) -> Result<Vec<Option<Tensor>>> + 'static,
) -> Result<Tensor> {
    tape::note_output(inputs, (Storage::Cuda(storage), shape), backward)
}
