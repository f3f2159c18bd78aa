//! Division by the largest element.

use super::{
    composed,
    relu::CHUNK,
    storage::{slice, storage, with_slice},
};
use candle_core::{CpuStorage, CustomOp1, Error, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

/// `x / max(x)` over all elements, a batch's images included. The gradient goes through the maximum, too; several equal
/// maxima share it evenly, as in PyTorch's `x / x.max()`.
///
/// # Errors
/// If `x` has no elements. A maximum of 0 gives infinities and NaN, as in PyTorch.
pub fn divide_by_maximum(x: &Tensor) -> Result<Tensor> {
    if x.elem_count() == 0 {
        return Err(Error::Msg(format!("the maximum of {:?}, which has no elements", x.dims())));
    }
    if !x.device().is_cpu() {
        return composed::divide_by_maximum(x);
    }
    let x = x.contiguous()?;
    let maximum = with_slice(&x, |x| {
        let pieces: Vec<f32> = x.par_chunks(CHUNK).map(largest).collect();
        Ok(largest(&pieces))
    })?;
    x.apply_op1(DivideByMaximum { maximum })
}

/// NaN counts as larger than any number.
fn largest(values: &[f32]) -> f32 {
    values.iter().fold(f32::NEG_INFINITY, |a, &b| if b > a || b.is_nan() { b } else { a })
}

struct DivideByMaximum {
    maximum: f32,
}

impl CustomOp1 for DivideByMaximum {
    fn name(&self) -> &'static str {
        "divide-by-maximum"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x: &[f32] = slice(x, layout, self.name())?;
        let mut out = vec![0.0; x.len()];
        out.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK)).for_each(|(out, x)| {
            out.iter_mut().zip(x).for_each(|(o, v)| *o = v / self.maximum);
        });
        Ok(storage(out, layout.shape()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let grad = grad.contiguous()?;
        let gradient = with_slice(x, |x| with_slice(&grad, |grad| Ok(self.gradient(x, grad))))?;
        Ok(Some(Tensor::from_vec(gradient, x.shape(), x.device())?))
    }
}

impl DivideByMaximum {
    /// `grad/max`, and for each maximum its share of `−Σ grad·x / max²`.
    fn gradient(&self, x: &[f32], grad: &[f32]) -> Vec<f32> {
        let pieces: Vec<(f64, usize)> = x
            .par_chunks(CHUNK)
            .zip(grad.par_chunks(CHUNK))
            .map(|(x, grad)| {
                let product = x.iter().zip(grad).map(|(&x, &g)| f64::from(x) * f64::from(g)).sum::<f64>();
                (product, x.iter().filter(|&&x| x == self.maximum).count())
            })
            .collect();
        let (product, maxima) = pieces.iter().fold((0.0, 0), |sum, piece| (sum.0 + piece.0, sum.1 + piece.1));
        let share = (product / f64::from(self.maximum).powi(2) / maxima as f64) as f32;
        let mut out = vec![0.0; x.len()];
        out.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK).zip(grad.par_chunks(CHUNK))).for_each(|(out, (x, grad))| {
            out.iter_mut().zip(x.iter().zip(grad)).for_each(|(o, (x, g))| {
                *o = g / self.maximum - if *x == self.maximum { share } else { 0.0 };
            });
        });
        out
    }
}
