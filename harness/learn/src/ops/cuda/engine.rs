//! The resources that all operations of a device share: cuDNN's handle, its workspace, and kernel launches.

use super::{lists::List, profile::measured};
use candle_core::{
    CudaDevice, Error, Result,
    cuda_backend::cudarc::{
        cudnn::{result as cudnn, sys::cudnnHandle_t},
        driver::{CudaSlice, CudaStream, DevicePtr, DriverError, LaunchArgs, LaunchConfig, PushKernelArg, result, sys},
    },
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Threads per block of an elementwise kernel.
const THREADS: u32 = 256;

/// The smallest number of counters that is allocated.
const COUNTERS: usize = 4096;

/// The engines of this process. Each stays until the program ends.
static ENGINES: Mutex<Vec<Arc<Engine>>> = Mutex::new(Vec::new());

/// A device, shared by all threads that use it. All work goes into its one stream.
pub(super) struct Engine {
    pub(super) device: CudaDevice,
    pub(super) stream: Arc<CudaStream>,
    dnn: Mutex<Dnn>,
    /// Counters by which kernels find the block that ends last. All are 0 between launches.
    counters: Mutex<Option<CudaSlice<u32>>>,
}

/// cuDNN's handle and the scratch memory of its convolutions. One thread at a time may use them.
pub(super) struct Dnn {
    pub(super) handle: cudnnHandle_t,
    workspace: Option<CudaSlice<u8>>,
}

// SAFETY: cuDNN lets any thread use a handle, as long as no two use it at once: it lies behind a mutex.
unsafe impl Send for Dnn {}

impl Dnn {
    /// The address of at least `bytes` of scratch memory. All users share it, because their work runs in order.
    pub(super) fn workspace(&mut self, engine: &Engine, bytes: usize) -> Result<u64> {
        if self.workspace.as_ref().is_none_or(|there| there.num_bytes() < bytes) {
            // The smaller block is freed in stream order, after everything that uses it.
            self.workspace = None;
            // SAFETY: nobody reads scratch memory before writing it.
            self.workspace = Some(unsafe { engine.device.alloc::<u8>(bytes.max(1)) }?);
        }
        Ok(self.workspace.as_ref().map_or(0, |there| there.device_ptr(&engine.stream).0))
    }
}

impl Engine {
    /// The engine of `device`. It is created on first use.
    pub(super) fn of(device: &CudaDevice) -> Result<Arc<Self>> {
        let mut engines = ENGINES.lock().unwrap_or_else(PoisonError::into_inner);
        let engine = if let Some(engine) = engines.iter().find(|engine| engine.device.id() == device.id()) {
            engine.clone()
        } else {
            let engine = Arc::new(Self::new(device)?);
            engines.push(engine.clone());
            engine
        };
        // cuDNN works in the context of the calling thread.
        engine.stream.context().bind_to_thread().map_err(Error::wrap)?;
        Ok(engine)
    }

    fn new(device: &CudaDevice) -> Result<Self> {
        let stream = device.cuda_stream();
        stream.context().bind_to_thread().map_err(Error::wrap)?;
        // SAFETY: all work of a candle device is ordered in its one stream, so no event has to be awaited.
        unsafe { device.disable_event_tracking() };
        keep_freed_memory(&stream).map_err(Error::wrap)?;
        let handle = cudnn::create_handle().map_err(Error::wrap)?;
        // SAFETY: the handle was just created, and the engine keeps the stream alive as long as the handle.
        unsafe { cudnn::set_stream(handle, stream.cu_stream().cast()) }.map_err(Error::wrap)?;
        let dnn = Mutex::new(Dnn { handle, workspace: None });
        Ok(Self { device: device.clone(), stream, dnn, counters: Mutex::new(None) })
    }

    /// The address of at least `n` counters for the next launch.
    pub(super) fn counters(&self, n: usize) -> Result<Argument> {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        if counters.as_ref().is_none_or(|there| there.len() < n) {
            *counters = Some(self.device.alloc_zeros::<u32>(n.max(COUNTERS))?);
        }
        Ok(Argument::Address(counters.as_ref().map_or(0, |there| there.device_ptr(&self.stream).0)))
    }

    /// cuDNN, for this thread alone until the guard is dropped.
    pub(super) fn dnn(&self) -> MutexGuard<'_, Dnn> {
        self.dnn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Launches kernel `name` of `module` in `grid` blocks of `block` threads.
    pub(super) fn launch(
        &self,
        module: &Module,
        name: &str,
        grid: (u32, u32, u32),
        block: (u32, u32, u32),
        arguments: &[Argument],
    ) -> Result<()> {
        let function = self.device.get_or_load_custom_func(name, module.name, module.ptx)?;
        measured(self, name, || start(function.builder(), grid, block, arguments))
    }

    /// Launches kernel `name` over a list of tensors, which is its first argument.
    pub(super) fn launch_list(&self, name: &str, list: &List, arguments: &[Argument]) -> Result<()> {
        let function = self.device.get_or_load_custom_func(name, LISTS.name, LISTS.ptx)?;
        let mut launch = function.builder();
        launch.arg(list);
        measured(self, name, || start(launch, (list.blocks, 1, 1), (THREADS, 1, 1), arguments))
    }

    /// Launches an elementwise kernel over `n` elements, `pack` per thread. `n` is its first argument.
    pub(super) fn each(&self, module: &Module, name: &str, n: usize, pack: usize, rest: &[Argument]) -> Result<()> {
        if n == 0 {
            return Ok(());
        }
        let blocks = count(n.div_ceil(pack).div_ceil(THREADS as usize))?;
        let arguments: Vec<Argument> =
            std::iter::once(Argument::count(n)).chain(rest.iter().map(|a| Ok(*a))).collect::<Result<_>>()?;
        self.launch(module, name, (blocks, 1, 1), (THREADS, 1, 1), &arguments)
    }
}

fn start<'a>(
    mut launch: LaunchArgs<'a>,
    grid: (u32, u32, u32),
    block: (u32, u32, u32),
    arguments: &'a [Argument],
) -> Result<()> {
    for argument in arguments {
        match argument {
            Argument::Address(value) => launch.arg(value),
            Argument::Count(value) => launch.arg(value),
            Argument::Flag(value) => launch.arg(value),
            Argument::Real(value) => launch.arg(value),
            Argument::Double(value) => launch.arg(value),
        };
    }
    let config = LaunchConfig { grid_dim: grid, block_dim: block, shared_mem_bytes: 0 };
    // SAFETY: callers pass the arguments of the kernel's signature, with addresses of as many elements as it touches. The
    // memory lives until the stream has passed the launch, because it is freed in stream order.
    unsafe { launch.launch(config) }.map_err(Error::wrap)?;
    Ok(())
}

