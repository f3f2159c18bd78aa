//! One minus the soft Dice of the softmax over channels.
//!
//! Milletari, Navab, Ahmadi: V-Net, 2016, with plain sums in the denominator and the smoothing of nnU-Net.

use crate::{
    isa::{Isa, kernel},
    lanes::{LANES, Lanes, Sums},
    output::filled,
    softmax::{Pixels, channels, powers},
};
use rayon::prelude::*;
use std::mem::MaybeUninit;

/// The forward pass over images `[B, K, pixels]`: everything that the loss and its gradient need.
#[derive(Debug, Clone, PartialEq)]
pub struct SoftDice {
    /// Softmax of the logits.
    probabilities: Vec<f32>,
    /// Numerator and denominator of the Dice of each class of each image.
    parts: Vec<[f64; 2]>,
    channels: usize,
    pixels: usize,
}

impl SoftDice {
    /// `logits` is `[B, K, pixels]`, `classes` `[B, pixels]`. The Dice of a class in an image is `(2·Σ g·p + smooth) / (Σ g + Σ
    /// p + smooth)`: sums over its pixels, g the one-hot truth and p the softmax over channels.
    ///
    /// # Panics
    /// Panics if the lengths do not fit, or a class is not below K.
    pub fn new(isa: Isa, logits: &[f32], classes: &[u8], pixels: usize, smooth: f64) -> Self {
        let channels = channels(logits, classes, pixels);
        let size = channels * pixels;
        // SAFETY: `softmax` writes every channel of every pixel.
        let probabilities =
            unsafe { filled(logits.len(), size, |i, out| softmax(isa, out, &logits[i * size..][..size], pixels)) };
        let planes = probabilities.par_chunks(pixels.max(1)).enumerate();
        let parts = planes.map(|(i, p)| {
            let [truth, overlap, predicted] = sums(isa, p, &classes[i / channels * pixels..][..pixels], i % channels);
            [2.0 * overlap + smooth, truth + predicted + smooth]
        });
        let parts = parts.collect();
        Self { probabilities, parts, channels, pixels }
    }

    /// `1 − Dice` of each image, a mean over its classes: `[B]`.
    pub fn losses(&self) -> Vec<f64> {
        let image = |parts: &[[f64; 2]]| {
            1.0 - parts.iter().map(|[above, below]| above / below).sum::<f64>() / self.channels as f64
        };
        self.parts.chunks(self.channels).map(image).collect()
    }

    /// Gradient of `factor · Σ −Dice` (over images and classes) with respect to the logits. `classes` are those of
    /// [`new`](Self::new).
    ///
    /// # Panics
    /// Panics if the numbers of classes and pixels differ.
    pub fn backward(&self, isa: Isa, classes: &[u8], factor: f64) -> Vec<f32> {
        let (pixels, size) = (self.pixels, self.channels * self.pixels);
        assert!(classes.len() * self.channels == self.probabilities.len(), "as many classes as pixels");
        // With respect to the probability of a class: −(2·g·below − above) / below².
        let slope =
            |&[above, below]: &[f64; 2]| [(factor * above / below.powi(2)) as f32, (factor * -2.0 / below) as f32];
        let slopes: Vec<[f32; 2]> = self.parts.iter().map(slope).collect();
        // SAFETY: `gradient` writes every channel of every pixel.
        unsafe {
            filled(self.probabilities.len(), size, |i, out| {
                let p = &self.probabilities[i * size..][..size];
                gradient(isa, out, p, &classes[i * pixels..][..pixels], &slopes[i * self.channels..][..self.channels]);
            })
        }
    }
}

kernel! {
    fn softmax<V>(out: &mut [MaybeUninit<f32>], image: &[f32], pixels: usize) {
        let mut powers_of = vec![[0.0; LANES]; image.len() / pixels];
        for at in Pixels::all(pixels) {
            let (_, sum) = powers::<V>(image, pixels, at, &mut powers_of);
            for (power, plane) in powers_of.iter().zip(out.chunks_mut(pixels)) {
                V::from_array(power).div(sum).write_rest(&mut plane[at.at..at.at + at.count]);
            }
        }
    }
}

kernel! {
    /// Number of a class's pixels, sum of its probabilities there, and sum of its probabilities everywhere.
    fn sums<V>(p: &[f32], classes: &[u8], class: usize) -> [f64; 3] {
        let (mut truth, mut overlap, mut predicted) = (0, V::Sums::zero(), V::Sums::zero());
        for at in Pixels::all(p.len()) {
            let here = at.classes::<V>(classes).equal(V::splat(class as f32));
            let p = at.of::<V>(p);
            overlap = overlap.add(V::select(here, p, V::splat(0.0)));
            predicted = predicted.add(p);
        }
        for &c in classes {
            truth += usize::from(usize::from(c) == class);
        }
        [truth as f64, overlap.total(), predicted.total()]
    }
}

