//! Images with a border of zeros and the channels of a pixel side by side. The weight's gradient needs them: its sums run over
//! pixels, separately for each channel.

use crate::{
    isa::{Isa, kernel},
    lanes::LANES,
    scratch::{Scratch, Target},
};
use rayon::prelude::*;

/// The layout of padded images: `[image][row][column][channel]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pixelwise {
    /// Number of channels of an image.
    pub(crate) channels: usize,
    /// Height and width of an image, without border.
    pub(crate) image: (usize, usize),
    /// Zeros above and to the left.
    pub(crate) before: (usize, usize),
    /// Height and width with the border.
    pub(crate) padded: (usize, usize),
}

impl Pixelwise {
    /// Number of elements of a padded image.
    pub(crate) fn image_len(&self) -> usize {
        self.padded.0 * self.padded.1 * self.channels
    }

    /// Offset of the channels of `(y, x)` in the padded image.
    pub(crate) fn offset(&self, y: usize, x: usize) -> usize {
        (y * self.padded.1 + x) * self.channels
    }

    /// Pads the images; with `relu`, negative elements count as zeros. Sixteen elements may be read from any place.
    pub(crate) fn of(&self, isa: Isa, images: &[f32], relu: bool) -> Scratch {
        let batch = images.len() / (self.channels * self.image.0 * self.image.1).max(1);
        let length = batch * self.image_len();
        let mut staged = Scratch::new(length + LANES);
        staged[length..].fill(0.0);
        let target = staged.target();
        (0..batch * self.padded.0).into_par_iter().for_each(|line| {
            row(isa, images, *self, (line / self.padded.0, line % self.padded.0), relu, target);
        });
        staged
    }
}

kernel! {
    /// Pads one row of one image.
    fn row<V>(images: &[f32], p: Pixelwise, at: (usize, usize), relu: bool, target: Target) {
        let (image, y) = at;
        let length = p.padded.1 * p.channels;
        // SAFETY: every row has one owner.
        let out = unsafe { std::slice::from_raw_parts_mut(target.at((image * p.padded.0 + y) * length), length) };
        let (height, width) = p.image;
        if y < p.before.0 || y >= p.before.0 + height {
            out.fill(0.0);
            return;
        }
        let columns = width.min(p.padded.1.saturating_sub(p.before.1));
        let (left, rest) = out.split_at_mut(p.before.1 * p.channels);
        let (middle, right) = rest.split_at_mut(columns * p.channels);
        left.fill(0.0);
        right.fill(0.0);
        let plane = height * width;
        let source = &images[image * p.channels * plane + (y - p.before.0) * width..];
        // NaN is kept, so that a diverged run is noticed.
        let seen = |value: f32| if relu && value < 0.0 { 0.0 } else { value };
        for first in (0..columns).step_by(8) {
            let some = 8.min(columns - first);
            let whole = if some == 8 { p.channels / 8 * 8 } else { 0 };
            for channel in (0..whole).step_by(8) {
                let at = channel * plane + first;
                assert!(at + 7 * plane + 8 <= source.len() && (first + 7) * p.channels + channel + 8 <= middle.len());
                // SAFETY: checked above.
                unsafe {
                    let to = middle.as_mut_ptr().add(first * p.channels + channel);
                    V::transpose(source.as_ptr().add(at), plane, to, p.channels);
                }
            }
            for channel in whole..p.channels {
                for (i, &value) in source[channel * plane + first..][..some].iter().enumerate() {
                    middle[(first + i) * p.channels + channel] = value;
                }
            }
            if relu {
                for value in &mut middle[first * p.channels..(first + some) * p.channels] {
                    *value = seen(*value);
                }
            }
        }
    }
}
