//! Weights as the left operand of a matrix product, `[panel of rows][k][ROWS]`.

use crate::{
    gemm::ROWS,
    isa::{Isa, kernel},
    scratch::Scratch,
};
use rayon::prelude::*;

/// Packs the matrix of `rows × (channels · taps)` whose element `(row, channel, tap)` is
/// `weight[row · rows.1 + channel · channels.1 + taps[tap]]`, for `rows.0` rows and `channels.0` channels.
pub(crate) fn pack(
    isa: Isa,
    weight: &[f32],
    rows: (usize, usize),
    channels: (usize, usize),
    taps: &[usize],
) -> Scratch {
    let depth = channels.0 * taps.len();
    let mut packed = Scratch::new(rows.0.div_ceil(ROWS) * depth * ROWS);
    packed.par_chunks_mut((depth * ROWS).max(1)).enumerate().for_each(|(panel, packed)| {
        let weight = &weight[panel * ROWS * rows.1..];
        pack_panel(isa, packed, weight, (ROWS.min(rows.0 - panel * ROWS), rows.1), channels, taps);
    });
    packed
}

kernel! {
    fn pack_panel<V>(
        packed: &mut [f32],
        weight: &[f32],
        rows: (usize, usize),
        channels: (usize, usize),
        taps: &[usize],
    ) {
        let (elements, _) = packed.as_chunks_mut::<ROWS>();
        for (channel, elements) in elements.chunks_exact_mut(taps.len().max(1)).enumerate() {
            for row in 0..rows.0 {
                let kernel = &weight[row * rows.1 + channel * channels.1..];
                for (element, &tap) in elements.iter_mut().zip(taps) {
                    element[row] = kernel[tap];
                }
            }
            for element in elements {
                element[rows.0..].fill(0.0);
            }
        }
    }
}
