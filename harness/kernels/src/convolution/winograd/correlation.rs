//! The gradient of a 3×3 weight by tiles: F(3×3, 2×2), with the transforms of the forward pass turned round.

use super::{POINTS, apart, line_in};
use crate::{
    convolution::{correlation::Operand, direct::PIECE, geometry::Geometry, grid::Grid, pixelwise::Pixelwise},
    gemm::{Product, ROWS, multiply},
    isa::{Isa, kernel},
    lanes::{LANES, Lanes},
    scratch::{Scratch, Target, written},
};
use rayon::prelude::*;
use std::ops::Range;

/// Tiles that one task transforms.
const TOGETHER: usize = 16;

struct Job<'a> {
    g: Geometry,
    grid: Grid,
    images: Pixelwise,
    maps: Pixelwise,
    staged_images: &'a [f32],
    staged_maps: &'a [f32],
}

/// `[filters, channels, 3, 3]`
pub(crate) fn correlate(isa: Isa, images: Operand<'_>, maps: Operand<'_>, g: &Geometry) -> Vec<f32> {
    let batch = g.batch_of_images(images.values);
    let grid = Grid { images: batch, rows: g.map.0.div_ceil(2), columns: g.map.1.div_ceil(2) };
    let of_images = Pixelwise {
        channels: g.channels,
        image: g.image,
        before: (g.padding, g.padding),
        padded: (2 * grid.rows + 2, 2 * grid.columns + 2),
    };
    let of_maps =
        Pixelwise { channels: g.filters, image: g.map, before: (0, 0), padded: (2 * grid.rows, 2 * grid.columns) };
    let job = Job {
        g: *g,
        grid,
        images: of_images,
        maps: of_maps,
        staged_images: &of_images.of(isa, images.values, images.relu),
        staged_maps: &of_maps.of(isa, maps.values, maps.relu),
    };
    let sums = job.sums(isa);
    // SAFETY: `store` has every filter and channel.
    unsafe { written(g.weight_len(), |target| job.store(isa, &sums, target)) }
}

impl Job<'_> {
    fn columns(&self) -> usize {
        self.g.channels.div_ceil(LANES)
    }

    fn rows(&self) -> usize {
        self.g.filters.div_ceil(ROWS)
    }

    /// From one point of the transformed images to the next.
    fn image_stride(&self) -> usize {
        apart(self.columns() * PIECE)
    }

    /// From one point of the transformed maps to the next.
    fn map_stride(&self) -> usize {
        apart((self.rows() * PIECE * ROWS).div_ceil(LANES))
    }

    /// `[point][panel of channels][filter][LANES]`: for every point the sum over all tiles, piece after piece.
    fn sums(&self, isa: Isa) -> Scratch {
        let tiles = self.grid.images * self.grid.rows * self.grid.columns;
        let (columns, filters) = (self.columns(), self.g.filters);
        let mut images = Scratch::new(POINTS * self.image_stride());
        let mut maps = Scratch::new(POINTS * self.map_stride());
        let mut sums = Scratch::new(POINTS * columns * filters * LANES);
        if tiles == 0 {
            sums.fill(0.0);
        }
        let wide = columns.div_ceil(rayon::current_num_threads().div_ceil(POINTS)).min(4);
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
            || Scratch::new(POINTS * (self.g.filters + LANES)),
            |points, task| {
                let first = start + task * TOGETHER;
                for tile in first..end.min(first + TOGETHER) {
                    let (line, x) = (tile / self.grid.columns, tile % self.grid.columns);
                    let (image, y) = (line / self.grid.rows, line % self.grid.rows);
                    let place = |p: &Pixelwise| image * p.image_len() + p.offset(2 * y, 2 * x);
                    // SAFETY of the targets: every tile has one owner.
                    transform_image(
                        isa,
                        self.staged_images,
                        self.images,
                        place(&self.images),
                        tile - start,
                        self.image_stride(),
                        images,
                    );
                    transform_map(isa, self.staged_maps, self.maps, place(&self.maps), points);
                    spread(points, self.g.filters, tile - start, self.map_stride(), maps);
                }
            },
        );
    }

    /// `Gᵀ·s·G` of the sums, in the weight's order.
    fn store(&self, isa: Isa, sums: &[f32], target: Target) {
        (0..self.g.filters).into_par_iter().for_each(|filter| {
            for panel in 0..self.columns() {
                let stride = self.columns() * self.g.filters * LANES;
                let sums = &sums[(panel * self.g.filters + filter) * LANES..];
                let kernels = kernels_of(isa, sums, stride);
                for channel in panel * LANES..self.g.channels.min((panel + 1) * LANES) {
                    for (tap, lanes) in kernels.iter().enumerate() {
                        let place = (filter * self.g.channels + channel) * 9 + tap;
                        // SAFETY: inside the weight, and every filter has one owner.
                        unsafe { *target.at(place) = lanes[channel - panel * LANES] };
                    }
                }
            }
        });
    }
}

