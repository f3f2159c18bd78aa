//! Max-pooling with indices, and unpooling by them. Planes `[H, W]` follow each other; an index is `y·W + x`.
//!
//! The gradient of pooling is put at the indices, and that of unpooling is taken from there.

use crate::{
    isa::{Isa, kernel},
    output::{filled, filled_pair, planes_together},
};
use rayon::prelude::*;
use std::{mem::MaybeUninit, ops::Range};

/// The square windows of a pooling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    image: (usize, usize),
    map: (usize, usize),
    kernel: usize,
    stride: usize,
    padding: usize,
}

impl Window {
    /// Creates the windows of an image of height and width `image`. Returns `None` if the image has no pixels, a window does
    /// not fit into the padded image, or the padding is more than half of the window. Otherwise every window sees a part of the
    /// image.
    pub fn new(image: (usize, usize), kernel: usize, stride: usize, padding: usize) -> Option<Self> {
        let (h, w) = image;
        let fits = kernel > 0
            && stride > 0
            && 2 * padding <= kernel
            && h.min(w) > 0
            && h.min(w) + 2 * padding >= kernel
            && u32::try_from(h * w).is_ok();
        let side = |n: usize| (n + 2 * padding - kernel) / stride + 1;
        fits.then(|| Self { image, map: (side(h), side(w)), kernel, stride, padding })
    }

    /// Height and width of the output, `(H + 2·padding − kernel)/stride + 1`.
    pub fn map(&self) -> (usize, usize) {
        self.map
    }

    /// Height and width of a window.
    pub fn kernel(&self) -> usize {
        self.kernel
    }

    /// Index of the element in `row` and `column` of every window. If that element is padding, the nearest element of the image
    /// in the window is taken.
    pub fn elements(&self, row: usize, column: usize) -> impl Iterator<Item = u32> {
        let Self { image: (height, width), map, stride, padding, .. } = *self;
        let nearest =
            move |at: usize, offset: usize, side: usize| (at * stride + offset).saturating_sub(padding).min(side - 1);
        (0..map.0).flat_map(move |y| {
            (0..map.1).map(move |x| (nearest(y, row, height) * width + nearest(x, column, width)) as u32)
        })
    }

    /// The part of a row or column of `side` pixels that the `at`-th window sees.
    fn seen(&self, at: usize, side: usize) -> Range<usize> {
        let end = at * self.stride + self.kernel - self.padding;
        (at * self.stride).saturating_sub(self.padding)..end.min(side)
    }

    fn pixels(&self) -> usize {
        self.image.0 * self.image.1
    }
}

/// The largest element of each window of each plane of `x`, and its place: PyTorch's `max_pool2d` with `return_indices=True`.
/// Padding counts as −∞ and is never a maximum. Of equal elements the first in row-major order is taken. NaN counts as larger
/// than any number; of several the last is taken.
///
/// # Panics
/// Panics if `x` is not whole planes.
pub fn max_pool(isa: Isa, x: &[f32], window: &Window) -> (Vec<f32>, Vec<u32>) {
    assert!(x.len().is_multiple_of(window.pixels()), "max-pooling needs whole planes");
    let (pixels, size) = (window.pixels(), window.map.0 * window.map.1);
    let together = planes_together(pixels);
    // SAFETY: `pool_plane` writes every window's value and index.
    unsafe {
        filled_pair(x.len() / pixels * size, together * size, |chunk, values, indices| {
            let planes = x[chunk * together * pixels..].chunks(pixels);
            let places = values.chunks_mut(size).zip(indices.chunks_mut(size));
            places.zip(planes).for_each(|((values, indices), plane)| pool_plane(isa, values, indices, plane, window));
        })
    }
}