/// Lets the driver's memory pool keep freed memory. By default the pool returns it whenever somebody waits for the device, and
/// the next step has to request all of it again.
fn keep_freed_memory(stream: &CudaStream) -> std::result::Result<(), DriverError> {
    let mut threshold = u64::MAX;
    let attribute = sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
    // SAFETY: the device belongs to a living context, and the attribute is a u64.
    unsafe {
        let pool = result::device::get_default_mem_pool(stream.context().cu_device())?;
        result::mem_pool::set_attribute(pool, attribute, (&raw mut threshold).cast())
    }
}

/// A file of kernels, compiled by the build script.
pub(super) struct Module {
    name: &'static str,
    ptx: &'static str,
}

macro_rules! module {
    ($constant:ident, $name:literal) => {
        pub(super) const $constant: Module = Module {
            name: concat!("harness-", $name),
            ptx: include_str!(concat!(env!("OUT_DIR"), "/", $name, ".ptx")),
        };
    };
}
module!(CHANNELS, "channels");
module!(CODEBOOK, "codebook");
module!(ELEMENTWISE, "elementwise");
module!(LISTS, "lists");
module!(LOSSES, "losses");
module!(MAXIMUM, "maximum");
module!(PICTURES, "pictures");
module!(POOLING, "pooling");
module!(SCORES, "scores");

/// An argument of a kernel.
#[derive(Debug, Clone, Copy)]
pub(super) enum Argument {
    Address(u64),
    Count(u32),
    Flag(i32),
    Real(f32),
    Double(f64),
}

impl Argument {
    /// A number of elements.
    ///
    /// # Errors
    /// Fails if the kernels cannot count that far.
    pub(super) fn count(n: usize) -> Result<Self> {
        count(n).map(Self::Count)
    }

    pub(super) fn flag(value: bool) -> Self {
        Self::Flag(i32::from(value))
    }

    pub(super) fn real(value: f64) -> Self {
        Self::Real(value as f32)
    }
}

/// Converts numbers of elements to arguments.
pub(super) fn counts<const N: usize>(numbers: [usize; N]) -> Result<[Argument; N]> {
    let mut arguments = [Argument::Count(0); N];
    for (argument, n) in arguments.iter_mut().zip(numbers) {
        *argument = Argument::count(n)?;
    }
    Ok(arguments)
}

/// `n` as the kernels count it: below 2³¹, so that no sum of two indices overflows.
pub(super) fn count(n: usize) -> Result<u32> {
    i32::try_from(n)
        .map(|n| n as u32)
        .map_err(|_| Error::Msg(format!("a tensor of {n} elements is too large for the kernels: less than 2^31 fit")))
}
