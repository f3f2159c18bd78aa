//! The softmax over the channels of an image `[K, pixels]`, sixteen pixels at a time.

use crate::lanes::{LANES, Lanes, exp};

/// The pixels of an image from `at` on: sixteen, or fewer at the end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pixels {
    pub(crate) at: usize,
    pub(crate) count: usize,
}

impl Pixels {
    /// All pixels of an image.
    pub(crate) fn all(pixels: usize) -> impl Iterator<Item = Self> {
        (0..pixels).step_by(LANES).map(move |at| Self { at, count: LANES.min(pixels - at) })
    }

    /// Loads these pixels of a plane, followed by zeros.
    #[inline(always)]
    pub(crate) fn of<V: Lanes>(self, plane: &[f32]) -> V {
        V::load_rest(&plane[self.at..self.at + self.count])
    }

    /// Loads the classes of these pixels as numbers, followed by zeros.
    #[inline(always)]
    pub(crate) fn classes<V: Lanes>(self, classes: &[u8]) -> V {
        let mut values = [0.0; LANES];
        values.iter_mut().zip(&classes[self.at..self.at + self.count]).for_each(|(to, &class)| *to = f32::from(class));
        V::from_array(&values)
    }
}

/// Writes `e^(x − largest)` of each channel of some pixels to `powers` `[K]`. Returns the largest channel and the sum of the
/// powers.
#[inline(always)]
pub(crate) fn powers<V: Lanes>(image: &[f32], pixels: usize, at: Pixels, powers: &mut [[f32; LANES]]) -> (V, V) {
    let mut largest = V::splat(f32::NEG_INFINITY);
    for plane in image.chunks(pixels) {
        let x = at.of::<V>(plane);
        largest = V::select(largest.less(x), x, largest);
    }
    let mut sum = V::splat(0.0);
    for (plane, power) in image.chunks(pixels).zip(powers) {
        let e = exp(at.of::<V>(plane).sub(largest));
        sum = sum.add(e);
        e.write(power);
    }
    (largest, sum)
}

/// Number of channels of images `[K, pixels]` with `classes` of `[B, pixels]`.
///
/// # Panics
/// Panics if the lengths do not fit, or a class is not below K.
pub(crate) fn channels(logits: &[f32], classes: &[u8], pixels: usize) -> usize {
    let channels = logits.len().checked_div(classes.len()).unwrap_or(1);
    assert!(channels * classes.len() == logits.len(), "logits and classes of a loss do not fit");
    assert!(classes.len().checked_rem(pixels).unwrap_or(classes.len()) == 0, "a loss needs whole images");
    assert!(classes.iter().all(|&class| usize::from(class) < channels), "a class of a loss has no channel");
    channels
}
