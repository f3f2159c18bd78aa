//! Splits a strided transposed convolution into convolutions without stride: one for the rows, and columns, of the image that
//! see the same elements of the kernel.

use super::{geometry::Geometry, sampling::Placement};

/// The rows, or columns, of an image that see the same elements of the kernel: every `stride`-th one.
#[derive(Debug)]
pub(crate) struct Phase {
    /// The first row or column.
    pub(crate) first: usize,
    pub(crate) count: usize,
    /// Place in the map under the kernel's element `taps[0]`, for the first.
    pub(crate) map: usize,
    /// The elements of the kernel that they see, at `map`, `map − 1`, …
    pub(crate) taps: Vec<usize>,
}

/// The phases of an image's rows, or columns.
pub(crate) fn phases(image: usize, kernel: usize, stride: usize, padding: usize) -> Vec<Phase> {
    let phase = |first: usize| Phase {
        first,
        count: image.saturating_sub(first).div_ceil(stride),
        map: (first + padding) / stride,
        taps: ((first + padding) % stride..kernel).step_by(stride).collect(),
    };
    (0..stride.min(image)).map(phase).collect()
}

impl Phase {
    /// Number of zeros that all phases together need before the map.
    pub(crate) fn before(phases: &[Self]) -> usize {
        phases.iter().map(|p| p.taps.len().saturating_sub(p.map + 1)).max().unwrap_or(0)
    }

    /// The placement of the outputs of these rows and those columns.
    pub(crate) fn placement(&self, columns: &Self, g: &Geometry) -> Placement {
        Placement {
            channels: g.channels,
            plane: g.image.0 * g.image.1,
            start: self.first * g.image.1 + columns.first,
            row: g.stride * g.image.1,
            column: g.stride,
        }
    }
}

/// Calls `f(row, column)` for all pairs, row by row.
pub(crate) fn pairs(rows: usize, columns: usize, f: impl Fn(usize, usize) -> usize) -> Vec<usize> {
    let f = &f;
    (0..rows).flat_map(|y| (0..columns).map(move |x| f(y, x))).collect()
}
