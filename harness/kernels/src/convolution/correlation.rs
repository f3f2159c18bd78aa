//! The weight's gradient as a matrix product, with sums over the pixels of the map.

use super::{direct::PIECE, geometry::Geometry, grid::Grid, pixelwise::Pixelwise};
use crate::{
    gemm::{Product, ROWS, multiply},
    isa::{Isa, kernel},
    lanes::LANES,
    scratch::{Scratch, Target, written},
};
use rayon::prelude::*;
use std::ops::Range;

/// Images or maps, possibly with their negative elements treated as zeros.
#[derive(Debug, Clone, Copy)]
pub struct Operand<'a> {
    /// `[B, C, H, W]`
    pub values: &'a [f32],
    /// True if a ReLU is applied before use.
    pub relu: bool,
}

/// `[filters, channels, KH, KW]`
pub(crate) fn correlate(isa: Isa, images: Operand<'_>, maps: Operand<'_>, g: &Geometry) -> Vec<f32> {
    let batch = g.batch_of_images(images.values);
    let pixelwise = Pixelwise {
        channels: g.channels,
        image: g.image,
        before: (g.padding, g.padding),
        padded: ((g.map.0 - 1) * g.stride + g.kernel.0, (g.map.1 - 1) * g.stride + g.kernel.1),
    };
    let job = Job {
        g: *g,
        grid: Grid { images: batch, rows: g.map.0, columns: g.map.1 },
        pixelwise,
        staged: &pixelwise.of(isa, images.values, images.relu),
        maps: &pack_maps(isa, maps, g, batch),
    };
    let columns = (g.channels * g.taps()).div_ceil(LANES);
    // Columns and rows of the gradient per task.
    let wide = 8.min(columns.div_ceil(2 * rayon::current_num_threads())).max(1);
    let blocks = columns.div_ceil(wide);
    let rows = super::direct::rows_of_a_task(g.filters, blocks);
    let parts = g.filters.div_ceil(rows);
    let write = |target: Target| {
        (0..blocks * parts).into_par_iter().for_each_init(
            || (Scratch::new(wide * PIECE * LANES + LANES), Scratch::new(wide * rows * LANES)),
            |(seen, sums), task| {
                let (first, row) = (task / parts * wide, task % parts * rows);
                let rows = rows.min(g.filters - row);
                job.sum(isa, first..columns.min(first + wide), row, rows, seen, sums);
                job.store(first..columns.min(first + wide), row, rows, sums, target);
            },
        );
    };
    // SAFETY: the tasks cover every column and every row.
    unsafe { written(g.weight_len(), write) }
}

struct Job<'a> {
    g: Geometry,
    /// Pixels of the maps.
    grid: Grid,
    pixelwise: Pixelwise,
    staged: &'a [f32],
    /// `[piece][panel of filters][pixel][ROWS]`
    maps: &'a [f32],
}

/// `[piece of pixels][panel of filters][pixel][ROWS]`: the maps of a batch, pixel after pixel over all images.
fn pack_maps(isa: Isa, maps: Operand<'_>, g: &Geometry, batch: usize) -> Scratch {
    let (plane, panels) = (g.map.0 * g.map.1, g.filters.div_ceil(ROWS));
    let pixels = batch * plane;
    let mut packed = Scratch::new(pixels.div_ceil(PIECE) * panels * PIECE * ROWS);
    packed.par_chunks_mut(PIECE * ROWS).enumerate().for_each(|(i, packed)| {
        let first = i / panels * PIECE;
        pack_panel(isa, packed, maps, first..pixels.min(first + PIECE), i % panels, g.filters, plane);
    });
    packed
}

kernel! {
    /// `[pixel][ROWS]` of one panel of filters.
    fn pack_panel<V>(
        packed: &mut [f32],
        maps: Operand<'_>,
        pixels: Range<usize>,
        panel: usize,
        filters: usize,
        plane: usize,
    ) {
        let first = panel * ROWS;
        let rows = ROWS.min(filters - first);
        let mut pixel = pixels.start;
        while pixel < pixels.end {
            let at = pixel % plane;
            let some = (plane - at).min(pixels.end - pixel);
            let start = (pixel / plane * filters + first) * plane + at;
            let mut done = 0;
            // Eight filters are more than the panel has: the next pixel overwrites the excess.
            while done + 8 <= some && pixel + done + 8 < pixels.end && start + done + 7 * plane + 8 <= maps.values.len() {
                let place = (pixel - pixels.start + done) * ROWS;
                assert!(place + 7 * ROWS + 8 <= packed.len(), "a panel is too short");
                // SAFETY: checked above.
                unsafe {
                    let to = packed.as_mut_ptr().add(place);
                    V::transpose(maps.values.as_ptr().add(start + done), plane, to, ROWS);
                }
                done += 8;
            }
            for i in done..some {
                for row in 0..rows {
                    packed[(pixel - pixels.start + i) * ROWS + row] = maps.values[start + row * plane + i];
                }
            }
            pixel += some;
        }
        if maps.relu {
            // NaN is kept, so that a diverged run is noticed.
            for value in packed.iter_mut() {
                *value = if *value < 0.0 { 0.0 } else { *value };
            }
        }
    }
}

