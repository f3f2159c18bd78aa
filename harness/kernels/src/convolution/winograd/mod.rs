//! Convolution by tiles of 2×2 outputs, which need fewer products than a plain sum.
//!
//! Winograd's minimal filtering F(2×2, 3×3), as used by Lavin and Gray (Fast algorithms for convolutional neural networks,
//! 2016), needs 16 products per tile instead of 36. F(2×2, 2×2) serves kernels of 4×4 with stride two, which are four kernels
//! of 2×2, each on every second row and column: 36 products instead of 64. The transforms only add, subtract and halve, so the
//! rounding errors are as small as those of the plain sums.

mod correlation;
mod transform;
mod weights;

use super::{
    direct::{PIECE, rows_of_a_task},
    grid::{Grid, Run},
    sampling::{Finish, Placement, Sampling, within},
};
use crate::{
    gemm::{Product, ROWS, multiply},
    isa::{Isa, kernel},
    lanes::{LANES, Lanes},
    scratch::{Scratch, Target},
};
pub(crate) use correlation::correlate;
use rayon::prelude::*;
use std::ops::Range;
use transform::{of_products, of_window};
pub(crate) use weights::{Kernels, transform as transform_weights};

/// Returns true if tiles are faster. The transforms must be cheap compared with the products.
pub(crate) fn serves(kernel: (usize, usize), stride: usize, channels: usize, filters: usize) -> bool {
    (kernel == (3, 3) && stride == 1 || kernel == (4, 4) && stride == 2) && channels >= 16 && filters >= 16
}

/// Tiles of 2×2 outputs, and the places of these outputs.
#[derive(Debug)]
pub(crate) struct Tiles<'a> {
    /// The windows of the tiles. Their grid is that of the tiles, and their offsets are those of a window's elements,
    /// row by row: one window for each way in which a tile sees a channel.
    pub(crate) windows: Sampling<'a>,
    /// Height and width of the outputs.
    pub(crate) outputs: (usize, usize),
    pub(crate) placement: Placement,
}

/// The grid of tiles for this many outputs.
pub(crate) fn grid_of(images: usize, outputs: (usize, usize)) -> Grid {
    Grid { images, rows: outputs.0.div_ceil(2), columns: outputs.1.div_ceil(2) }
}

/// Convolves with a `weight` from [`transform_weights`].
///
/// # Safety
/// The placement lies in `target`, whose length [`Finish::check`] has seen, and nobody else touches it.
pub(crate) unsafe fn convolve<const SEEN: usize>(
    isa: Isa,
    tiles: &Tiles<'_>,
    weight: &[f32],
    finish: Finish<'_>,
    target: Target,
) {
    let points = SEEN * SEEN;
    let depth = tiles.windows.staging.channels * tiles.windows.offsets.len() / points;
    let filters = tiles.placement.channels;
    let grid = tiles.windows.grid;
    // Number of panels of tiles per task: their data should stay in the second cache, and all threads should have work.
    let most = grid.panels().div_ceil(2 * rayon::current_num_threads());
    let together = (1024 / (depth + filters)).clamp(2, 8).min(most).max(1);
    let blocks = grid.panels().div_ceil(together);
    let rows = rows_of_a_task(filters, blocks);
    let parts = filters.div_ceil(rows);
    (0..blocks * parts).into_par_iter().for_each_init(
        || (Scratch::new(points * apart(together * depth)), Scratch::new(points * apart(together * rows))),
        |(seen, sums), task| {
            let (first, row) = (task / parts * together, task % parts * rows);
            let panels = first..grid.panels().min(first + together);
            let rows = row..filters.min(row + rows);
            let strides = (apart(panels.len() * depth), apart(panels.len() * rows.len()));
            for (i, panel) in panels.clone().enumerate() {
                see::<SEEN>(isa, &tiles.windows, panel, &mut seen[i * depth * LANES..], strides.0);
            }
            for point in 0..points {
                let weight = &weight[(point * filters.div_ceil(ROWS) * ROWS + rows.start) * depth..];
                let (seen, sums) = (&seen[point * strides.0..], &mut sums[point * strides.1..]);
                multiply_in_pieces(isa, weight, seen, sums, (rows.len(), panels.len(), depth));
            }
            for (i, panel) in panels.clone().enumerate() {
                let sums = &sums[i * rows.len() * LANES..];
                // SAFETY: the caller's promise; every panel and row has one task.
                unsafe { store::<SEEN>(isa, sums, strides.1, rows.clone(), &grid.runs(panel), tiles, finish, target) };
            }
        },
    );
}

