//! The places of an output in a sequence, sixteen per panel.

use crate::lanes::LANES;

/// The outputs of a batch, numbered image by image and row by row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grid {
    pub(crate) images: usize,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
}

/// Neighbours in a panel that belong to the same row of the same image.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Run {
    /// First lane of the panel.
    pub(crate) lane: usize,
    /// Number of lanes.
    pub(crate) length: usize,
    pub(crate) image: usize,
    pub(crate) row: usize,
    /// Column of the first lane.
    pub(crate) column: usize,
}

/// The runs of a panel, in order.
pub(crate) struct Runs {
    runs: [Run; LANES],
    length: usize,
}

impl Grid {
    /// Number of panels; the last may be partly empty.
    pub(crate) fn panels(&self) -> usize {
        (self.images * self.rows * self.columns).div_ceil(LANES)
    }

    /// The runs of a panel.
    pub(crate) fn runs(&self, panel: usize) -> Runs {
        let all = self.images * self.rows * self.columns;
        let (mut runs, mut length) = ([Run::default(); LANES], 0);
        let mut place = panel * LANES;
        let end = all.min(place + LANES);
        while place < end {
            let (line, column) = (place / self.columns, place % self.columns);
            let run = Run {
                lane: place - panel * LANES,
                length: (self.columns - column).min(end - place),
                image: line / self.rows,
                row: line % self.rows,
                column,
            };
            runs[length] = run;
            length += 1;
            place += run.length;
        }
        Runs { runs, length }
    }
}

impl std::ops::Deref for Runs {
    type Target = [Run];

    fn deref(&self) -> &[Run] {
        &self.runs[..self.length]
    }
}
