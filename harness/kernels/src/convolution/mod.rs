//! Convolution, its gradients, and the transposed convolution, which is one of them.
//!
//! "Image" is the side with more pixels, "map" the other: [`gather`] makes maps of images, [`scatter`] images of maps, and
//! [`correlate`] the weight's gradient of both.

mod correlation;
mod direct;
mod geometry;
mod grid;
mod pixelwise;
mod sampling;
mod staging;
#[cfg(test)]
mod tests;
mod weights;
mod winograd;

use crate::{
    isa::Isa,
    scratch::{Target, written},
};
pub use correlation::Operand;
pub use geometry::Geometry;
use grid::Grid;
pub use sampling::Finish;
use sampling::{Placement, Sampling};
use staging::Staging;

/// `maps = weight ⋆ images`, then `finish`: the forward pass of a convolution.
///
/// `images` `[B, channels, H, W]`, with `relu` their negative elements taken as zeros; `weight` `[filters, channels, KH, KW]`
/// -> `[B, filters, H', W']`.
///
/// # Panics
/// If a slice has not the size that the geometry asks for.
pub fn gather(isa: Isa, images: &[f32], relu: bool, weight: &[f32], finish: Finish<'_>, g: &Geometry) -> Vec<f32> {
    let batch = g.batch_of_images(images);
    g.check_weight(weight);
    let length = batch * g.map_len();
    finish.check(g.filters, length);
    let write = |target: Target| {
        if winograd::serves(g.kernel, g.stride, g.channels, g.filters) {
            let job = winograd::Job {
                channels: g.channels,
                image: g.image,
                before: (g.padding, g.padding),
                filters: g.filters,
                map: g.map,
            };
            let transformed = winograd::weights(isa, weight, (g.filters, g.channels * 9), (g.channels, 9), false);
            // SAFETY: the result has the maps' length, which `finish` was checked against.
            unsafe { winograd::convolve(isa, images, relu, &transformed, job, finish, target) };
            return;
        }
        let staging = Staging {
            channels: g.channels,
            image: g.image,
            before: (g.padding, g.padding),
            rows: (g.map.0 - 1) * g.stride + g.kernel.0,
            width: g.map.1 + (g.kernel.1 - 1) / g.stride,
            step: g.stride,
        };
        let copy = (!staging.is_image()).then(|| staging.of(isa, images));
        let offsets = (0..g.kernel.0).flat_map(|y| (0..g.kernel.1).map(move |x| staging.offset(y, x))).collect();
        let grid = Grid { images: batch, rows: g.map.0, columns: g.map.1 };
        let sampling = Sampling { staging, staged: copy.as_deref().unwrap_or(images), relu, offsets, grid };
        let taps: Vec<usize> = (0..g.taps()).collect();
        let packed = weights::pack(weight, (g.filters, g.channels * g.taps()), (g.channels, g.taps()), &taps);
        let plane = g.map.0 * g.map.1;
        let placement = Placement { channels: g.filters, plane, start: 0, row: g.map.1, column: 1 };
        // SAFETY: as above.
        unsafe { direct::convolve(isa, &sampling, &packed, placement, finish, target) };
    };
    // SAFETY: the grid has every place of the map.
    unsafe { written(length, write) }
}

/// `images = weightᵀ ⋆ maps`, then `finish`: the input's gradient of a convolution, and the forward pass of a transposed one.
///
/// `maps` `[B, filters, H', W']`, with `relu` their negative elements taken as zeros; `weight` `[filters, channels, KH, KW]`
/// -> `[B, channels, H, W]`.
///
/// # Panics
/// If a slice has not the size that the geometry asks for.
pub fn scatter(isa: Isa, maps: &[f32], relu: bool, weight: &[f32], finish: Finish<'_>, g: &Geometry) -> Vec<f32> {
    let batch = g.batch_of_maps(maps);
    g.check_weight(weight);
    let length = batch * g.image_len();
    finish.check(g.channels, length);
    let write = |target: Target| {
        if g.padding <= 2 && winograd::serves(g.kernel, g.stride, g.filters, g.channels) {
            let job = winograd::Job {
                channels: g.filters,
                image: g.map,
                before: (2 - g.padding, 2 - g.padding),
                filters: g.channels,
                map: g.image,
            };
            let transformed = winograd::weights(isa, weight, (g.channels, 9), (g.filters, g.channels * 9), true);
            // SAFETY: the result has the images' length, which `finish` was checked against.
            unsafe { winograd::convolve(isa, maps, relu, &transformed, job, finish, target) };
            return;
        }
        scatter_directly(isa, maps, batch, relu, weight, finish, g, target);
    };
    // SAFETY: every place of the image is in one of the phases.
    unsafe { written(length, write) }
}