impl Job<'_> {
    /// `[column][row][LANES]`: the sums of some columns and rows over all pixels, piece after piece.
    fn sum(&self, isa: Isa, columns: Range<usize>, row: usize, rows: usize, seen: &mut [f32], sums: &mut [f32]) {
        let pixels = self.grid.images * self.grid.rows * self.grid.columns;
        let panels = self.g.filters.div_ceil(ROWS);
        if pixels == 0 {
            sums.fill(0.0);
        }
        for (piece, from) in (0..pixels).step_by(PIECE).enumerate() {
            let places = self.places(from..pixels.min(from + PIECE));
            for (i, column) in columns.clone().enumerate() {
                let (sources, count) = self.sources(column);
                read(isa, self.staged, &places, &sources[..count], &mut seen[i * PIECE * LANES..]);
            }
            let product = Product {
                m: rows,
                panels: columns.len(),
                k: places.len(),
                a_stride: PIECE * ROWS,
                b_stride: PIECE * LANES,
                c_stride: rows * LANES,
                accumulate: from > 0,
            };
            let maps = &self.maps[(piece * panels + row / ROWS) * PIECE * ROWS..];
            multiply(isa, maps, seen, sums, product);
        }
    }

    /// The places in the staged images of the corners that some pixels of the map see.
    fn places(&self, pixels: Range<usize>) -> Vec<usize> {
        let (rows, columns) = (self.grid.rows, self.grid.columns);
        let place = |pixel: usize| {
            let (line, x) = (pixel / columns, pixel % columns);
            let (image, y) = (line / rows, line % rows);
            image * self.pixelwise.image_len() + self.pixelwise.offset(y * self.g.stride, x * self.g.stride)
        };
        pixels.map(place).collect()
    }

    /// The places of a panel's lanes relative to the corner: first lane and offset of each contiguous part. Columns are
    /// numbered tap by tap, and by channel within a tap.
    fn sources(&self, panel: usize) -> ([(usize, usize); LANES], usize) {
        let (mut sources, mut count) = ([(0, 0); LANES], 0);
        let end = (self.g.channels * self.g.taps()).min((panel + 1) * LANES);
        let mut column = panel * LANES;
        while column < end {
            let (tap, channel) = (column / self.g.channels, column % self.g.channels);
            let (y, x) = (tap / self.g.kernel.1, tap % self.g.kernel.1);
            // Neighbouring taps of a row lie side by side.
            let row_end = (y + 1) * self.g.kernel.1 * self.g.channels;
            sources[count] = (column - panel * LANES, self.pixelwise.offset(y, x) + channel);
            count += 1;
            column = row_end;
        }
        (sources, count)
    }

    /// Stores `[column][row][LANES]` in the weight's order.
    fn store(&self, columns: Range<usize>, row: usize, rows: usize, sums: &[f32], target: Target) {
        let (channels, taps) = (self.g.channels, self.g.taps());
        for (panel, sums) in columns.zip(sums.chunks(rows * LANES)) {
            for (filter, sums) in (row..row + rows).zip(sums.chunks(LANES)) {
                for (column, &sum) in (panel * LANES..channels * taps).zip(sums) {
                    let (tap, channel) = (column / channels, column % channels);
                    // SAFETY: inside the weight, and every element has one owner.
                    unsafe { *target.at((filter * channels + channel) * taps + tap) = sum };
                }
            }
        }
    }
}

kernel! {
    /// Reads the inputs of the pixels at `places` in the lanes of one panel, `[pixel][LANES]`, and writes a few lanes
    /// more.
    fn read<V>(staged: &[f32], places: &[usize], sources: &[(usize, usize)], out: &mut [f32]) {
        let furthest = places.iter().max().copied().unwrap_or(0) + sources.iter().map(|s| s.1).max().unwrap_or(0);
        assert!(furthest + LANES <= staged.len(), "a pixel sees beyond the images");
        assert!(out.len() >= (places.len() + 1) * LANES, "a panel is too short");
        let mut to = out.as_mut_ptr();
        // SAFETY: checked above. The next part overwrites the excess of each part.
        unsafe {
            for &place in places {
                for &(lane, source) in sources {
                    V::load(staged.as_ptr().add(place + source)).store(to.add(lane));
                }
                to = to.add(LANES);
            }
        }
    }
}
