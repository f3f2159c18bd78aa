//! Addresses of tensors, and results that join candle's tape.

use super::engine::{Argument, ELEMENTWISE, Engine, count};
use crate::ops::storage::Gradients;
use candle_core::{
    CpuStorage, CudaStorage, CustomOp1, CustomOp2, CustomOp3, DType, Device, Error, Layout, Result, Shape, Storage,
    Tensor,
    backend::BackendDevice,
    cuda_backend::{CudaStorageSlice, cudarc::driver::DevicePtr},
    op::BackpropOp,
};
use std::sync::{Mutex, PoisonError};

/// The storage of a tensor that has no shape yet.
pub(super) type Filled = (CudaStorage, Shape);

/// Calls `act(engine, addresses of inputs)`. The inputs stay in place while it launches its work.
///
/// # Errors
/// Fails if an input is not on CUDA, not contiguous, or larger than the kernels can index, or if `act` fails.
pub(super) fn with_addresses<R>(inputs: &[&Tensor], act: impl FnOnce(&Engine, &[u64]) -> Result<R>) -> Result<R> {
    let first = inputs.first().ok_or_else(|| Error::Msg("an operation without inputs".into()))?;
    let engine = Engine::of(first.device().as_cuda_device()?)?;
    // Kernels index all elements of a tensor in 32 bits, whatever they count. Only pictures, which are bytes, may be larger.
    inputs
        .iter()
        .filter(|input| input.dtype() != DType::U8)
        .try_for_each(|input| count(input.elem_count()).map(drop))?;
    let storages: Vec<_> = inputs.iter().map(|input| input.storage_and_layout()).collect();
    let addresses: Vec<u64> =
        storages.iter().map(|(storage, layout)| address(&engine, storage, layout)).collect::<Result<_>>()?;
    act(&engine, &addresses)
}

/// A new storage of `shape`, filled by `launch(engine, addresses of inputs, address of the new elements)`.
pub(super) fn fill(
    inputs: &[&Tensor],
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
pub(super) fn make(
    inputs: &[&Tensor],
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

/// A finished result and its gradient. candle's tape takes it over when the operation is applied.
struct Recorded<F> {
    name: &'static str,
    result: Mutex<Option<Filled>>,
    backward: F,
}

impl<F> Recorded<F> {
    fn new(name: &'static str, result: Filled, backward: F) -> Self {
        Self { name, result: Mutex::new(Some(result)), backward }
    }

    fn take(&self) -> Result<Filled> {
        let mut result = self.result.lock().unwrap_or_else(PoisonError::into_inner);
        result.take().ok_or_else(|| Error::Msg(format!("the result of {} was taken twice", self.name)))
    }

    fn on_cpu(&self) -> Result<(CpuStorage, Shape)> {
        Err(Error::Msg(format!("{}: an operation on CUDA was given tensors of the CPU", self.name)))
    }
}

impl<F: Fn(&Tensor, &Tensor, &Tensor) -> Result<Option<Tensor>>> CustomOp1 for Recorded<F> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        self.on_cpu()
    }

    fn cuda_fwd(&self, _: &CudaStorage, _: &Layout) -> Result<Filled> {
        self.take()
    }

    fn bwd(&self, x: &Tensor, result: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        (self.backward)(x, result, &grad.contiguous()?)
    }
}

impl<F: Fn(&Tensor, &Tensor, &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)>> CustomOp2 for Recorded<F> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        self.on_cpu()
    }

    fn cuda_fwd(&self, _: &CudaStorage, _: &Layout, _: &CudaStorage, _: &Layout) -> Result<Filled> {
        self.take()
    }

    fn bwd(&self, x: &Tensor, y: &Tensor, _: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        (self.backward)(x, y, &grad.contiguous()?)
    }
}

impl<F: Fn([&Tensor; 3], &Tensor) -> Result<Gradients>> CustomOp3 for Recorded<F> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.on_cpu()
    }

    fn cuda_fwd(
        &self,
        _: &CudaStorage,
        _: &Layout,
        _: &CudaStorage,
        _: &Layout,
        _: &CudaStorage,
        _: &Layout,
    ) -> Result<Filled> {
        self.take()
    }

    fn bwd(&self, x: &Tensor, y: &Tensor, z: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Gradients> {
        (self.backward)([x, y, z], &grad.contiguous()?)
    }
}

/// `result` as a function of `x`, with `backward(x, result, gradient)`.
pub(super) fn record1<F>(name: &'static str, x: &Tensor, result: Filled, backward: F) -> Result<Tensor>
where
    F: Fn(&Tensor, &Tensor, &Tensor) -> Result<Option<Tensor>> + Send + Sync + 'static,
{
    x.apply_op1(Recorded::new(name, result, backward))
}

/// `result` as a function of `x` and `y`, with `backward(x, y, gradient)`.
pub(super) fn record2<F>(name: &'static str, x: &Tensor, y: &Tensor, result: Filled, backward: F) -> Result<Tensor>
where
    F: Fn(&Tensor, &Tensor, &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> + Send + Sync + 'static,
{
    x.apply_op2(y, Recorded::new(name, result, backward))
}

/// `result` as a function of three tensors, with `backward([x, y, z], gradient)`.
pub(super) fn record3<F>(name: &'static str, inputs: [&Tensor; 3], result: Filled, backward: F) -> Result<Tensor>
where
    F: Fn([&Tensor; 3], &Tensor) -> Result<Gradients> + Send + Sync + 'static,
{
    let [x, y, z] = inputs;
    x.apply_op3(y, z, Recorded::new(name, result, backward))
}
