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
    // Use a stream of our own: candle's usual one differs between the threads that use the device.
    let device = Device::new_cuda_with_stream(number).map_err(|e| refused(e.to_string()))?;
    let cuda = device.as_cuda_device().map_err(|e| refused(e.to_string()))?;
    stop_tracking(cuda);
    // cuBLAS and cuDNN choose algorithms at run time, and a second run may choose others.
    Ok(Chosen { device, kind: "cuda", name: format!("cuda:{number}"), deterministic: false })
}

/// Turns off the two events that cudarc otherwise creates for each tensor.
#[cfg(feature = "cuda")]
#[allow(unsafe_code)]
fn stop_tracking(device: &candle_core::CudaDevice) {
    // SAFETY: all work on the device is ordered in its one stream, so no event has to be awaited.
    unsafe { device.disable_event_tracking() }
}

/// Returns true if libcuda can be loaded. candle panics if it cannot.
#[cfg(feature = "cuda")]
#[allow(unsafe_code)]
fn driver_present() -> bool {
    // SAFETY: this only loads the driver's library and calls nothing in it.
    unsafe { candle_core::cuda_backend::cudarc::driver::sys::is_culib_present() }
}

/// Checks that this binary can use CUDA; the error says why not.
pub fn cuda_state() -> Result<(), DeviceError> {
    cuda(0).map(|_| ())
}
