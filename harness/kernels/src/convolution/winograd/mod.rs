//! Convolution with 3×3 kernels in steps of one, by tiles of 2×2 outputs that need 16 products instead of 36.
//!
//! Winograd's minimal filtering F(2×2, 3×3), as Lavin and Gray use it: Fast algorithms for convolutional neural networks, 2016.
//! Its transforms only add, subtract and halve, so its rounding errors are as small as those of the plain sums.

mod correlation;

use super::{
    direct::{PIECE, rows_of_a_task},
    grid::{Grid, Run},
    sampling::{Finish, Sampling, within},
    staging::Staging,
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

/// Products of a tile.
pub(crate) const POINTS: usize = 16;

/// Whether this way is the faster one: the transforms must be few beside the products.
pub(crate) fn serves(kernel: (usize, usize), stride: usize, channels: usize, filters: usize) -> bool {
    kernel == (3, 3) && stride == 1 && channels >= 16 && filters >= 16
}

/// Sizes of a convolution with 3×3 kernels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Job {
    pub(crate) channels: usize,
    pub(crate) image: (usize, usize),
    /// Zeros above and to the left.
    pub(crate) before: (usize, usize),
    pub(crate) filters: usize,
    pub(crate) map: (usize, usize),
}

impl Job {
    /// Tiles of the map.
    pub(crate) fn grid(&self, images: usize) -> Grid {
        Grid { images, rows: self.map.0.div_ceil(2), columns: self.map.1.div_ceil(2) }
    }

    fn staging(&self) -> Staging {
        let grid = self.grid(1);
        Staging {
            channels: self.channels,
            image: self.image,
            before: self.before,
            rows: 2 * grid.rows + 2,
            width: grid.columns + 1,
            step: 2,
        }
    }
}

/// The transformed weight, `[point][panel of filters][channel][ROWS]`.
///
/// The element `(filter, channel, tap)` is `weight[filter · filters.1 + channel · channels.1 + tap]`; `turned` turns kernels by 180°.
pub(crate) fn weights(
    isa: Isa,
    weight: &[f32],
    filters: (usize, usize),
    channels: (usize, usize),
    turned: bool,
) -> Scratch {
    let ((filters, filter_step), (channels, channel_step)) = (filters, channels);
    let panel_len = channels * ROWS;
    let point_len = filters.div_ceil(ROWS) * panel_len;
    let mut packed = Scratch::new(POINTS * point_len);
    let target = packed.target();
    (0..filters.div_ceil(ROWS)).into_par_iter().for_each(|panel| {
        let rows = ROWS.min(filters - panel * ROWS);
        let weight = &weight[panel * ROWS * filter_step..];
        // SAFETY of the target: every panel has one owner.
        transform_kernels(
            isa,
            weight,
            rows,
            filter_step,
            (channels, channel_step),
            turned,
            panel * panel_len,
            point_len,
            target,
        );
    });
    packed
}

/// The kernels of the rows of a panel for one channel, element by element. Two rows more than there are, for whole registers.
type Column = [f32; 8];

kernel! {
    /// `G·g·Gᵀ` of the kernels of one panel of filters, from `place` on, points `point_len` apart.
    fn transform_kernels<V>(
        weight: &[f32],
        rows: usize,
        filter_step: usize,
        channels: (usize, usize),
        turned: bool,
        place: usize,
        point_len: usize,
        target: Target,
    ) {
        for channel in 0..channels.0 {
            let mut kernels = [[0.0; 8]; 9];
            for row in 0..rows {
                let Some(kernel) = weight[row * filter_step + channel * channels.1..].first_chunk::<9>() else { return };
                for (i, &value) in kernel.iter().enumerate() {
                    kernels[if turned { 8 - i } else { i }][row] = value;
                }
            }
            let mut columns = [[[0.0; 8]; 4]; 3];
            for (x, column) in columns.iter_mut().enumerate() {
                *column = line_of_weight(&kernels[x], &kernels[3 + x], &kernels[6 + x]);
            }
            for y in 0..4 {
                for (x, value) in line_of_weight(&columns[0][y], &columns[1][y], &columns[2][y]).iter().enumerate() {
                    let place = (4 * y + x) * point_len + place + channel * ROWS;
                    let Some(value) = value.first_chunk::<ROWS>() else { return };
                    // SAFETY: the caller's promise.
                    unsafe { target.at(place).cast::<[f32; ROWS]>().write(*value) };
                }
            }
        }
    }
}

/// `G·g` of a column.
#[inline(always)]
fn line_of_weight(a: &Column, b: &Column, c: &Column) -> [Column; 4] {
    let mut out = [*a, [0.0; 8], [0.0; 8], *c];
    for i in 0..8 {
        let outer = a[i] + c[i];
        out[1][i] = 0.5 * (outer + b[i]);
        out[2][i] = 0.5 * (outer - b[i]);
    }
    out
}

