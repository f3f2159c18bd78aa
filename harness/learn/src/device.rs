//! The devices that networks run on.

use candle_core::Device;

/// The device that the user asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceChoice {
    /// CUDA if this binary supports it and there is a GPU, else the CPU.
    Auto,
    /// The CPU.
    Cpu,
    /// The GPU with this number.
    Cuda(usize),
}

impl std::str::FromStr for DeviceChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" | "gpu" => Ok(Self::Cuda(0)),
            _ => match text.strip_prefix("cuda:").map(str::parse) {
                Some(Ok(number)) => Ok(Self::Cuda(number)),
                Some(Err(_)) => Err("a GPU needs a number: write cuda:0 for the first".to_owned()),
                None => Err("write auto, cpu, cuda or cuda:N".to_owned()),
            },
        }
    }
}

/// An available device.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// candle's handle of the device.
    pub device: Device,
    /// The kind of device, as in stage keys: `cpu` or `cuda`.
    pub kind: &'static str,
    /// Its name for people: `cpu`, `cuda:0`.
    pub name: String,
    /// True if a second run gives the same bits.
    pub deterministic: bool,
    /// The reason why it is the CPU although CUDA was tried, if it was.
    pub instead: Option<String>,
}

/// The reason why a device cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// This binary was built without CUDA.
    #[error("this binary was built without CUDA: build it with `--features cuda`, or use `--device cpu`")]
    NotBuilt,
    /// The NVIDIA driver is missing.
    #[error("no NVIDIA driver was found (libcuda cannot be loaded): install it, or use `--device cpu`")]
    NoDriver,
    /// Libraries of CUDA are missing.
    #[error(
        "there is an NVIDIA driver, but these libraries of CUDA cannot be loaded: {}. Put their folders on \
         LD_LIBRARY_PATH (docs/gpu.md says where Python's wheels hold them), or use `--device cpu`",
        .0.join(", ")
    )]
    NoLibraries(Vec<&'static str>),
    /// The driver reported an error.
    #[error("cannot use CUDA device {number}: {reason}")]
    Refused {
        /// Number of the GPU.
        number: usize,
        /// The driver's message.
        reason: String,
    },
}

/// Opens the device that `choice` names.
pub fn select(choice: DeviceChoice) -> Result<Chosen, DeviceError> {
    match choice {
        DeviceChoice::Cpu => Ok(cpu()),
        DeviceChoice::Cuda(number) => cuda(number),
        DeviceChoice::Auto => Ok(cuda(0).unwrap_or_else(|error| match error {
            DeviceError::NotBuilt => cpu(),
            tried => Chosen { instead: Some(tried.to_string()), ..cpu() },
        })),
    }
}

fn cpu() -> Chosen {
    Chosen { device: Device::Cpu, kind: "cpu", name: "cpu".into(), deterministic: true, instead: None }
}

#[cfg(not(feature = "cuda"))]
fn cuda(_number: usize) -> Result<Chosen, DeviceError> {
    Err(DeviceError::NotBuilt)
}

#[cfg(feature = "cuda")]
fn cuda(number: usize) -> Result<Chosen, DeviceError> {
    libraries()?;
    let refused = |reason: String| DeviceError::Refused { number, reason };
    // Use a stream of our own: candle's usual one differs between the threads that use the device.
    let device = unpanicking(|| Device::new_cuda_with_stream(number)).map_err(refused)?;
    let cuda = device.as_cuda_device().map_err(|e| refused(e.to_string()))?;
    stop_tracking(cuda);
    // cuDNN is opened now, so that a library that does not fit is found before any work.
    #[cfg(feature = "cudnn")]
    unpanicking(|| crate::ops::open(cuda)).map_err(refused)?;
    // Only deterministic algorithms of cuDNN run. Still, nobody has compared the bits of two runs on a GPU yet.
    Ok(Chosen { device, kind: "cuda", name: format!("cuda:{number}"), deterministic: false, instead: None })
}

/// The result of `open`. If a library lacks a function, cudarc panics; here that is an error like any other.
#[cfg(feature = "cuda")]
fn unpanicking<T>(open: impl FnOnce() -> candle_core::Result<T>) -> Result<T, String> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(open));
    std::panic::set_hook(hook);
    // candle appends a backtrace if RUST_BACKTRACE asks for one.
    let first_line = |error: candle_core::Error| error.to_string().lines().next().unwrap_or_default().to_owned();
    match result {
        Ok(result) => result.map_err(first_line),
        Err(payload) => Err(payload
            .downcast::<String>()
            .map(|message| *message)
            .or_else(|payload| payload.downcast::<&str>().map(|message| (*message).to_owned()))
            .unwrap_or_else(|_| "a library of CUDA does not fit".to_owned())),
    }
}

/// Turns off the two events that cudarc otherwise creates for each tensor.
#[cfg(feature = "cuda")]
#[allow(unsafe_code)]
fn stop_tracking(device: &candle_core::CudaDevice) {
    // SAFETY: all work on the device is ordered in its one stream, so no event has to be awaited.
    unsafe { device.disable_event_tracking() }
}

/// Checks that all libraries that are used can be loaded. cudarc panics at the first call of one that cannot.
#[cfg(all(feature = "cuda", feature = "dynamic-loading"))]
#[allow(unsafe_code)]
fn libraries() -> Result<(), DeviceError> {
    use candle_core::cuda_backend::cudarc::{cublas, curand, driver};
    // SAFETY: this only loads libraries and calls nothing in them.
    let (driver, missing) = unsafe {
        let others = [
            ("libcublas", cublas::sys::is_culib_present()),
            ("libcurand", curand::sys::is_culib_present()),
            #[cfg(feature = "cudnn")]
            ("libcudnn", candle_core::cuda_backend::cudarc::cudnn::sys::is_culib_present()),
        ];
        (driver::sys::is_culib_present(), others)
    };
    if !driver {
        return Err(DeviceError::NoDriver);
    }
    let missing: Vec<_> = missing.into_iter().filter(|(_, there)| !there).map(|(name, _)| name).collect();
    if missing.is_empty() { Ok(()) } else { Err(DeviceError::NoLibraries(missing)) }
}

/// This binary is linked with CUDA's libraries, so it would not have started without them.
#[cfg(all(feature = "cuda", not(feature = "dynamic-loading")))]
#[allow(clippy::unnecessary_wraps)]
fn libraries() -> Result<(), DeviceError> {
    Ok(())
}

/// Checks that this binary can use CUDA; the error says why not.
pub fn cuda_state() -> Result<(), DeviceError> {
    cuda(0).map(|_| ())
}

/// Returns true if a GPU had too little memory. candle and [`candle_core::Error::wrap`] keep only the text of some errors.
pub(crate) fn lacks_memory(error: &candle_core::Error) -> bool {
    let said = error.to_string();
    ["CUDA_ERROR_OUT_OF_MEMORY", "CUBLAS_STATUS_ALLOC_FAILED", "DEVICE_ALLOCATION_FAILED"]
        .iter()
        .any(|name| said.contains(name))
}

#[cfg(test)]
mod tests {
    use crate::train::TrainError;
    use candle_core::Error;

    #[test]
    fn too_little_memory_is_told_from_other_errors() {
        let said = |text: &str| TrainError::from(Error::wrap(text.to_owned())).to_string();
        let memory = said("DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")");
        assert!(memory.starts_with("the GPU has too little memory: set a smaller `batch`"), "{memory}");
        let other = said("DriverError(CUDA_ERROR_LAUNCH_FAILED, \"unspecified launch failure\")");
        assert!(other.starts_with("computing failed: "), "{other}");
    }
}