kernel! {
    /// `Bᵀ·d·B` of the 4×4 pixels from `place` on, for all channels.
    fn transform_image<V>(staged: &[f32], p: Pixelwise, place: usize, tile: usize, stride: usize, target: Target) {
        let columns = p.channels.div_ceil(LANES);
        let furthest = place + p.offset(3, 3) + columns * LANES;
        // Lanes beyond the channels hold the next pixel's, whose sums nobody reads.
        assert!(furthest <= staged.len(), "a tile sees beyond the images");
        for panel in 0..columns {
            // SAFETY: checked above; the tile has one owner.
            unsafe {
                let from = staged.as_ptr().add(place + panel * LANES);
                let at = |y: usize, x: usize| V::load(from.add(p.offset(y, x)));
                let mut columns_of = [[V::splat(0.0); 4]; 4];
                for (x, column) in columns_of.iter_mut().enumerate() {
                    *column = line_in(at(0, x), at(1, x), at(2, x), at(3, x));
                }
                for y in 0..4 {
                    let row = line_in(columns_of[0][y], columns_of[1][y], columns_of[2][y], columns_of[3][y]);
                    for (x, value) in row.into_iter().enumerate() {
                        value.store(target.at((4 * y + x) * stride + (panel * PIECE + tile) * LANES));
                    }
                }
            }
        }
    }
}

/// `A·d` of a column.
#[inline(always)]
fn line_of_map<V: Lanes>(a: V, b: V) -> [V; 4] {
    [a, a.add(b), a.sub(b), V::splat(0.0).sub(b)]
}

/// `Gᵀ·s` of a column.
#[inline(always)]
fn line_of_kernel<V: Lanes>(a: V, b: V, c: V, d: V) -> [V; 3] {
    let half = V::splat(0.5);
    let (plus, minus) = (b.add(c).mul(half), b.sub(c).mul(half));
    [a.add(plus), minus, plus.add(d)]
}

kernel! {
    /// `A·d·Aᵀ` of the 2×2 pixels from `place` on, for all channels: `[point][channel]`.
    fn transform_map<V>(staged: &[f32], p: Pixelwise, place: usize, points: &mut [f32]) {
        let stride = p.channels + LANES;
        assert!(place + p.offset(1, 1) + p.channels.next_multiple_of(LANES) <= staged.len(), "a tile is beyond the maps");
        assert!(points.len() >= POINTS * stride, "the points of a tile do not fit");
        for channel in (0..p.channels).step_by(LANES) {
            // SAFETY: checked above.
            unsafe {
                let at = |y: usize, x: usize| V::load(staged.as_ptr().add(place + p.offset(y, x) + channel));
                let columns = [line_of_map(at(0, 0), at(1, 0)), line_of_map(at(0, 1), at(1, 1))];
                for y in 0..4 {
                    for (x, value) in line_of_map(columns[0][y], columns[1][y]).into_iter().enumerate() {
                        value.store(points.as_mut_ptr().add((4 * y + x) * stride + channel));
                    }
                }
            }
        }
    }
}

/// `[point][filter]` of one tile to its place in `[point][panel of filters][tile][ROWS]`.
fn spread(points: &[f32], filters: usize, tile: usize, stride: usize, target: Target) {
    let panels = filters.div_ceil(ROWS);
    for (point, values) in points.chunks_exact(filters + LANES).enumerate() {
        for panel in 0..panels {
            // The lanes behind the last filter are never read.
            let Some(values) = values[panel * ROWS..].first_chunk::<ROWS>() else { continue };
            // SAFETY: inside, and the tile has one owner.
            unsafe { target.at(point * stride + (panel * PIECE + tile) * ROWS).cast::<[f32; ROWS]>().write(*values) };
        }
    }
}

kernel! {
    /// `Gᵀ·s·G` of sixteen kernels, one a lane, whose points lie `stride` apart.
    fn kernels_of<V>(sums: &[f32], stride: usize) -> [[f32; LANES]; 9] {
        assert!(sums.len() >= (POINTS - 1) * stride + LANES, "the points of a kernel are too few");
        // SAFETY: checked above.
        let at = |i: usize| unsafe { V::load(sums.as_ptr().add(i * stride)) };
        let mut columns = [[V::splat(0.0); 3]; 4];
        for (x, column) in columns.iter_mut().enumerate() {
            *column = line_of_kernel(at(x), at(4 + x), at(8 + x), at(12 + x));
        }
        let mut out = [[0.0; LANES]; 9];
        for y in 0..3 {
            let row = line_of_kernel(columns[0][y], columns[1][y], columns[2][y], columns[3][y]);
            for (x, value) in row.into_iter().enumerate() {
                value.write(&mut out[3 * y + x]);
            }
        }
        out
    }
}