/// `weight` as [`weights`] gives it.
///
/// # Safety
/// The maps lie in `target`, whose length [`Finish::check`] has seen, and nobody else touches them.
pub(crate) unsafe fn convolve(
    isa: Isa,
    images: &[f32],
    relu: bool,
    weight: &[f32],
    job: Job,
    finish: Finish<'_>,
    target: Target,
) {
    let staging = job.staging();
    let staged = staging.of(isa, images);
    let grid = job.grid(images.len() / (job.channels * job.image.0 * job.image.1));
    let offsets = (0..4).flat_map(|y| (0..4).map(move |x| staging.offset(y, x))).collect();
    let sampling = Sampling { staging, staged: &staged, relu, offsets, grid };
    // Panels of tiles that a task has: what it holds of them should stay in the second cache.
    let together = (1024 / (job.channels + job.filters)).clamp(2, 8);
    let blocks = grid.panels().div_ceil(together);
    let rows = rows_of_a_task(job.filters, blocks);
    let parts = job.filters.div_ceil(rows);
    (0..blocks * parts).into_par_iter().for_each_init(
        || {
            let seen = Scratch::new(POINTS * apart(together * job.channels));
            (seen, Scratch::new(POINTS * apart(together * rows)))
        },
        |(seen, sums), task| {
            let (first, row) = (task / parts * together, task % parts * rows);
            let panels = first..grid.panels().min(first + together);
            let rows = row..job.filters.min(row + rows);
            let seen_stride = apart(panels.len() * job.channels);
            for (i, panel) in panels.clone().enumerate() {
                see(isa, &sampling, panel, &mut seen[i * job.channels * LANES..], seen_stride);
            }
            let sums_stride = products(isa, weight, seen, sums, &job, panels.len(), rows.clone());
            for (i, panel) in panels.clone().enumerate() {
                let sums = &sums[i * rows.len() * LANES..];
                // SAFETY: the caller's promise; every panel and row has one task.
                unsafe { store(isa, sums, sums_stride, rows.clone(), &grid.runs(panel), job, finish, target) };
            }
        },
    );
}

/// Elements from one point to the next, of so many times [`LANES`]: an odd number of cache lines, so that the points of a tile
/// lie in different parts of the caches.
fn apart(lines: usize) -> usize {
    (lines | 1) * LANES
}

/// What the tiles of a panel see, transformed: `[channel][LANES]` for every point, which lie `stride` apart.
fn see(isa: Isa, sampling: &Sampling<'_>, panel: usize, out: &mut [f32], stride: usize) {
    let (sources, count) = sampling.sources(panel);
    let (channels, plane) = (sampling.staging.channels, sampling.staging.plane());
    let Some(offsets) = sampling.offsets.first_chunk::<POINTS>() else { return };
    if sampling.relu {
        transform_windows::<true>(isa, sampling.staged, &sources[..count], channels, plane, offsets, out, stride);
    } else {
        transform_windows::<false>(isa, sampling.staged, &sources[..count], channels, plane, offsets, out, stride);
    }
}

/// `Bᵀ·d` of a column.
#[inline(always)]
fn line_in<V: Lanes>(a: V, b: V, c: V, d: V) -> [V; 4] {
    [a.sub(c), b.add(c), c.sub(b), b.sub(d)]
}

kernel! {
    /// `Bᵀ·d·B` of 4×4 windows, one a lane.
    fn transform_windows<V, const RELU: bool>(
        staged: &[f32],
        sources: &[(usize, usize)],
        channels: usize,
        plane: usize,
        offsets: &[usize; POINTS],
        out: &mut [f32],
        stride: usize,
    ) {
        assert!(within(staged, sources, &(0..channels), plane, offsets), "a tile sees beyond the images");
        assert!(out.len() >= (POINTS - 1) * stride + channels * LANES, "the points of a panel do not fit");
        let mut window = [0.0; (POINTS + 1) * LANES];
        for channel in 0..channels {
            // SAFETY: checked above. A run is brought into the window with all sixteen lanes: what is too much is overwritten by
            // the next run, or by the next point's first.
            unsafe {
                let from = staged.as_ptr().add(channel * plane);
                let mut points = [V::splat(0.0); POINTS];
                if let [(_, source)] = sources {
                    for (point, offset) in points.iter_mut().zip(offsets) {
                        *point = V::load(from.add(source + offset));
                    }
                } else {
                    for (i, offset) in offsets.iter().enumerate() {
                        for (lane, source) in sources {
                            V::load(from.add(source + offset)).store(window.as_mut_ptr().add(i * LANES + lane));
                        }
                    }
                    for (i, point) in points.iter_mut().enumerate() {
                        *point = V::load(window.as_ptr().add(i * LANES));
                    }
                }
                if RELU {
                    for point in &mut points {
                        *point = point.relu();
                    }
                }
                let mut columns = [[V::splat(0.0); 4]; 4];
                for (x, column) in columns.iter_mut().enumerate() {
                    *column = line_in(points[x], points[4 + x], points[8 + x], points[12 + x]);
                }
                let to = out.as_mut_ptr().add(channel * LANES);
                for y in 0..4 {
                    let row = line_in(columns[0][y], columns[1][y], columns[2][y], columns[3][y]);
                    for (x, value) in row.into_iter().enumerate() {
                        value.store(to.add((4 * y + x) * stride));
                    }
                }
            }
        }
    }
}

