//! Weights as the left operand of a matrix product, `[panel of rows][k][ROWS]`.

use crate::{gemm::ROWS, scratch::Scratch};
use rayon::prelude::*;

/// Packs the matrix of `rows × (channels · taps)` whose element `(row, channel, tap)` is
/// `weight[row · row_step + channel · channel_step + taps[tap]]`.
pub(crate) fn pack(weight: &[f32], rows: (usize, usize), channels: (usize, usize), taps: &[usize]) -> Scratch {
    let ((rows, row_step), (channels, channel_step)) = (rows, channels);
    let depth = channels * taps.len();
    let mut packed = Scratch::new(rows.div_ceil(ROWS) * depth * ROWS);
    packed.par_chunks_mut((depth * ROWS).max(1)).enumerate().for_each(|(panel, packed)| {
        for row in 0..ROWS {
            let places = packed[row..].iter_mut().step_by(ROWS);
            if panel * ROWS + row >= rows {
                places.for_each(|v| *v = 0.0);
                continue;
            }
            let start = (panel * ROWS + row) * row_step;
            let values = (0..channels).flat_map(|c| taps.iter().map(move |tap| start + c * channel_step + tap));
            places.zip(values).for_each(|(v, at)| *v = weight[at]);
        }
    });
    packed
}
