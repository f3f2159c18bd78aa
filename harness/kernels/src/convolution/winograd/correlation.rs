//! The weight's gradient by tiles: F(3×3, 2×2) or F(2×2, 2×2), with the transposed transforms of the forward pass.

use super::{
    apart, grid_of,
    transform::{of_outputs, of_sums, of_window},
};
use crate::{
    convolution::{
        correlation::Operand, direct::PIECE, geometry::Geometry, grid::Grid, phases::pairs, pixelwise::Pixelwise,
    },
    gemm::{Product, ROWS, multiply},
    isa::{Isa, kernel},
    lanes::LANES,
    scratch::{Scratch, Target, written},
};
use rayon::prelude::*;
use std::ops::Range;

/// Number of tiles that one task transforms.
const TOGETHER: usize = 16;

struct Job<'a, const SEEN: usize> {
    g: Geometry,
    grid: Grid,
    images: Pixelwise,
    maps: Pixelwise,
    staged_images: &'a [f32],
    staged_maps: &'a [f32],
}

/// The gradient `[filters, channels, KH, KW]`. The kernel has sides of `stride · (SEEN − 1)`.
pub(crate) fn correlate<const SEEN: usize>(isa: Isa, images: Operand<'_>, maps: Operand<'_>, g: &Geometry) -> Vec<f32> {
    let batch = g.batch_of_images(images.values);
    let grid = grid_of(batch, g.map);
    let padded = |tiles: usize| g.stride * (2 * tiles + SEEN - 2);
    let of_images = Pixelwise {
        channels: g.channels,
        image: g.image,
        before: (g.padding, g.padding),
        padded: (padded(grid.rows), padded(grid.columns)),
    };
    let of_maps =
        Pixelwise { channels: g.filters, image: g.map, before: (0, 0), padded: (2 * grid.rows, 2 * grid.columns) };
    let job = Job::<'_, SEEN> {
        g: *g,
        grid,
        images: of_images,
        maps: of_maps,
        staged_images: &of_images.of(isa, images.values, images.relu),
        staged_maps: &of_maps.of(isa, maps.values, maps.relu),
    };
    let sums = job.sums(isa);
    // SAFETY: `store` covers every filter and channel.
    unsafe { written(g.weight_len(), |target| job.store(isa, &sums, target)) }
}

