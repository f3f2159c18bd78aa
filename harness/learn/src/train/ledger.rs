//! Collects the measurements of steps on the network's device, and reads them once.

use super::Measured;
use candle_core::{DType, Result, Tensor};

/// The measurements of several steps.
#[derive(Default)]
pub(super) struct Ledger {
    /// For each step, the number of its images and the names of its measurements.
    steps: Vec<(usize, Vec<&'static str>)>,
    tensors: Vec<Tensor>,
}

impl Ledger {
    /// Records a step with this many images.
    pub(super) fn note(&mut self, images: usize, measured: impl IntoIterator<Item = (&'static str, Tensor)>) {
        let mut names = Vec::new();
        for (name, tensor) in measured {
            names.push(name);
            // Detached from the tape, which holds everything that the step computed.
            self.tensors.push(tensor.detach());
        }
        self.steps.push((images, names));
    }

    /// Copies all measurements to the host in one transfer: the only time that the host waits.
    pub(super) fn read(self) -> Result<Vec<Measured>> {
        let mut values = read(&self.tensors)?.into_iter();
        let step = |(images, names): (usize, Vec<&'static str>)| {
            let values = names.into_iter().zip(values.by_ref()).collect();
            Measured { images, values }
        };
        Ok(self.steps.into_iter().map(step).collect())
    }
}

impl Measured {
    /// The values called `name`.
    pub(super) fn find(&self, name: &str) -> Option<&[f64]> {
        self.values.iter().find(|(n, _)| *n == name).map(|(_, values)| values.as_slice())
    }

    /// The single value called `name`.
    pub(super) fn scalar(&self, name: &str) -> Option<f64> {
        self.find(name)?.first().copied()
    }
}

/// Copies the values of f32 and f64 tensors on one device to the host in one transfer.
fn read(tensors: &[Tensor]) -> Result<Vec<Vec<f64>>> {
    let of = |dtype| tensors.iter().enumerate().filter(move |(_, tensor)| tensor.dtype() == dtype);
    let mut parts = Vec::new();
    for dtype in [DType::F32, DType::F64] {
        let flat: Vec<Tensor> = of(dtype).map(|(_, tensor)| tensor.flatten_all()).collect::<Result<_>>()?;
        if !flat.is_empty() {
            parts.push(Tensor::cat(&flat, 0)?.to_dtype(DType::F64)?);
        }
    }
    if parts.is_empty() {
        return Ok(Vec::new());
    }
    let values = Tensor::cat(&parts, 0)?.to_vec1::<f64>()?;
    let mut values = values.into_iter();
    let mut found = vec![Vec::new(); tensors.len()];
    for (i, tensor) in of(DType::F32).chain(of(DType::F64)) {
        found[i] = values.by_ref().take(tensor.elem_count()).collect();
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn everything_comes_back_where_it_was_noted() {
        let singles = |values: &[f32]| Tensor::new(values, &Device::Cpu).unwrap();
        let double = |value: f64| Tensor::new(value, &Device::Cpu).unwrap();
        let mut ledger = Ledger::default();
        ledger.note(3, [("loss", singles(&[0.1]).reshape(()).unwrap()), ("norm", double(0.1))]);
        let table = Tensor::new(&[[1f64, 2.0], [3.0, 4.0]], &Device::Cpu).unwrap();
        ledger.note(2, [("scores", table), ("loss", singles(&[5.0, 6.0]))]);
        let steps = ledger.read().unwrap();
        assert_eq!((steps[0].images, steps[1].images), (3, 2));
        // 0.1 in f32, to the bit, and in f64.
        assert_eq!((steps[0].scalar("loss"), steps[0].scalar("norm")), (Some(f64::from(0.1f32)), Some(0.1)));
        assert_eq!(steps[1].find("scores"), Some(&[1.0, 2.0, 3.0, 4.0][..]));
        assert_eq!(steps[1].find("loss"), Some(&[5.0, 6.0][..]));
        assert_eq!(steps[1].find("norm"), None);
        assert!(Ledger::default().read().unwrap().is_empty());
    }
}
