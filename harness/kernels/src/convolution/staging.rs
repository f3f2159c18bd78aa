//! Images with a border of zeros. They are laid out so that the elements that a kernel reads along a row of its output
//! are contiguous.

use crate::{
    isa::{Isa, kernel},
    lanes::LANES,
    scratch::Scratch,
};
use rayon::prelude::*;

/// The layout of padded images: every row is split into `step` parts, each with every `step`-th column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Staging {
    /// Number of channels of an image.
    pub(crate) channels: usize,
    /// Height and width of an image, without border.
    pub(crate) image: (usize, usize),
    /// Zeros above and to the left.
    pub(crate) before: (usize, usize),
    /// Number of rows with the border.
    pub(crate) rows: usize,
    /// Number of elements of one part of a row.
    pub(crate) width: usize,
    /// Step between neighbouring outputs, in pixels of the image, along rows and columns alike.
    pub(crate) step: usize,
}

impl Staging {
    /// Number of elements of a channel's plane.
    pub(crate) fn plane(&self) -> usize {
        self.rows * self.step * self.width
    }

    /// Distance between the elements that an output reads and those that its neighbour below reads.
    pub(crate) fn row(&self) -> usize {
        self.step * self.step * self.width
    }

    /// Offset of the element `(y, x)` in the padded plane.
    pub(crate) fn offset(&self, y: usize, x: usize) -> usize {
        (y * self.step + x % self.step) * self.width + x / self.step
    }

    /// Returns true if images already have this layout.
    pub(crate) fn is_image(&self) -> bool {
        self.step == 1 && self.before == (0, 0) && (self.rows, self.width) == self.image
    }

    /// Pads the images. Sixteen elements may be read from any place.
    pub(crate) fn of(&self, isa: Isa, images: &[f32]) -> Scratch {
        let (plane, source) = (self.plane(), self.image.0 * self.image.1);
        let planes = images.len() / source.max(1);
        let mut staged = Scratch::new(planes * plane + LANES);
        let (padded, slack) = staged.split_at_mut(planes * plane);
        slack.fill(0.0);
        padded
            .par_chunks_mut(plane.max(1))
            .zip(images.par_chunks(source.max(1)))
            .for_each(|(padded, image)| fill(isa, padded, image, *self));
        staged
    }
}

kernel! {
    /// Pads one plane.
    fn fill<V>(padded: &mut [f32], image: &[f32], staging: Staging) {
        let Staging { image: (height, width), before: (top, left), step, .. } = staging;
        let rows = padded.len() / (step * staging.width);
        padded.fill(0.0);
        for y in top..rows.min(top + height) {
            let row = &mut padded[y * step * staging.width..][..step * staging.width];
            let source = &image[(y - top) * width..][..width];
            for (phase, part) in row.chunks_exact_mut(staging.width).enumerate() {
                // The column of the image in the part's first element, shifted by the border.
                let first = (left + step - 1 - phase) / step;
                let from = first * step + phase - left;
                let count = if from < width { (width - from).div_ceil(step) } else { 0 };
                let count = count.min(part.len().saturating_sub(first));
                if count == 0 {
                    continue;
                }
                let (values, source) = (&mut part[first..first + count], &source[from..]);
                if step == 1 {
                    values.copy_from_slice(&source[..count]);
                } else if step == 2 {
                    // Written out for the usual case: a loop with a fixed step becomes shuffles.
                    let (pairs, last) = source.as_chunks::<2>();
                    values.iter_mut().zip(pairs).for_each(|(v, pair)| *v = pair[0]);
                    if let (Some(value), [single]) = (values.get_mut(pairs.len()), last) {
                        *value = *single;
                    }
                } else if step == 4 {
                    let (fours, last) = source.as_chunks::<4>();
                    values.iter_mut().zip(fours).for_each(|(v, four)| *v = four[0]);
                    if let (Some(value), [first, ..]) = (values.get_mut(fours.len()), last) {
                        *value = *first;
                    }
                } else {
                    values.iter_mut().zip(source.iter().step_by(step)).for_each(|(v, &s)| *v = s);
                }
            }
        }
    }
}
