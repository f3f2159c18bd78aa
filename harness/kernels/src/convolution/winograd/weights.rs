//! The transformed weight.

use super::transform::{Filters, of_kernel};
use crate::{
    gemm::ROWS,
    isa::{Isa, kernel},
    lanes::Lanes,
    scratch::{Scratch, Target},
};
use rayon::prelude::*;

/// The places of the kernels in a weight: element `tap` of the kernel of `(filter, channel)` is `weight[filter · filters.1 +
/// channel · channels.1 + tap]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kernels<'a> {
    /// Number of filters, and the distance between them.
    pub(crate) filters: (usize, usize),
    /// Number of channels, and the distance between them.
    pub(crate) channels: (usize, usize),
    /// Number of elements of a kernel, at most 16.
    pub(crate) size: usize,
    /// The elements of the kernels that a tile applies, row by row: one list for each way in which it sees a channel.
    pub(crate) taps: &'a [Vec<usize>],
}

/// `[point][panel of filters][channel and way to see it][ROWS]`
pub(crate) fn transform<const SEEN: usize>(isa: Isa, weight: &[f32], kernels: Kernels<'_>) -> Scratch {
    let panel_len = kernels.channels.0 * kernels.taps.len() * ROWS;
    let panels = kernels.filters.0.div_ceil(ROWS);
    let mut packed = Scratch::new(SEEN * SEEN * panels * panel_len);
    let target = packed.target();
    (0..panels).into_par_iter().for_each(|panel| {
        let weight = &weight[panel * ROWS * kernels.filters.1..];
        let rows = ROWS.min(kernels.filters.0 - panel * ROWS);
        // SAFETY of the target: every panel has one owner.
        transform_panel::<SEEN>(isa, weight, rows, kernels, panel * panel_len, panels * panel_len, target);
    });
    packed
}

kernel! {
    /// Computes `G·g·Gᵀ` of the kernels of one panel of filters, from `place` on; points are `point_len` apart.
    fn transform_panel<V, const SEEN: usize>(
        weight: &[f32],
        rows: usize,
        kernels: Kernels<'_>,
        place: usize,
        point_len: usize,
        target: Target,
    ) {
        let mut place = place;
        for channel in 0..kernels.channels.0 {
            let kernel = &weight[channel * kernels.channels.1..];
            let elements = elements_of::<V>(kernel, rows, kernels.filters.1, kernels.size);
            for taps in kernels.taps {
                let mut seen: [&Filters; 9] = [&[0.0; 8]; 9];
                for (seen, &tap) in seen.iter_mut().zip(taps) {
                    *seen = &elements[tap];
                }
                let side = SEEN - 1;
                let mut columns = [[[0.0; 8]; SEEN]; 3];
                for x in 0..side {
                    columns[x] = of_kernel([seen[x], seen[side + x], seen[2 * side + x]]);
                }
                for y in 0..SEEN {
                    let row: [Filters; SEEN] = of_kernel([&columns[0][y], &columns[1][y], &columns[2][y]]);
                    for (x, value) in row.iter().enumerate() {
                        let Some(value) = value.first_chunk::<ROWS>() else { return };
                        // SAFETY: the caller's promise.
                        unsafe {
                            target.at((SEEN * y + x) * point_len + place).cast::<[f32; ROWS]>().write(*value);
                        }
                    }
                }
                place += ROWS;
            }
        }
    }
}

/// Loads the elements of the kernels of some rows, which are `step` apart. Values after the last row are not used.
#[inline(always)]
fn elements_of<V: Lanes>(kernel: &[f32], rows: usize, step: usize, size: usize) -> [Filters; 16] {
    let mut elements = [[0.0; 8]; 16];
    let mut done = 0;
    if 7 * step + size <= kernel.len() {
        while done + 8 <= size {
            // SAFETY: eight rows can be read, and eight elements written.
            unsafe { V::transpose(kernel.as_ptr().add(done), step, elements.as_mut_ptr().add(done).cast(), 8) };
            done += 8;
        }
    }
    for (i, element) in elements.iter_mut().enumerate().take(size).skip(done) {
        for row in 0..rows {
            element[row] = kernel[row * step + i];
        }
    }
    elements
}