impl<const SEEN: usize> Job<'_, SEEN> {
    const POINTS: usize = SEEN * SEEN;

    /// Number of ways in which a tile sees a channel: every `stride`-th row and column, starting at each of the first ones.
    fn ways(&self) -> usize {
        self.g.stride * self.g.stride
    }

    /// Number of panels of channels, one set for each way.
    fn columns(&self) -> usize {
        self.ways() * self.g.channels.div_ceil(LANES)
    }

    fn rows(&self) -> usize {
        self.g.filters.div_ceil(ROWS)
    }

    /// Distance between points of the transformed images.
    fn image_stride(&self) -> usize {
        apart(self.columns() * PIECE)
    }

    /// Distance between points of the transformed maps.
    fn map_stride(&self) -> usize {
        apart((self.rows() * PIECE * ROWS).div_ceil(LANES))
    }

    /// `[point][panel of channels][filter][LANES]`: for each point, the sum over all tiles, piece after piece.
    fn sums(&self, isa: Isa) -> Scratch {
        let tiles = self.grid.images * self.grid.rows * self.grid.columns;
        let (columns, filters) = (self.columns(), self.g.filters);
        let mut images = Scratch::new(Self::POINTS * self.image_stride());
        let mut maps = Scratch::new(Self::POINTS * self.map_stride());
        let mut sums = Scratch::new(Self::POINTS * columns * filters * LANES);
        if tiles == 0 {
            sums.fill(0.0);
        }
        let wide = columns.div_ceil(rayon::current_num_threads().div_ceil(Self::POINTS)).min(4);
        for from in (0..tiles).step_by(PIECE) {
            let some = from..tiles.min(from + PIECE);
            self.transform(isa, some.clone(), images.target(), maps.target());
            let (images, maps): (&[f32], &[f32]) = (&images, &maps);
            sums.par_chunks_mut(columns * filters * LANES).enumerate().for_each(|(point, sums)| {
                sums.par_chunks_mut(wide * filters * LANES).enumerate().for_each(|(block, sums)| {
                    let product = Product {
                        m: filters,
                        panels: sums.len() / (filters * LANES),
                        k: some.len(),
                        a_stride: PIECE * ROWS,
                        b_stride: PIECE * LANES,
                        c_stride: filters * LANES,
                        accumulate: from > 0,
                    };
                    let seen = &images[point * self.image_stride() + block * wide * PIECE * LANES..];
                    multiply(isa, &maps[point * self.map_stride()..], seen, sums, product);
                });
            });
        }
        sums
    }

    /// The transformed tiles, `[point][panel of channels][tile][LANES]` and `[point][panel of filters][tile][ROWS]`.
    fn transform(&self, isa: Isa, tiles: Range<usize>, images: Target, maps: Target) {
        let (start, end) = (tiles.start, tiles.end);
        (0..tiles.len().div_ceil(TOGETHER)).into_par_iter().for_each_init(
            || Scratch::new(Self::POINTS * (self.g.filters + LANES)),
            |points, task| {
                let first = start + task * TOGETHER;
                for tile in first..end.min(first + TOGETHER) {
                    let (line, x) = (tile / self.grid.columns, tile % self.grid.columns);
                    let (image, y) = (line / self.grid.rows, line % self.grid.rows);
                    let place = |p: &Pixelwise, step: usize| image * p.image_len() + p.offset(step * y, step * x);
                    // SAFETY of the targets: every tile has one owner.
                    let of_image = (place(&self.images, 2 * self.g.stride), self.g.stride, self.image_stride());
                    transform_image::<SEEN>(isa, self.staged_images, self.images, of_image, tile - start, images);
                    transform_map::<SEEN>(isa, self.staged_maps, self.maps, place(&self.maps, 2), points);
                    spread(points, self.g.filters, tile - start, self.map_stride(), maps);
                }
            },
        );
    }

    /// Stores `Gᵀ·s·G` of the sums in the weight's order.
    fn store(&self, isa: Isa, sums: &[f32], target: Target) {
        let Geometry { channels, filters, kernel, stride, .. } = self.g;
        let (panels, side, size) = (channels.div_ceil(LANES), SEEN - 1, self.g.taps());
        let taps =
            |way: usize| pairs(side, side, |y, x| (stride * y + way / stride) * kernel.1 + stride * x + way % stride);
        let taps: Vec<Vec<usize>> = (0..self.ways()).map(taps).collect();
        (0..filters).into_par_iter().for_each(|filter| {
            for column in 0..self.columns() {
                let (way, panel) = (column / panels, column % panels);
                let first = panel * LANES;
                let sums = &sums[(column * filters + filter) * LANES..];
                let kernels = kernels_of::<SEEN>(isa, sums, self.columns() * filters * LANES);
                for lane in 0..LANES.min(channels - first) {
                    let place = (filter * channels + first + lane) * size;
                    for (lanes, tap) in kernels.iter().zip(&taps[way]) {
                        // SAFETY: inside the weight, and every filter has one owner.
                        unsafe { *target.at(place + tap) = lanes[lane] };
                    }
                }
            }
        });
    }
}