/// Distance between points, for this many times [`LANES`] elements: an odd number of cache lines, so that the points of a tile
/// lie in different parts of the caches.
fn apart(lines: usize) -> usize {
    (lines | 1) * LANES
}

/// Computes `[panel][row][LANES]`: the product of a point's weight and windows, for this many rows, panels, and products per
/// sum.
fn multiply_in_pieces(isa: Isa, weight: &[f32], seen: &[f32], sums: &mut [f32], sizes: (usize, usize, usize)) {
    let (rows, panels, depth) = sizes;
    for from in (0..depth).step_by(PIECE) {
        let product = Product {
            m: rows,
            panels,
            k: PIECE.min(depth - from),
            a_stride: depth * ROWS,
            b_stride: depth * LANES,
            c_stride: rows * LANES,
            accumulate: from > 0,
        };
        multiply(isa, &weight[from * ROWS..], &seen[from * LANES..], sums, product);
    }
}

/// Transforms the windows of a panel's tiles: `[channel and way to see it][LANES]` for each point. Points are `stride`
/// apart.
fn see<const SEEN: usize>(isa: Isa, windows: &Sampling<'_>, panel: usize, out: &mut [f32], stride: usize) {
    let (sources, count) = windows.sources(panel);
    if windows.relu {
        transform_windows::<SEEN, true>(isa, windows, &sources[..count], out, stride);
    } else {
        transform_windows::<SEEN, false>(isa, windows, &sources[..count], out, stride);
    }
}

kernel! {
    /// Computes `Bᵀ·d·B` of windows, one per lane.
    fn transform_windows<V, const SEEN: usize, const RELU: bool>(
        windows: &Sampling<'_>,
        sources: &[(usize, usize)],
        out: &mut [f32],
        stride: usize,
    ) {
        let (channels, plane, offsets) = (windows.staging.channels, windows.staging.plane(), &windows.offsets[..]);
        let points = SEEN * SEEN;
        let lines = channels * offsets.len() / points;
        assert!(within(windows.staged, sources, &(0..channels), plane, offsets), "a tile sees beyond the images");
        assert!(out.len() >= (points - 1) * stride + lines * LANES, "the points of a panel do not fit");
        let mut copy = [0.0; 17 * LANES];
        let mut to = out.as_mut_ptr();
        for channel in 0..channels {
            for offsets in offsets.chunks_exact(points) {
                // SAFETY: checked above. A run is copied with all sixteen lanes: the next run, or the next point's first,
                // overwrites the excess.
                unsafe {
                    let from = windows.staged.as_ptr().add(channel * plane);
                    let mut window = [[V::splat(0.0); SEEN]; SEEN];
                    if let [(_, source)] = sources {
                        for (i, offset) in offsets.iter().enumerate() {
                            // By column, for the transform from the left.
                            window[i % SEEN][i / SEEN] = V::load(from.add(source + offset));
                        }
                    } else {
                        for (i, offset) in offsets.iter().enumerate() {
                            for (lane, source) in sources {
                                V::load(from.add(source + offset)).store(copy.as_mut_ptr().add(i * LANES + lane));
                            }
                        }
                        for i in 0..points {
                            window[i % SEEN][i / SEEN] = V::load(copy.as_ptr().add(i * LANES));
                        }
                    }
                    for column in &mut window {
                        if RELU {
                            for value in column.iter_mut() {
                                *value = value.relu();
                            }
                        }
                        *column = of_window(*column);
                    }
                    for y in 0..SEEN {
                        let mut row = [V::splat(0.0); SEEN];
                        for x in 0..SEEN {
                            row[x] = window[x][y];
                        }
                        for (x, value) in of_window(row).into_iter().enumerate() {
                            value.store(to.add((SEEN * y + x) * stride));
                        }
                    }
                    to = to.add(LANES);
                }
            }
        }
    }
}

