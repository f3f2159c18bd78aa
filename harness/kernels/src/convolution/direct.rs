//! Convolution as the matrix product of the weight and the inputs of each output. The inputs are never stored as a
//! whole.

use super::sampling::{Finish, Placement, Sampling};
use crate::{
    gemm::{Product, ROWS, multiply},
    isa::Isa,
    lanes::LANES,
    scratch::{Scratch, Target},
};
use rayon::prelude::*;

/// Length of the pieces into which sums are cut, so that a piece's data stay in the first cache. It affects the result: the
/// pieces are added up in order.
pub(crate) const PIECE: usize = 256;

/// Number of panels of outputs that a task handles at a time.
const PANELS: usize = 4;

/// Convolves with a `weight` from [`super::weights::pack`], which has as many rows as the placement has channels.
///
/// # Safety
/// The placement lies in `target`, whose length [`Finish::check`] has seen, and nobody else touches it.
pub(crate) unsafe fn convolve(
    isa: Isa,
    sampling: &Sampling<'_>,
    weight: &[f32],
    placement: Placement,
    finish: Finish<'_>,
    target: Target,
) {
    let blocks = sampling.grid.panels().div_ceil(PANELS);
    let rows = rows_of_a_task(placement.channels, blocks);
    let parts = placement.channels.div_ceil(rows);
    let (channels, taps) = (sampling.staging.channels, sampling.offsets.len());
    let step = (PIECE / taps.max(1)).clamp(1, channels.max(1));
    (0..blocks * parts).into_par_iter().for_each_init(
        || (Scratch::new(PANELS * step * taps * LANES + LANES), Scratch::new(PANELS * rows * LANES)),
        |(seen, sums), task| {
            let (first, row) = (task / parts * PANELS, task % parts * rows);
            let panels = PANELS.min(sampling.grid.panels() - first);
            let rows = rows.min(placement.channels - row);
            let mut product = Product {
                m: rows,
                panels,
                k: 0,
                a_stride: channels * taps * ROWS,
                b_stride: step * taps * LANES,
                c_stride: rows * LANES,
                accumulate: false,
            };
            if taps == 0 {
                sums.fill(0.0);
            }
            for from in (0..channels).step_by(step) {
                let some = from..channels.min(from + step);
                product.k = some.len() * taps;
                for panel in 0..panels {
                    sampling.read(isa, first + panel, some.clone(), &mut seen[panel * product.b_stride..]);
                }
                multiply(isa, &weight[row * channels * taps + from * taps * ROWS..], seen, sums, product);
                product.accumulate = true;
            }
            for (panel, sums) in (first..first + panels).zip(sums.chunks(product.c_stride)) {
                let (pieces, count) = placement.pieces(&sampling.grid.runs(panel));
                // SAFETY: the caller's promise; every panel and row has one task.
                unsafe { finish.store(isa, sums, row..row + rows, &pieces[..count], placement, target) };
            }
        },
    );
}

/// Number of channels per task: all, unless there would be too few tasks for all threads.
pub(crate) fn rows_of_a_task(channels: usize, blocks: usize) -> usize {
    let wanted = (4 * rayon::current_num_threads()).div_ceil(blocks.max(1));
    channels.div_ceil(wanted).max(8 * ROWS).next_multiple_of(ROWS)
}
