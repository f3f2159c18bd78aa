//! Convolutions and transposed convolutions by tiles.

use super::{
    geometry::Geometry,
    phases::{Phase, pairs, phases},
    sampling::{Finish, Placement, Sampling},
    staging::Staging,
    winograd::{Kernels, Tiles, convolve, grid_of, transform_weights},
};
use crate::{isa::Isa, scratch::Target};

/// [`super::gather`] for kernels with sides of `stride · (SEEN − 1)`.
///
/// # Safety
/// `target` has the maps' length, which [`Finish::check`] has checked, and nobody else touches it.
pub(crate) unsafe fn gather<const SEEN: usize>(
    isa: Isa,
    images: &[f32],
    relu: bool,
    weight: &[f32],
    finish: Finish<'_>,
    g: &Geometry,
    target: Target,
) {
    let (grid, step) = (grid_of(g.batch_of_images(images), g.map), g.stride);
    let staging = Staging {
        channels: g.channels,
        image: g.image,
        before: (g.padding, g.padding),
        rows: step * (2 * grid.rows + SEEN - 2),
        width: grid.columns + 1,
        step: 2 * step,
    };
    let staged = staging.of(isa, images);
    // A tile sees every `step`-th row and column, starting at each of the first ones.
    let ways = || (0..step * step).map(|way| (way / step, way % step));
    let window = |(top, left)| pairs(SEEN, SEEN, |y, x| staging.offset(top + step * y, left + step * x));
    let offsets = ways().flat_map(window).collect();
    let side = SEEN - 1;
    let taps: Vec<Vec<usize>> =
        ways().map(|(top, left)| pairs(side, side, |y, x| (top + step * y) * g.kernel.1 + left + step * x)).collect();
    let kernels = Kernels {
        filters: (g.filters, g.channels * g.taps()),
        channels: (g.channels, g.taps()),
        size: g.taps(),
        taps: &taps,
    };
    let plane = g.map.0 * g.map.1;
    let tiles = Tiles {
        windows: Sampling { staging, staged: &staged, relu, offsets, grid },
        outputs: g.map,
        placement: Placement { channels: g.filters, plane, start: 0, row: g.map.1, column: 1 },
    };
    // SAFETY: the caller's promise.
    unsafe { convolve::<SEEN>(isa, &tiles, &transform_weights::<SEEN>(isa, weight, kernels), finish, target) };
}

/// [`super::scatter`] for kernels with sides of `stride · (SEEN − 1)`.
///
/// # Safety
/// `target` has the images' length, which [`Finish::check`] has checked, and nobody else touches it.
pub(crate) unsafe fn scatter<const SEEN: usize>(
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
    let (top, left) = (Phase::before(&rows), Phase::before(&columns));
    let side = SEEN - 1;
    // Number of rows, or columns, between the first of the padded map and the first that a tile sees.
    let first = |before: usize, phase: &Phase| before + phase.map + 1 - side;
    let end = |before: usize, phases: &[Phase]| {
        phases.iter().map(|p| first(before, p) + p.count.next_multiple_of(2) + SEEN - 2).max().unwrap_or(0)
    };
    let staging = Staging {
        channels: g.filters,
        image: g.map,
        before: (top, left),
        rows: end(top, &rows),
        width: end(left, &columns).div_ceil(2),
        step: 2,
    };
    let staged = staging.of(isa, maps);
    for y in &rows {
        for x in &columns {
            let (down, right) = (first(top, y), first(left, x));
            let offsets = pairs(SEEN, SEEN, |j, i| staging.offset(down + j, right + i));
            // The kernel's first element lies on the last element of the map that an output sees.
            let taps = [pairs(side, side, |j, i| y.taps[side - 1 - j] * g.kernel.1 + x.taps[side - 1 - i])];
            let kernels = Kernels {
                filters: (g.channels, g.taps()),
                channels: (g.filters, g.channels * g.taps()),
                size: g.taps(),
                taps: &taps,
            };
            let outputs = (y.count, x.count);
            let grid = grid_of(g.batch_of_maps(maps), outputs);
            let windows = Sampling { staging, staged: &staged, relu, offsets, grid };
            let tiles = Tiles { windows, outputs, placement: y.placement(x, g) };
            // SAFETY: the caller's promise; no two phases share a place.
            unsafe { convolve::<SEEN>(isa, &tiles, &transform_weights::<SEEN>(isa, weight, kernels), finish, target) };
        }
    }
}
