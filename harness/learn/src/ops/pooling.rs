//! Max-pooling with indices, and unpooling by them.
//!
//! Pooling finds the index of each window's largest element ([`Largest`]) and takes what lies there ([`Take`]); unpooling
//! puts elements to where their indices point ([`Put`]). The gradient of taking is to put, and that of putting is to take.

use super::{
    composed,
    storage::{slice, storage},
};
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Error, Layout, Result, Shape, Tensor};
use rayon::prelude::*;
use std::ops::Range;

/// What [`max_pool2d`] returns.
#[derive(Debug, Clone)]
pub struct Pooled {
    /// The largest element of every window, `[B, C, H', W']`.
    pub values: Tensor,
    /// Where it lies in its input plane, `y·W + x`: u32 `[B, C, H', W']`, without gradient.
    pub indices: Tensor,
}

/// Max-pooling by square windows, which may overlap, with the indices of the maxima: PyTorch's `max_pool2d` with
/// `return_indices=True`.
///
/// `x` `[B, C, H, W]` -> `[B, C, H', W']` with `H' = (H + 2·padding − kernel)/stride + 1`. Padding counts as −∞, and never
/// is a maximum. Of equal elements the first in row-major order is taken, and gets all of the gradient; NaN counts as
/// larger than any number.
///
/// # Errors
/// If a window does not fit into the padded image, or the padding is more than half of the window.
pub fn max_pool2d(x: &Tensor, kernel: usize, stride: usize, padding: usize) -> Result<Pooled> {
    let window = Window::new(x.dims(), kernel, stride, padding)?;
    if !x.device().is_cpu() {
        return composed::max_pool2d(x, kernel, stride, padding);
    }
    let x = x.contiguous()?;
    let indices = x.apply_op1_no_bwd(&Largest { window })?;
    Ok(Pooled { values: x.apply_op2(&indices, Take)?, indices })
}

/// Puts every element of `x` to its index in a larger plane of zeros: PyTorch's `max_unpool2d` with an output size.
///
/// `x` `[B, C, H', W']`, `indices` u32 of the same shape, as [`max_pool2d`] returns them -> `[B, C, height, width]`. If
/// several elements have one index, the last in row-major order is seen, but each gets the gradient of its place, as in
/// PyTorch.
///
/// # Errors
/// If the shapes differ, or an index lies outside the plane.
pub fn max_unpool2d(x: &Tensor, indices: &Tensor, height: usize, width: usize) -> Result<Tensor> {
    if x.dims() != indices.dims() {
        return Err(Error::Msg(format!("max_unpool2d of {:?} by indices {:?}", x.dims(), indices.dims())));
    }
    if !x.device().is_cpu() {
        return composed::max_unpool2d(x, indices, height, width);
    }
    x.contiguous()?.apply_op2(&indices.contiguous()?, Put { height, width, add: false })
}

/// Where the windows of a pooling lie.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    /// Height and width of the image.
    image: (usize, usize),
    /// Height and width of the output.
    pub(super) map: (usize, usize),
    pub(super) kernel: usize,
    stride: usize,
    padding: usize,
}

impl Window {
    /// The windows of `x` `[B, C, H, W]`.
    pub(super) fn new(x: &[usize], kernel: usize, stride: usize, padding: usize) -> Result<Self> {
        let &[_, _, h, w] = x else {
            return Err(Error::Msg(format!("max_pool2d takes a tensor of 4 dimensions, not {x:?}")));
        };
        // Half a window of padding at most, as in PyTorch: then every window sees a part of the image.
        if kernel == 0 || stride == 0 || 2 * padding > kernel || h == 0 || w == 0 || h.min(w) + 2 * padding < kernel {
            return Err(Error::Msg(format!(
                "max_pool2d: windows of {kernel} with stride {stride} and padding {padding} do not fit an image {x:?}"
            )));
        }
        let side = |n: usize| (n + 2 * padding - kernel) / stride + 1;
        Ok(Self { image: (h, w), map: (side(h), side(w)), kernel, stride, padding })
    }

    /// What the `at`-th window sees of `side` pixels in a row or column.
    fn seen(&self, at: usize, side: usize) -> Range<usize> {
        let end = at * self.stride + self.kernel - self.padding;
        (at * self.stride).saturating_sub(self.padding)..end.min(side)
    }

    /// Index of the element in `row` and `column` of every window; of the nearest that the window sees of the image where
    /// that element is padding.
    pub(super) fn elements(&self, row: usize, column: usize) -> impl Iterator<Item = u32> {
        let Self { image: (height, width), map, stride, padding, .. } = *self;
        let nearest =
            move |at: usize, offset: usize, side: usize| (at * stride + offset).saturating_sub(padding).min(side - 1);
        (0..map.0).flat_map(move |y| {
            (0..map.1).map(move |x| (nearest(y, row, height) * width + nearest(x, column, width)) as u32)
        })
    }