/// `[panel][row][LANES]` for every point: the product of weight and windows. Returns how far apart the points lie.
fn products(
    isa: Isa,
    weight: &[f32],
    seen: &[f32],
    sums: &mut [f32],
    job: &Job,
    panels: usize,
    rows: Range<usize>,
) -> usize {
    let channels = job.channels;
    let weights = job.filters.div_ceil(ROWS) * channels * ROWS;
    let (seen_stride, sums_stride) = (apart(panels * channels), apart(panels * rows.len()));
    for point in 0..POINTS {
        let weight = &weight[point * weights + rows.start * channels..];
        let (seen, sums) = (&seen[point * seen_stride..], &mut sums[point * sums_stride..]);
        for from in (0..channels).step_by(PIECE) {
            let product = Product {
                m: rows.len(),
                panels,
                k: PIECE.min(channels - from),
                a_stride: channels * ROWS,
                b_stride: channels * LANES,
                c_stride: rows.len() * LANES,
                accumulate: from > 0,
            };
            multiply(isa, &weight[from * ROWS..], &seen[from * LANES..], sums, product);
        }
    }
    sums_stride
}

/// Stores `Aᵀ·m·A` of the sums of one panel, `[filter][LANES]` of `filters` for every point, which lie `stride` apart.
///
/// # Safety
/// As of [`convolve`], for the tiles of the panel.
#[allow(clippy::too_many_arguments)]
unsafe fn store(
    isa: Isa,
    sums: &[f32],
    stride: usize,
    filters: Range<usize>,
    runs: &[Run],
    job: Job,
    finish: Finish<'_>,
    target: Target,
) {
    match (finish.mask.is_some(), finish.add.is_some()) {
        (false, false) => tiles::<false, false>(isa, sums, stride, filters, runs, job, finish, target),
        (false, true) => tiles::<false, true>(isa, sums, stride, filters, runs, job, finish, target),
        (true, false) => tiles::<true, false>(isa, sums, stride, filters, runs, job, finish, target),
        (true, true) => tiles::<true, true>(isa, sums, stride, filters, runs, job, finish, target),
    }
}

kernel! {
    fn tiles<V, const MASK: bool, const ADD: bool>(
        sums: &[f32],
        stride: usize,
        filters: Range<usize>,
        runs: &[Run],
        job: Job,
        finish: Finish<'_>,
        target: Target,
    ) {
        assert!(sums.len() >= (POINTS - 1) * stride + filters.len() * LANES, "the sums of a panel are too few");
        let (height, width) = job.map;
        let first = filters.start;
        for filter in filters {
            let bias = finish.bias(filter);
            let lines = output_of::<V>(&sums[(filter - first) * LANES..], stride);
            for run in runs {
                let columns = (2 * run.length).min(width - 2 * run.column);
                let place = ((run.image * job.filters + filter) * height + 2 * run.row) * width + 2 * run.column;
                for (y, line) in lines.iter().enumerate().take(height - 2 * run.row) {
                    // SAFETY: the promise made to `store`.
                    unsafe {
                        let line = &line[2 * run.lane..][..columns];
                        finish.line::<V, MASK, ADD>(line, bias, place + y * width, target);
                    }
                }
            }
        }
    }
}

/// `Aᵀ·m` of a column.
#[inline(always)]
fn line_out<V: Lanes>(a: V, b: V, c: V, d: V) -> [V; 2] {
    [a.add(b).add(c), b.sub(c).sub(d)]
}

/// The two lines of a panel's tiles, tile after tile.
#[inline(always)]
fn output_of<V: Lanes>(sums: &[f32], stride: usize) -> [[f32; 2 * LANES]; 2] {
    // SAFETY: `tiles` has checked the length.
    let at = |i: usize| unsafe { V::load(sums.as_ptr().add(i * stride)) };
    let mut columns = [[V::splat(0.0); 2]; 4];
    for (x, column) in columns.iter_mut().enumerate() {
        *column = line_out(at(x), at(4 + x), at(8 + x), at(12 + x));
    }
    let mut out = [[0.0; 2 * LANES]; 2];
    for (y, out) in out.iter_mut().enumerate() {
        let [even, odd] = line_out(columns[0][y], columns[1][y], columns[2][y], columns[3][y]);
        *out = even.interleave(odd);
    }
    out
}
