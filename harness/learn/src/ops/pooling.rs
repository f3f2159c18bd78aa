//! Max-pooling with indices, and unpooling by them.
//!
//! Pooling finds the largest element of each window and its place. Unpooling puts elements at the places that their indices
//! name ([`Put`]). The gradient of taking is putting, and that of putting is taking ([`Take`]).

use super::{
    accelerated,
    storage::{slice, storage},
};
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Error, Layout, Result, Shape, Tensor};
use harness_kernels::{
    isa::Isa,
    pooling::{self, Window},
};
use std::sync::{Arc, OnceLock};

/// The result of [`max_pool2d`].
#[derive(Debug, Clone)]
pub struct Pooled {
    /// The largest element of each window, `[B, C, H', W']`.
    pub values: Tensor,
    /// Its place in the input plane, `y·W + x`: u32 `[B, C, H', W']`, without gradient.
    pub indices: Tensor,
}

/// Max-pooling with square windows, which may overlap, and the indices of the maxima: PyTorch's `max_pool2d` with
/// `return_indices=True`.
///
/// `x` `[B, C, H, W]` -> `[B, C, H', W']` with `H' = (H + 2·padding − kernel)/stride + 1`. Padding counts as −∞ and is never a
/// maximum. Of equal elements the first in row-major order is taken and gets the whole gradient. NaN counts as larger than any
/// number.
///
/// # Errors
/// Fails if a window does not fit into the padded image, or if the padding is more than half of the window.
pub fn max_pool2d(x: &Tensor, kernel: usize, stride: usize, padding: usize) -> Result<Pooled> {
    let window = window(x.dims(), kernel, stride, padding)?;
    if !x.device().is_cpu() {
        return accelerated::max_pool2d(x, kernel, stride, padding);
    }
    let indices = Arc::new(OnceLock::new());
    let values = x.contiguous()?.apply_op1(MaxPool { window, indices: indices.clone() })?;
    let indices = indices.get().ok_or_else(not_run)?.clone();
    Ok(Pooled { values, indices })
}

/// Puts each element of `x` at its index in a larger plane of zeros: PyTorch's `max_unpool2d` with an output size.
///
/// `x` `[B, C, H', W']`, `indices` u32 of the same shape, as returned by [`max_pool2d`] -> `[B, C, height, width]`. If several
/// elements share an index, the result holds the last in row-major order, but each gets the gradient of its place, as in
/// PyTorch.
///
/// # Errors
/// Fails if the shapes differ or an index lies outside the plane.
pub fn max_unpool2d(x: &Tensor, indices: &Tensor, height: usize, width: usize) -> Result<Tensor> {
    if x.dims() != indices.dims() {
        return Err(Error::Msg(format!("max_unpool2d of {:?} by indices {:?}", x.dims(), indices.dims())));
    }
    if !x.device().is_cpu() {
        return accelerated::max_unpool2d(x, indices, height, width);
    }
    x.contiguous()?.apply_op2(&indices.contiguous()?, Put { height, width, add: false })
}

/// The windows of `x` `[B, C, H, W]`.
pub(super) fn window(x: &[usize], kernel: usize, stride: usize, padding: usize) -> Result<Window> {
    let &[_, _, h, w] = x else {
        return Err(Error::Msg(format!("max_pool2d takes a tensor of 4 dimensions, not {x:?}")));
    };
    Window::new((h, w), kernel, stride, padding).ok_or_else(|| {
        Error::Msg(format!(
            "max_pool2d: windows of {kernel} with stride {stride} and padding {padding} do not fit an image {x:?}"
        ))
    })
}

fn not_run() -> Error {
    Error::Msg("a max-pooling whose forward pass did not run".into())
}

/// `[B, C, H, W]` -> maxima.
struct MaxPool {
    window: Window,
    /// The places of the maxima, kept by the forward pass for the backward pass.
    indices: Arc<OnceLock<Tensor>>,
}

impl CustomOp1 for MaxPool {
    fn name(&self) -> &'static str {
        "max_pool2d"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (batch, channels, _, _) = layout.shape().dims4()?;
        let (height, width) = self.window.map();
        let shape = Shape::from((batch, channels, height, width));
        let (values, indices) = pooling::max_pool(Isa::best(), slice(x, layout, self.name())?, &self.window);
        let indices = Tensor::from_vec(indices, &shape, &candle_core::Device::Cpu)?;
        // An operation runs forward once.
        self.indices.get_or_init(|| indices);
        Ok(storage(values, shape))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let (_, _, height, width) = x.dims4()?;
        let indices = self.indices.get().ok_or_else(not_run)?;
        Ok(Some(grad.contiguous()?.apply_op2_no_bwd(indices, &Put { height, width, add: true })?))
    }
}

/// Maps (`[B, C, H, W]`, indices `[B, C, H', W']`) to the elements at the indices.
struct Take;

impl CustomOp2 for Take {
    fn name(&self) -> &'static str {
        "take"
    }

    fn cpu_fwd(&self, x: &CpuStorage, lx: &Layout, indices: &CpuStorage, li: &Layout) -> Result<(CpuStorage, Shape)> {
        let (x, indices) = (slice(x, lx, self.name())?, slice(indices, li, self.name())?);
        let (_, _, height, width) = lx.shape().dims4()?;
        let (_, _, h, w) = li.shape().dims4()?;
        let out = pooling::take(x, indices, height * width, h * w).map_err(|index| outside(index, height, width))?;
        Ok(storage(out, li.shape()))
    }
}

/// Maps (`[B, C, H', W']`, indices of the same shape) to `[B, C, height, width]`, with the elements at the indices and zeros
/// elsewhere.
struct Put {
    height: usize,
    width: usize,
    /// True if elements with the same index are added up.
    add: bool,
}

impl CustomOp2 for Put {
    fn name(&self) -> &'static str {
        "max_unpool2d"
    }

    fn cpu_fwd(&self, x: &CpuStorage, lx: &Layout, indices: &CpuStorage, li: &Layout) -> Result<(CpuStorage, Shape)> {
        let (x, indices) = (slice(x, lx, self.name())?, slice(indices, li, self.name())?);
        let Self { height, width, add } = *self;
        let (batch, channels, h, w) = lx.shape().dims4()?;
        let put = if add { pooling::max_pool_backward } else { pooling::unpool };
        let out = put(x, indices, height * width, h * w).map_err(|index| outside(index, height, width))?;
        Ok(storage(out, (batch, channels, height, width)))
    }

    fn bwd(&self, _: &Tensor, indices: &Tensor, _: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        Ok((Some(grad.contiguous()?.apply_op2_no_bwd(indices, &Take)?), None))
    }
}

fn outside(index: u32, height: usize, width: usize) -> Error {
    Error::Msg(format!("max_unpool2d: index {index} lies outside a plane {height}×{width}"))
}