/// Stores `Aᵀ·m·A` of the sums of one panel, `[filter][LANES]` of `filters` for each point; points are `stride` apart.
///
/// # Safety
/// The conditions of [`convolve`], for the tiles of the panel.
#[expect(clippy::too_many_arguments, reason = "all that a panel's sums need on their way out")]
unsafe fn store<const SEEN: usize>(
    isa: Isa,
    sums: &[f32],
    stride: usize,
    filters: Range<usize>,
    runs: &[Run],
    tiles: &Tiles<'_>,
    finish: Finish<'_>,
    target: Target,
) {
    let (outputs, placement) = (tiles.outputs, tiles.placement);
    match (finish.mask.is_some(), finish.add.is_some()) {
        (false, false) => {
            put::<SEEN, false, false>(isa, sums, stride, filters, runs, outputs, placement, finish, target);
        }
        (false, true) => put::<SEEN, false, true>(isa, sums, stride, filters, runs, outputs, placement, finish, target),
        (true, false) => put::<SEEN, true, false>(isa, sums, stride, filters, runs, outputs, placement, finish, target),
        (true, true) => put::<SEEN, true, true>(isa, sums, stride, filters, runs, outputs, placement, finish, target),
    }
}

kernel! {
    fn put<V, const SEEN: usize, const MASK: bool, const ADD: bool>(
        sums: &[f32],
        stride: usize,
        filters: Range<usize>,
        runs: &[Run],
        outputs: (usize, usize),
        p: Placement,
        finish: Finish<'_>,
        target: Target,
    ) {
        assert!(sums.len() >= (SEEN * SEEN - 1) * stride + filters.len() * LANES, "the sums of a panel are too few");
        let first = filters.start;
        for filter in filters {
            let bias = finish.bias(filter);
            let lines = outputs_of::<V, SEEN>(&sums[(filter - first) * LANES..], stride);
            for run in runs {
                let (row, column) = (2 * run.row, 2 * run.column);
                let columns = (2 * run.length).min(outputs.1 - column);
                let plane = (run.image * p.channels + filter) * p.plane + p.start;
                for (y, line) in lines.iter().enumerate().take(outputs.0 - row) {
                    let place = plane + (row + y) * p.row + column * p.column;
                    let line = &line[2 * run.lane..][..columns];
                    // SAFETY: the promise made to `store`.
                    unsafe { finish.line::<V, MASK, ADD>(line, bias, place, p.column, target) };
                }
            }
        }
    }
}

/// The two lines of a panel's tiles, tile after tile.
#[inline(always)]
fn outputs_of<V: Lanes, const SEEN: usize>(sums: &[f32], stride: usize) -> [[f32; 2 * LANES]; 2] {
    let mut columns = [[V::splat(0.0); 2]; SEEN];
    for (x, column) in columns.iter_mut().enumerate() {
        let mut products = [V::splat(0.0); SEEN];
        for (y, product) in products.iter_mut().enumerate() {
            // SAFETY: `put` has checked the length.
            *product = unsafe { V::load(sums.as_ptr().add((SEEN * y + x) * stride)) };
        }
        *column = of_products(products);
    }
    let mut out = [[0.0; 2 * LANES]; 2];
    for (y, out) in out.iter_mut().enumerate() {
        let mut row = [V::splat(0.0); SEEN];
        for x in 0..SEEN {
            row[x] = columns[x][y];
        }
        let [even, odd] = of_products(row);
        *out = even.interleave(odd);
    }
    out
}
