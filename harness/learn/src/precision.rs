//! The number formats in which a network computes.

use candle_core::Device;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU8, Ordering};

/// The number format of convolutions and matrix products. Weights, sums, statistics and losses are always f32.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32 bits, with 24 bits of precision.
    #[default]
    F32,
    /// NVIDIA's TF32: factors rounded to 11 bits of precision, sums in f32.
    Tf32,
    /// bfloat16: factors with 8 bits of precision, sums in f32. Images between layers are bfloat16, too; weights and the
    /// optimiser's moments stay f32, as under PyTorch's autocast.
    Bf16,
}

/// The error of a precision that a device does not support.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{device} computes in f32 only, not in {asked}: use `--precision f32`{instead}")]
pub struct PrecisionError {
    device: &'static str,
    asked: &'static str,
    instead: &'static str,
}

/// The precision of this process, as an index into [`Precision::ALL`].
static CURRENT: AtomicU8 = AtomicU8::new(0);

impl Precision {
    const ALL: [Self; 3] = [Self::F32, Self::Tf32, Self::Bf16];

    /// Its name on the command line and in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Tf32 => "tf32",
            Self::Bf16 => "bf16",
        }
    }

    /// Checks that `device` supports it.
    pub fn check(self, device: &Device) -> Result<(), PrecisionError> {
        let refused = |device, instead| Err(PrecisionError { device, asked: self.name(), instead });
        match self {
            Self::F32 => Ok(()),
            _ if device.is_cpu() => refused("the CPU", " or `--device cuda`"),
            _ if !cfg!(feature = "cudnn") => refused("this binary", ", or build it with `--features cudnn`"),
            _ if has_tensor_cores(device) => Ok(()),
            _ => refused("this GPU, which is older than NVIDIA's Ampere,", ""),
        }
    }

    /// Sets the precision of all computations of this process from now on; they run on `device`.
    pub fn apply(self, device: &Device) -> Result<(), PrecisionError> {
        self.check(device)?;
        CURRENT.store(self as u8, Ordering::Relaxed);
        #[cfg(feature = "cuda")]
        {
            // Matrix products are f32 unless requested otherwise. No operation passes bf16 to cuBLAS.
            candle_core::cuda_backend::set_gemm_reduced_precision_f32(self != Self::F32);
        }
        Ok(())
    }
}

/// Returns true if the tensor cores of `device` take TF32 and bf16: from compute capability 8.0 on.
#[cfg(feature = "cuda")]
fn has_tensor_cores(device: &Device) -> bool {
    let capability = |cuda: &candle_core::CudaDevice| cuda.cuda_stream().context().compute_capability().ok();
    device.as_cuda_device().ok().and_then(capability).is_some_and(|(major, _)| major >= 8)
}

#[cfg(not(feature = "cuda"))]
fn has_tensor_cores(_: &Device) -> bool {
    false
}

/// The precision that was set last; f32 by default.
pub fn current() -> Precision {
    Precision::ALL.get(usize::from(CURRENT.load(Ordering::Relaxed))).copied().unwrap_or_default()
}

impl std::fmt::Display for Precision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Precision {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|precision| precision.name() == text);
        found.ok_or_else(|| "write f32, tf32 or bf16".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_the_cpu_knows_one() {
        for (name, precision) in [("f32", Precision::F32), ("tf32", Precision::Tf32), ("bf16", Precision::Bf16)] {
            assert_eq!((name.parse(), precision.to_string().as_str()), (Ok(precision), name));
            assert_eq!(serde_json::to_string(&precision).unwrap(), format!("\"{name}\""));
            assert_eq!(precision.check(&Device::Cpu).is_ok(), precision == Precision::F32);
        }
        assert!("F32".parse::<Precision>().is_err() && "".parse::<Precision>().is_err());
        let refused = Precision::Bf16.apply(&Device::Cpu).unwrap_err();
        assert!(refused.to_string().starts_with("the CPU computes in f32 only, not in bf16"));
        assert_eq!(current(), Precision::F32);
    }
}