    /// Index of the largest element of every window of one plane.
    fn largest(&self, plane: &[f32], indices: &mut [u32]) {
        let (height, width) = self.image;
        for (y, indices) in indices.chunks_mut(self.map.1).enumerate() {
            let rows = self.seen(y, height);
            for (x, index) in indices.iter_mut().enumerate() {
                let columns = self.seen(x, width);
                let mut best = (f32::NEG_INFINITY, rows.start * width + columns.start);
                for row in rows.clone() {
                    let from = row * width + columns.start;
                    for (i, &value) in plane[from..][..columns.len()].iter().enumerate() {
                        if value > best.0 || value.is_nan() {
                            best = (value, from + i);
                        }
                    }
                }
                *index = best.1 as u32;
            }
        }
    }
}

/// `[B, C, H, W]` -> indices of the maxima.
struct Largest {
    window: Window,
}

impl CustomOp1 for Largest {
    fn name(&self) -> &'static str {
        "max_pool2d"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x: &[f32] = slice(x, layout, self.name())?;
        let (batch, channels, h, w) = layout.shape().dims4()?;
        let map = self.window.map;
        let mut indices = vec![0; batch * channels * map.0 * map.1];
        let planes = x.par_chunks(h * w);
        indices.par_chunks_mut(map.0 * map.1).zip(planes).for_each(|(indices, plane)| {
            self.window.largest(plane, indices);
        });
        Ok((CpuStorage::U32(indices), (batch, channels, map.0, map.1).into()))
    }
}

/// (`[B, C, H, W]`, indices `[B, C, H', W']`) -> the elements there.
struct Take;

impl CustomOp2 for Take {
    fn name(&self) -> &'static str {
        "take"
    }

    fn cpu_fwd(&self, x: &CpuStorage, lx: &Layout, indices: &CpuStorage, li: &Layout) -> Result<(CpuStorage, Shape)> {
        let (x, indices): (&[f32], &[u32]) = (slice(x, lx, self.name())?, slice(indices, li, self.name())?);
        let (_, _, height, width) = lx.shape().dims4()?;
        let (_, _, h, w) = li.shape().dims4()?;
        let mut out = vec![0.0; indices.len()];
        let planes = indices.par_chunks((h * w).max(1)).zip(x.par_chunks((height * width).max(1)));
        out.par_chunks_mut((h * w).max(1)).zip(planes).for_each(|(out, (indices, plane))| {
            out.iter_mut().zip(indices).for_each(|(o, &i)| *o = plane[i as usize]);
        });
        Ok(storage(out, li.shape()))
    }

    fn bwd(&self, x: &Tensor, indices: &Tensor, _: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (_, _, height, width) = x.dims4()?;
        let grad = grad.contiguous()?.apply_op2_no_bwd(indices, &Put { height, width, add: true })?;
        Ok((Some(grad), None))
    }
}

/// (`[B, C, H', W']`, indices of the same shape) -> `[B, C, height, width]` with the elements there and zeros elsewhere.
struct Put {
    height: usize,
    width: usize,
    /// Whether elements with the same index add up.
    add: bool,
}

impl CustomOp2 for Put {
    fn name(&self) -> &'static str {
        "max_unpool2d"
    }

    fn cpu_fwd(&self, x: &CpuStorage, lx: &Layout, indices: &CpuStorage, li: &Layout) -> Result<(CpuStorage, Shape)> {
        let (x, indices): (&[f32], &[u32]) = (slice(x, lx, self.name())?, slice(indices, li, self.name())?);
        let (batch, channels, h, w) = lx.shape().dims4()?;
        let size = self.height * self.width;
        let mut out = vec![0.0; batch * channels * size];
        let planes = indices.par_chunks((h * w).max(1)).zip(x.par_chunks((h * w).max(1)));
        out.par_chunks_mut(size.max(1)).zip(planes).try_for_each(|(out, (indices, plane))| {
            for (&i, &value) in indices.iter().zip(plane) {
                let Some(place) = out.get_mut(i as usize) else {
                    let (height, width) = (self.height, self.width);
                    return Err(Error::Msg(format!("max_unpool2d: index {i} lies outside a plane {height}×{width}")));
                };
                *place = if self.add { *place + value } else { value };
            }
            Ok(())
        })?;
        Ok(storage(out, (batch, channels, self.height, self.width)))
    }

    fn bwd(&self, _: &Tensor, indices: &Tensor, _: &Tensor, grad: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        Ok((Some(grad.contiguous()?.apply_op2_no_bwd(indices, &Take)?), None))
    }
}
