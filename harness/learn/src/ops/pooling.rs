//! Max-pooling with indices, and unpooling by them.
//!
//! Pooling finds the largest element of each window and its place. Unpooling puts elements at the places that their indices
//! name. The gradient of taking is putting, and that of putting is taking.

use super::{
    accelerated,
    storage::{read, read_as, result, tensor},
};
use candle_core::{Error, Result, Tensor};
use harness_kernels::{
    isa::Isa,
    pooling::{self, Window},
};

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
    let x = x.contiguous()?;
    let (batch, channels, h, w) = x.dims4()?;
    let (height, width) = window.map();
    let shape = (batch, channels, height, width);
    let (values, indices) = pooling::max_pool(Isa::best(), &read(&x)?, &window);
    let indices = tensor(indices, shape)?;
    let at = indices.clone();
    let values = result(&[&x], values, shape, move |grad| {
        Ok(vec![Some(tensor(put(grad, &at, (h, w), true)?, (batch, channels, h, w))?)])
    })?;
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
    let (x, indices) = (x.contiguous()?, indices.contiguous()?);
    let (batch, channels, h, w) = x.dims4()?;
    let values = put(&x, &indices, (height, width), false)?;
    result(&[&x], values, (batch, channels, height, width), move |grad| {
        let taken = pooling::take(&read(grad)?, &read_as(&indices)?, height * width, h * w);
        Ok(vec![Some(tensor(taken.map_err(|index| outside(index, height, width))?, (batch, channels, h, w))?)])
    })
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

/// Puts the elements of maps `[B, C, H', W']` at the indices of the same shape into planes of `(height, width)`, and zeros
/// elsewhere. Elements with the same index are added up, if `add` says so.
fn put(x: &Tensor, indices: &Tensor, (height, width): (usize, usize), add: bool) -> Result<Vec<f32>> {
    let (_, _, h, w) = x.dims4()?;
    let put = if add { pooling::max_pool_backward } else { pooling::unpool };
    put(&read(x)?, &read_as(indices)?, height * width, h * w).map_err(|index| outside(index, height, width))
}

fn outside(index: u32, height: usize, width: usize) -> Error {
    Error::Msg(format!("max_unpool2d: index {index} lies outside a plane {height}×{width}"))
}
