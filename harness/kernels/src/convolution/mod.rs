//! Convolution, its gradients, and the transposed convolution, which equals one of them.
//!
//! "Image" is the side with more pixels, "map" the other: [`gather`] computes maps from images, [`scatter`] images from maps,
//! and [`correlate`] the weight's gradient from both.

mod correlation;
mod direct;
mod geometry;
mod grid;
mod phases;
mod pixelwise;
mod sampling;
mod staging;
#[cfg(test)]
mod tests;
mod tiles;
mod weights;
mod winograd;

use crate::{
    isa::Isa,
    scratch::{Target, written},
};
pub use correlation::Operand;
pub use geometry::Geometry;
use grid::Grid;
use phases::{Phase, pairs, phases};
pub use sampling::Finish;
use sampling::{Placement, Sampling};
use staging::Staging;

/// `maps = weight ⋆ images`, then `finish`: the forward pass of a convolution.
/// `images` is `[B, channels, H, W]`; with `relu`, negative elements count as zeros. `weight` is `[filters, channels, KH, KW]`.
/// Returns `[B, filters, H', W']`.
///
/// # Panics
/// Panics if a slice does not have the size that the geometry requires.
pub fn gather(isa: Isa, images: &[f32], relu: bool, weight: &[f32], finish: Finish<'_>, g: &Geometry) -> Vec<f32> {
    let batch = g.batch_of_images(images);
    g.check_weight(weight);
    let length = batch * g.map_len();
    finish.check(g.filters, length);
    let write = |target: Target| {
        if winograd::serves(g.kernel, g.stride, g.channels, g.filters) {
            // SAFETY: the result has the maps' length, which `finish` was checked against.
            unsafe {
                if g.stride == 1 {
                    tiles::gather::<4>(isa, images, relu, weight, finish, g, target);
                } else {
                    tiles::gather::<3>(isa, images, relu, weight, finish, g, target);
                }
            }
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
        let packed = weights::pack(isa, weight, (g.filters, g.channels * g.taps()), (g.channels, g.taps()), &taps);
        let plane = g.map.0 * g.map.1;
        let placement = Placement { channels: g.filters, plane, start: 0, row: g.map.1, column: 1 };
        // SAFETY: as above.
        unsafe { direct::convolve(isa, &sampling, &packed, placement, finish, target) };
    };
    // SAFETY: the grid contains every place of the map.
    unsafe { written(length, write) }
}

/// `images = weightᵀ ⋆ maps`, then `finish`: the input's gradient of a convolution, and the forward pass of a transposed one.
///
/// `maps` is `[B, filters, H', W']`; with `relu`, negative elements count as zeros. `weight` is `[filters, channels, KH, KW]`.
/// Returns `[B, channels, H, W]`.
///
/// # Panics
/// Panics if a slice does not have the size that the geometry requires.
pub fn scatter(isa: Isa, maps: &[f32], relu: bool, weight: &[f32], finish: Finish<'_>, g: &Geometry) -> Vec<f32> {
    let batch = g.batch_of_maps(maps);
    g.check_weight(weight);
    let length = batch * g.image_len();
    finish.check(g.channels, length);
    let write = |target: Target| {
        if winograd::serves(g.kernel, g.stride, g.filters, g.channels) {
            // SAFETY: the result has the images' length, which `finish` was checked against.
            unsafe {
                if g.stride == 1 {
                    tiles::scatter::<4>(isa, maps, relu, weight, finish, g, target);
                } else {
                    tiles::scatter::<3>(isa, maps, relu, weight, finish, g, target);
                }
            }
            return;
        }
        scatter_directly(isa, maps, relu, weight, finish, g, target);
    };
    // SAFETY: every place of the image belongs to one of the phases.
    unsafe { written(length, write) }
}

fn scatter_directly(
    isa: Isa,
    maps: &[f32],
    relu: bool,
    weight: &[f32],
    finish: Finish<'_>,
    g: &Geometry,
    target: Target,
) {
    let rows = phases(g.image.0, g.kernel.0, g.stride, g.padding);
    let columns = phases(g.image.1, g.kernel.1, g.stride, g.padding);
    let end = |phases: &[Phase], map: usize| phases.iter().map(|p| p.map + p.count).max().unwrap_or(0).max(map);
    let (top, left) = (Phase::before(&rows), Phase::before(&columns));
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
            let (down, right) = (y.taps.len(), x.taps.len());
            let offsets = pairs(down, right, |j, i| staging.offset(top + y.map - j, left + x.map - i));
            let taps = pairs(down, right, |j, i| y.taps[j] * g.kernel.1 + x.taps[i]);
            let packed = weights::pack(isa, weight, (g.channels, g.taps()), (g.filters, g.channels * g.taps()), &taps);
            let grid = Grid { images: g.batch_of_maps(maps), rows: y.count, columns: x.count };
            let sampling = Sampling { staging, staged, relu, offsets, grid };
            let placement = y.placement(x, g);
            // SAFETY: as above.
            unsafe { direct::convolve(isa, &sampling, &packed, placement, finish, target) };
        }
    }
}

/// The weight's gradient of a convolution: `Σ over images and pixels of map · what it sees`, `[filters, channels, KH, KW]`.
///
/// `images` `[B, channels, H, W]` and `maps` `[B, filters, H', W']`: one is the input, the other the output's gradient.
///
/// # Panics
/// Panics if a slice does not have the size that the geometry requires.
pub fn correlate(isa: Isa, images: Operand<'_>, maps: Operand<'_>, g: &Geometry) -> Vec<f32> {
    assert_eq!(g.batch_of_images(images.values), g.batch_of_maps(maps.values), "as many maps as images");
    if winograd::serves(g.kernel, g.stride, g.channels, g.filters) {
        return if g.stride == 1 {
            winograd::correlate::<4>(isa, images, maps, g)
        } else {
            winograd::correlate::<3>(isa, images, maps, g)
        };
    }
    correlation::correlate(isa, images, maps, g)
}