/// Takes the elements of each plane of `pixels` elements at its `size` indices: the gradient of [`unpool`], and pooling by
/// known indices.
///
/// # Errors
/// Returns an index that lies outside its plane, if there is one.
///
/// # Panics
/// Panics if the numbers of planes of `x` and `indices` differ.
pub fn take(x: &[f32], indices: &[u32], pixels: usize, size: usize) -> Result<Vec<f32>, u32> {
    check(x.len(), indices, pixels, size)?;
    let together = planes_together(pixels.max(size));
    // SAFETY: every place of every plane is written.
    Ok(unsafe {
        filled(indices.len(), together * size, |chunk, out| {
            let planes =
                x[chunk * together * pixels..].chunks(pixels).zip(indices[chunk * together * size..].chunks(size));
            for (out, (plane, indices)) in out.chunks_mut(size).zip(planes) {
                for (out, &i) in out.iter_mut().zip(indices) {
                    out.write(plane[i as usize]);
                }
            }
        })
    })
}

/// Puts each element of `x`, `size` per plane, at its index in a plane of `pixels` zeros: PyTorch's `max_unpool2d`. Of several
/// elements with the same index, the last remains.
///
/// # Errors
/// Returns an index that lies outside its plane, if there is one.
///
/// # Panics
/// Panics if the numbers of planes of `x` and `indices` differ.
pub fn unpool(x: &[f32], indices: &[u32], pixels: usize, size: usize) -> Result<Vec<f32>, u32> {
    put(x, indices, pixels, size, |place, value| *place = value)
}

/// Gradient of the input of [`max_pool`], given that of its values: each goes to the place of the maximum, and several with the
/// same index are added up.
///
/// # Errors
/// Returns an index that lies outside its plane, if there is one.
///
/// # Panics
/// Panics if the numbers of planes of `grad` and `indices` differ.
pub fn max_pool_backward(grad: &[f32], indices: &[u32], pixels: usize, size: usize) -> Result<Vec<f32>, u32> {
    put(grad, indices, pixels, size, |place, value| *place += value)
}

fn put(
    x: &[f32],
    indices: &[u32],
    pixels: usize,
    size: usize,
    set: impl Fn(&mut f32, f32) + Sync,
) -> Result<Vec<f32>, u32> {
    assert!(x.len() == indices.len(), "as many elements as indices");
    let planes = x.len().checked_div(size).unwrap_or(0);
    check(planes * pixels, indices, pixels, size)?;
    let together = planes_together(pixels.max(size));
    // SAFETY: every plane is filled with zeros before it is read as numbers.
    Ok(unsafe {
        filled(planes * pixels, together * pixels, |chunk, out| {
            let from = chunk * together * size;
            let planes = x[from..].chunks(size).zip(indices[from..].chunks(size));
            for (out, (x, indices)) in out.chunks_mut(pixels).zip(planes) {
                for place in out.iter_mut() {
                    place.write(0.0);
                }
                let out = out.assume_init_mut();
                indices.iter().zip(x).for_each(|(&i, &value)| set(&mut out[i as usize], value));
            }
        })
    })
}

/// Checks that all indices lie in planes of `pixels` elements, and that there are as many such planes as planes of indices.
fn check(length: usize, indices: &[u32], pixels: usize, size: usize) -> Result<(), u32> {
    assert!(length * size == indices.len() * pixels, "as many planes of elements as of indices");
    let outside = |indices: &[u32]| indices.iter().fold(0, |a, &b| a.max(b));
    let largest = indices.par_chunks(1 << 16).map(outside).max();
    // An index that is too large, if there is one.
    largest.filter(|&i| i as usize >= pixels).map_or(Ok(()), Err)
}

/// The state of a maximum in a pass over windows.
type Best = (f32, u32);

/// The better of the current maximum and a later element.
#[inline(always)]
fn better(best: Best, value: f32, index: u32) -> Best {
    let (greater, nan) = (value > best.0, value.is_nan());
    if greater | nan { (value, index) } else { best }
}