kernel! {
    /// Computes `Bᵀ·d·B` of the window of a tile at a place, in steps, for all channels and ways. Points are a stride
    /// apart.
    fn transform_image<V, const SEEN: usize>(
        staged: &[f32],
        p: Pixelwise,
        of_image: (usize, usize, usize),
        tile: usize,
        target: Target,
    ) {
        let (place, step, stride) = of_image;
        let panels = p.channels.div_ceil(LANES);
        let last = step * SEEN - 1;
        // Lanes after the last channel hold the next pixel's values. Nobody reads their sums.
        assert!(place + p.offset(last, last) + panels * LANES <= staged.len(), "a tile sees beyond the images");
        for column in 0..step * step * panels {
            let (way, panel) = (column / panels, column % panels);
            let from = place + p.offset(way / step, way % step) + panel * LANES;
            // SAFETY: checked above; the tile has one owner.
            unsafe {
                let mut window = [[V::splat(0.0); SEEN]; SEEN];
                for (x, column) in window.iter_mut().enumerate() {
                    for (y, value) in column.iter_mut().enumerate() {
                        *value = V::load(staged.as_ptr().add(from + p.offset(step * y, step * x)));
                    }
                    *column = of_window(*column);
                }
                for y in 0..SEEN {
                    let mut row = [V::splat(0.0); SEEN];
                    for x in 0..SEEN {
                        row[x] = window[x][y];
                    }
                    for (x, value) in of_window(row).into_iter().enumerate() {
                        value.store(target.at((SEEN * y + x) * stride + (column * PIECE + tile) * LANES));
                    }
                }
            }
        }
    }
}

kernel! {
    /// Computes `A·d·Aᵀ` of the 2×2 pixels from `place` on, for all channels: `[point][channel]`.
    fn transform_map<V, const SEEN: usize>(staged: &[f32], p: Pixelwise, place: usize, points: &mut [f32]) {
        let stride = p.channels + LANES;
        assert!(place + p.offset(1, 1) + p.channels.next_multiple_of(LANES) <= staged.len(), "a tile is beyond the maps");
        assert!(points.len() >= SEEN * SEEN * stride, "the points of a tile do not fit");
        for channel in (0..p.channels).step_by(LANES) {
            // SAFETY: checked above.
            unsafe {
                let from = staged.as_ptr().add(place + channel);
                let left: [V; SEEN] = of_outputs(V::load(from), V::load(from.add(p.offset(1, 0))));
                let right: [V; SEEN] = of_outputs(V::load(from.add(p.offset(0, 1))), V::load(from.add(p.offset(1, 1))));
                for y in 0..SEEN {
                    let row: [V; SEEN] = of_outputs(left[y], right[y]);
                    for (x, value) in row.into_iter().enumerate() {
                        value.store(points.as_mut_ptr().add((SEEN * y + x) * stride + channel));
                    }
                }
            }
        }
    }
}

/// Moves `[point][filter]` of one tile to its place in `[point][panel of filters][tile][ROWS]`.
fn spread(points: &[f32], filters: usize, tile: usize, stride: usize, target: Target) {
    for (point, values) in points.chunks_exact(filters + LANES).enumerate() {
        for panel in 0..filters.div_ceil(ROWS) {
            // Lanes after the last filter are never read.
            let Some(values) = values[panel * ROWS..].first_chunk::<ROWS>() else { continue };
            // SAFETY: inside, and the tile has one owner.
            unsafe { target.at(point * stride + (panel * PIECE + tile) * ROWS).cast::<[f32; ROWS]>().write(*values) };
        }
    }
}

kernel! {
    /// Computes `Gᵀ·s·G` of sixteen kernels, one per lane, whose points are `stride` apart: `(SEEN − 1)²` elements.
    fn kernels_of<V, const SEEN: usize>(sums: &[f32], stride: usize) -> [[f32; LANES]; 9] {
        assert!(sums.len() >= (SEEN * SEEN - 1) * stride + LANES, "the points of a kernel are too few");
        let mut columns = [[V::splat(0.0); 3]; SEEN];
        for (x, column) in columns.iter_mut().enumerate() {
            let mut points = [V::splat(0.0); SEEN];
            for (y, point) in points.iter_mut().enumerate() {
                // SAFETY: checked above.
                *point = unsafe { V::load(sums.as_ptr().add((SEEN * y + x) * stride)) };
            }
            *column = of_sums(points);
        }
        let mut out = [[0.0; LANES]; 9];
        for y in 0..SEEN - 1 {
            let mut row = [V::splat(0.0); SEEN];
            for x in 0..SEEN {
                row[x] = columns[x][y];
            }
            let elements = of_sums(row);
            for x in 0..SEEN - 1 {
                elements[x].write(&mut out[(SEEN - 1) * y + x]);
            }
        }
        out
    }
}