/// The rows, or columns, of an image that see the same elements of the kernel: every `stride`-th.
#[derive(Debug)]
struct Phase {
    /// The first of them.
    first: usize,
    count: usize,
    /// Place in the map under the kernel's element `taps[0]` for the first.
    map: usize,
    /// Elements of the kernel that they see, at `map`, `map − 1`, …
    taps: Vec<usize>,
}

fn phases(image: usize, kernel: usize, stride: usize, padding: usize) -> Vec<Phase> {
    let phase = |first: usize| Phase {
        first,
        count: image.saturating_sub(first).div_ceil(stride),
        map: (first + padding) / stride,
        taps: ((first + padding) % stride..kernel).step_by(stride).collect(),
    };
    (0..stride.min(image)).map(phase).collect()
}

#[allow(clippy::too_many_arguments)]
fn scatter_directly(
    isa: Isa,
    maps: &[f32],
    batch: usize,
    relu: bool,
    weight: &[f32],
    finish: Finish<'_>,
    g: &Geometry,
    target: Target,
) {
    let rows = phases(g.image.0, g.kernel.0, g.stride, g.padding);
    let columns = phases(g.image.1, g.kernel.1, g.stride, g.padding);
    let before = |phases: &[Phase]| phases.iter().map(|p| p.taps.len().saturating_sub(p.map + 1)).max().unwrap_or(0);
    let end = |phases: &[Phase], map: usize| phases.iter().map(|p| p.map + p.count).max().unwrap_or(0).max(map);
    let (top, left) = (before(&rows), before(&columns));
    let staging = Staging {
        channels: g.filters,
        image: g.map,
        before: (top, left),
        rows: top + end(&rows, g.map.0),
        width: left + end(&columns, g.map.1),
        step: 1,
    };
    let copy = (!staging.is_image()).then(|| staging.of(isa, maps));
    let staged = copy.as_deref().unwrap_or(maps);
    for y in &rows {
        for x in &columns {
            let pairs = |f: &dyn Fn((usize, usize), (usize, usize)) -> usize| -> Vec<usize> {
                let inner = |j: (usize, usize)| x.taps.iter().copied().enumerate().map(move |i| (j, i));
                y.taps.iter().copied().enumerate().flat_map(inner).map(|(j, i)| f(j, i)).collect()
            };
            let offsets = pairs(&|(j, _), (i, _)| staging.offset(top + y.map - j, left + x.map - i));
            let taps = pairs(&|(_, ky), (_, kx)| ky * g.kernel.1 + kx);
            let packed = weights::pack(weight, (g.channels, g.taps()), (g.filters, g.channels * g.taps()), &taps);
            let grid = Grid { images: batch, rows: y.count, columns: x.count };
            let sampling = Sampling { staging, staged, relu, offsets, grid };
            let placement = Placement {
                channels: g.channels,
                plane: g.image.0 * g.image.1,
                start: y.first * g.image.1 + x.first,
                row: g.stride * g.image.1,
                column: g.stride,
            };
            // SAFETY: as above.
            unsafe { direct::convolve(isa, &sampling, &packed, placement, finish, target) };
        }
    }
}

/// The weight's gradient of a convolution: `Σ over images and pixels of map · what it sees`, `[filters, channels, KH, KW]`.
///
/// `images` `[B, channels, H, W]`, `maps` `[B, filters, H', W']`: one of them the input, the other the output's gradient.
///
/// # Panics
/// If a slice has not the size that the geometry asks for.
pub fn correlate(isa: Isa, images: Operand<'_>, maps: Operand<'_>, g: &Geometry) -> Vec<f32> {
    assert_eq!(g.batch_of_images(images.values), g.batch_of_maps(maps.values), "as many maps as images");
    if winograd::serves(g.kernel, g.stride, g.channels, g.filters) {
        return winograd::correlate(isa, images, maps, g);
    }
    correlation::correlate(isa, images, maps, g)
}