kernel! {
    /// Pools all windows of one plane.
    fn pool_plane<V>(
        values: &mut [MaybeUninit<f32>], indices: &mut [MaybeUninit<u32>], plane: &[f32], window: &Window,
    ) {
        let width = window.map.1;
        for (y, (values, indices)) in values.chunks_mut(width).zip(indices.chunks_mut(width)).enumerate() {
            match (window.kernel, window.stride) {
                (2, 2) => pool_row::<2>(values, indices, plane, window, y),
                (3, 2) => pool_row::<3>(values, indices, plane, window, y),
                _ => border(values, indices, plane, window, y, 0..width),
            }
        }
    }
}

/// Pools some windows of the row `y`, one by one.
#[inline(always)]
fn border(
    values: &mut [MaybeUninit<f32>],
    indices: &mut [MaybeUninit<u32>],
    plane: &[f32],
    window: &Window,
    y: usize,
    windows: Range<usize>,
) {
    let (height, width) = window.image;
    let rows = window.seen(y, height);
    for x in windows {
        let columns = window.seen(x, width);
        let mut best = (f32::NEG_INFINITY, (rows.start * width + columns.start) as u32);
        for row in rows.clone() {
            let from = row * width + columns.start;
            for (i, &value) in plane[from..from + columns.len()].iter().enumerate() {
                best = better(best, value, (from + i) as u32);
            }
        }
        values[x].write(best.0);
        indices[x].write(best.1);
    }
}

/// Pools the row `y` of windows of side K, 2 or 3, with stride 2. Windows that lie entirely in the image's columns are handled
/// many at a time: first the maxima over the columns of the first row, and then, row by row, those of the next row against
/// them.
#[inline(always)]
fn pool_row<const K: usize>(
    values: &mut [MaybeUninit<f32>],
    indices: &mut [MaybeUninit<u32>],
    plane: &[f32],
    window: &Window,
    y: usize,
) {
    let (height, width) = window.image;
    // Padding is at most 1, so at most the first window starts outside.
    let first = window.padding.min(window.map.1);
    let start = first * 2 - window.padding;
    // One element more than the last window has, because pairs of elements are read.
    let inner = (width - start.min(width)).saturating_sub(K - 2) / 2;
    let last = window.map.1.min(first + inner);
    border(values, indices, plane, window, y, 0..first);
    border(values, indices, plane, window, y, last..window.map.1);
    let (values, indices) = (&mut values[first..last], &mut indices[first..last]);
    for (n, row) in window.seen(y, height).enumerate() {
        let elements = &plane[row * width..][..width];
        let from = (row * width + start) as u32;
        // SAFETY: the first row writes what the others read.
        unsafe {
            if n == 0 {
                row_maxima::<K, true>(values, indices, &elements[start..], from);
            } else {
                row_maxima::<K, false>(values, indices, &elements[start..], from);
            }
        }
    }
}

/// Computes the maxima over K columns, two apart, of one row, and compares them with the current ones unless this is the
/// `FIRST` row.
///
/// # Safety
/// Values and indices are initialised, unless this is the first row.
#[inline(always)]
unsafe fn row_maxima<const K: usize, const FIRST: bool>(
    values: &mut [MaybeUninit<f32>],
    indices: &mut [MaybeUninit<u32>],
    row: &[f32],
    from: u32,
) {
    let count = values.len();
    assert!(indices.len() == count && (count == 0 || row.len() >= 2 * count + K - 2), "a row of windows is too long");
    for x in 0..count {
        let at = from + 2 * x as u32;
        // SAFETY: checked above.
        unsafe {
            let mut best = (*row.get_unchecked(2 * x), at);
            if !FIRST {
                best =
                    better((values.get_unchecked(x).assume_init(), indices.get_unchecked(x).assume_init()), best.0, at);
            }
            for k in 1..K {
                best = better(best, *row.get_unchecked(2 * x + k), at + k as u32);
            }
            values.get_unchecked_mut(x).write(best.0);
            indices.get_unchecked_mut(x).write(best.1);
        }
    }
}

#[cfg(test)]
mod tests;