kernel! {
    /// `p · (slope − mean of the slopes weighted by p)`, where a class's slope has a part for all pixels and one for its own.
    fn gradient<V>(out: &mut [MaybeUninit<f32>], p: &[f32], classes: &[u8], slopes: &[[f32; 2]]) {
        let pixels = classes.len();
        for at in Pixels::all(pixels) {
            let class = at.classes::<V>(classes);
            let mut mean = V::splat(0.0);
            for (k, (plane, &slopes)) in p.chunks(pixels).zip(slopes).enumerate() {
                mean = at.of::<V>(plane).fma(slope(slopes, k, class), mean);
            }
            for (k, (plane, out)) in p.chunks(pixels).zip(out.chunks_mut(pixels)).enumerate() {
                let slope = slope(slopes[k], k, class);
                at.of::<V>(plane).mul(slope.sub(mean)).write_rest(&mut out[at.at..at.at + at.count]);
            }
        }
    }
}

/// The slope of the class `k` for pixels of classes `class`.
#[inline(always)]
fn slope<V: Lanes>([everywhere, here]: [f32; 2], k: usize, class: V) -> V {
    let everywhere = V::splat(everywhere);
    V::select(class.equal(V::splat(k as f32)), everywhere.add(V::splat(here)), everywhere)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_close, classes, numbers, on_threads};
    use proptest::prelude::*;

    /// Losses of the images, in f64.
    fn naive(logits: &[f64], classes: &[u8], channels: usize, pixels: usize, smooth: f64) -> Vec<f64> {
        let image = |(image, classes): (&[f64], &[u8])| {
            let p = |k: usize, i: usize| {
                let power = |k: usize| image[k * pixels + i].exp();
                power(k) / (0..channels).map(power).sum::<f64>()
            };
            let dice = |k: usize| {
                let hot = |i: usize| f64::from(u8::from(usize::from(classes[i]) == k));
                let sum = |of: &dyn Fn(usize) -> f64| (0..pixels).map(of).sum::<f64>();
                (2.0 * sum(&|i| hot(i) * p(k, i)) + smooth) / (sum(&hot) + sum(&|i| p(k, i)) + smooth)
            };
            1.0 - (0..channels).map(dice).sum::<f64>() / channels as f64
        };
        logits.chunks(channels * pixels).zip(classes.chunks(pixels)).map(image).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

        #[test]
        fn losses_and_slopes_follow_the_definition(
            batch in 0usize..3, channels in 1usize..5, pixels in 1usize..40, smooth in 0.5f64..2.0, seed in 0u64..1000
        ) {
            let logits: Vec<f32> = numbers(batch * channels * pixels, seed).into_iter().map(|v| v * 3.0).collect();
            let classes = classes(batch * pixels, channels, seed + 1);
            let mut exact: Vec<f64> = logits.iter().map(|&v| f64::from(v)).collect();
            let losses = naive(&exact, &classes, channels, pixels, smooth);
            let slopes: Vec<f64> = (0..exact.len()).map(|i| {
                let middle = exact[i];
                let mut loss = |x: f64| {
                    exact[i] = x;
                    naive(&exact, &classes, channels, pixels, smooth).iter().sum::<f64>() * channels as f64
                };
                let slope = (loss(middle + 1e-4) - loss(middle - 1e-4)) / 2e-4;
                exact[i] = middle;
                slope
            }).collect();
            let mut first = None;
            for isa in Isa::available() {
                let dice = SoftDice::new(isa, &logits, &classes, pixels, smooth);
                let found = (dice.losses(), dice.backward(isa, &classes, 1.0));
                for (found, truth) in found.0.iter().zip(&losses) {
                    prop_assert!((found - truth).abs() < 1e-6, "{} against {}", found, truth);
                }
                assert_close("gradient", &found.1, &slopes, 1e-6);
                let first = first.get_or_insert_with(|| found.clone());
                prop_assert_eq!(&*first, &found, "{}", isa.name());
            }
        }
    }

    #[test]
    fn bits_do_not_depend_on_threads() {
        let (logits, classes) = (numbers(7 * 3 * 4001, 1), classes(7 * 4001, 3, 2));
        on_threads(|| {
            let dice = SoftDice::new(Isa::best(), &logits, &classes, 4001, 1.0);
            let gradient = dice.backward(Isa::best(), &classes, 0.3);
            (dice, gradient)
        });
    }
}
