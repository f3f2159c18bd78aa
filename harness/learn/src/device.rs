//! Where a network runs.

use candle_core::Device;

/// What the user asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceChoice {
    /// CUDA if this binary has it and a GPU is there, else the CPU.
    Auto,
    /// The CPU.
    Cpu,
    /// The GPU of that number.
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
                Some(Err(_)) => Err("a GPU has a number: write cuda:0 for the first".to_owned()),
                None => Err("write auto, cpu, cuda or cuda:N".to_owned()),
            },
        }
    }
}

/// A device that is there.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// candle's handle.
    pub device: Device,
    /// Kind, as it enters stage keys: `cpu` or `cuda`.
    pub kind: &'static str,
    /// In words: `cpu`, `cuda:0`.
    pub name: String,
    /// Whether a second run gives the same bits.
    pub deterministic: bool,
}

/// Why a device cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// This binary was built without CUDA.
    #[error("this binary was built without CUDA: build it with `--features cuda`, or use `--device cpu`")]
    NotBuilt,
    /// The NVIDIA driver is missing.
    #[error("no NVIDIA driver was found (libcuda cannot be loaded): install it, or use `--device cpu`")]
    NoDriver,
    /// The driver refused.
    #[error("cannot use CUDA device {number}: {reason}")]
    Refused {
        /// Number of the GPU.
        number: usize,
        /// What the driver said.
        reason: String,
    },
}

/// Finds the device of `choice`.
pub fn select(choice: DeviceChoice) -> Result<Chosen, DeviceError> {
    match choice {
        DeviceChoice::Cpu => Ok(cpu()),
        DeviceChoice::Cuda(number) => cuda(number),
        DeviceChoice::Auto => Ok(cuda(0).unwrap_or_else(|_| cpu())),
    }
}

fn cpu() -> Chosen {
    Chosen { device: Device::Cpu, kind: "cpu", name: "cpu".into(), deterministic: true }
}

#[cfg(not(feature = "cuda"))]
fn cuda(_number: usize) -> Result<Chosen, DeviceError> {
    Err(DeviceError::NotBuilt)
}

#[cfg(feature = "cuda")]
fn cuda(number: usize) -> Result<Chosen, DeviceError> {
    if !driver_present() {
        return Err(DeviceError::NoDriver);
    }
    let refused = |reason: String| DeviceError::Refused { number, reason };
    // A stream of its own: candle's usual one is another for each thread that uses the device.
    let device = Device::new_cuda_with_stream(number).map_err(|e| refused(e.to_string()))?;
    let cuda = device.as_cuda_device().map_err(|e| refused(e.to_string()))?;
    stop_tracking(cuda);
    // cuBLAS and cuDNN choose algorithms at run time, and may choose others on a second run.
    Ok(Chosen { device, kind: "cuda", name: format!("cuda:{number}"), deterministic: false })
}

/// Spares the two events that cudarc otherwise makes with each tensor.
#[cfg(feature = "cuda")]
#[allow(unsafe_code)]
fn stop_tracking(device: &candle_core::CudaDevice) {
    // SAFETY: all work of the device goes to its one stream, in order, so nothing has to be awaited by events.
    unsafe { device.disable_event_tracking() }
}

/// Whether libcuda can be loaded: candle panics where it cannot.
#[cfg(feature = "cuda")]
#[allow(unsafe_code)]
fn driver_present() -> bool {
    // SAFETY: only loads the driver's library and looks at nothing in it.
    unsafe { candle_core::cuda_backend::cudarc::driver::sys::is_culib_present() }
}

/// Whether this binary can use CUDA, and why not.
pub fn cuda_state() -> Result<(), DeviceError> {
    cuda(0).map(|_| ())
}
