//! Cross-entropy of the softmax over channels.
//!
//! The backward pass recomputes the softmax: one exponential per element costs as much as reading a stored one.

use crate::{
    isa::{Isa, kernel},
    lanes::{LANES, Sums, ln},
    output::filled,
    softmax::{Pixels, channels, powers},
};
use rayon::prelude::*;
use std::mem::MaybeUninit;

/// `Σ −log softmax(logits)[class]` over the pixels of each image, in nats: `[B]`. `logits` is `[B, K, pixels]`, `classes`
/// `[B, pixels]`.
///
/// # Panics
/// Panics if the lengths do not fit, or a class is not below K.
pub fn forward(isa: Isa, logits: &[f32], classes: &[u8], pixels: usize) -> Vec<f64> {
    let channels = channels(logits, classes, pixels);
    let images = logits.par_chunks((channels * pixels).max(1)).zip(classes.par_chunks(pixels.max(1)));
    images.map(|(image, classes)| image_sum(isa, image, classes)).collect()
}

/// Gradient of the logits, `(softmax − one-hot) · factor`; the shapes are those of [`forward`].
///
/// # Panics
/// Panics if the lengths do not fit, or a class is not below K.
pub fn backward(isa: Isa, logits: &[f32], classes: &[u8], pixels: usize, factor: f32) -> Vec<f32> {
    let size = channels(logits, classes, pixels) * pixels;
    // SAFETY: `image_gradient` writes every channel of every pixel.
    unsafe {
        filled(logits.len(), size, |i, out| {
            image_gradient(isa, out, &logits[i * size..][..size], &classes[i * pixels..][..pixels], factor);
        })
    }
}

kernel! {
    fn image_sum<V>(image: &[f32], classes: &[u8]) -> f64 {
        let pixels = classes.len();
        let mut powers_of = vec![[0.0; LANES]; image.len() / pixels];
        let mut total = V::Sums::zero();
        for at in Pixels::all(pixels) {
            let (largest, sum) = powers::<V>(image, pixels, at, &mut powers_of);
            let mut logits = [0.0; LANES];
            let seen = (at.at..).zip(&classes[at.at..at.at + at.count]);
            for (logit, (p, &class)) in logits.iter_mut().zip(seen) {
                *logit = image[usize::from(class) * pixels + p];
            }
            let loss = ln(sum).add(largest.sub(V::from_array(&logits)));
            // The values after the last pixel are not part of the loss.
            total = total.add(if at.count == LANES { loss } else { V::load_rest(&loss.to_array()[..at.count]) });
        }
        total.total()
    }
}

kernel! {
    fn image_gradient<V>(out: &mut [MaybeUninit<f32>], image: &[f32], classes: &[u8], factor: f32) {
        let pixels = classes.len();
        let mut powers_of = vec![[0.0; LANES]; image.len() / pixels];
        let factor = V::splat(factor);
        for at in Pixels::all(pixels) {
            let (_, sum) = powers::<V>(image, pixels, at, &mut powers_of);
            let class = at.classes::<V>(classes);
            for (k, (power, plane)) in powers_of.iter().zip(out.chunks_mut(pixels)).enumerate() {
                let hot = V::select(class.equal(V::splat(k as f32)), V::splat(1.0), V::splat(0.0));
                let gradient = V::from_array(power).div(sum).sub(hot).mul(factor);
                gradient.write_rest(&mut plane[at.at..at.at + at.count]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_close, classes, numbers, on_threads};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn both_directions_follow_their_definition(
            batch in 0usize..4, channels in 1usize..6, pixels in 1usize..50, scale in 0.1f32..90.0, seed in 0u64..1000
        ) {
            let logits: Vec<f32> = numbers(batch * channels * pixels, seed).into_iter().map(|v| v * scale).collect();
            let classes = classes(batch * pixels, channels, seed + 1);
            let (mut losses, mut slopes) = (vec![0.0; batch], vec![0.0; logits.len()]);
            for (n, &class) in classes.iter().enumerate() {
                let at = |k: usize| (n / pixels * channels + k) * pixels + n % pixels;
                let x = |k: usize| f64::from(logits[at(k)]);
                let largest = (0..channels).map(x).fold(f64::NEG_INFINITY, f64::max);
                let log = (0..channels).map(|k| (x(k) - largest).exp()).sum::<f64>().ln() + largest;
                losses[n / pixels] += log - x(usize::from(class));
                for k in 0..channels {
                    slopes[at(k)] = ((x(k) - log).exp() - f64::from(u8::from(k == usize::from(class)))) * 0.5;
                }
            }
            let first = (forward(Isa::PORTABLE, &logits, &classes, pixels), backward(Isa::PORTABLE, &logits, &classes, pixels, 0.5));
            for (found, truth) in first.0.iter().zip(&losses) {
                prop_assert!((found - truth).abs() <= 1e-6 * truth.max(1.0), "{} against {}", found, truth);
            }
            assert_close("gradient", &first.1, &slopes, 1e-6);
            for isa in Isa::available() {
                let found = (forward(isa, &logits, &classes, pixels), backward(isa, &logits, &classes, pixels, 0.5));
                prop_assert_eq!(&found, &first, "{}", isa.name());
            }
        }
    }

    #[test]
    fn a_diverged_pixel_shows() {
        let logits = [1.0, f32::NAN, 0.0, 2.0, 1.0, 3.0];
        for isa in Isa::available() {
            assert!(forward(isa, &logits, &[0, 1, 0], 3)[0].is_nan());
            let gradient = backward(isa, &logits, &[0, 1, 0], 3, 1.0);
            assert_eq!(
                gradient.iter().map(|g| g.is_nan()).collect::<Vec<_>>(),
                [false, true, false, false, true, false]
            );
        }
    }

    #[test]
    #[should_panic(expected = "a class of a loss has no channel")]
    fn a_class_that_is_not_there_is_refused() {
        forward(Isa::best(), &[0.0; 6], &[1, 2, 0], 3);
    }

    #[test]
    fn bits_do_not_depend_on_threads() {
        let (logits, classes) = (numbers(7 * 3 * 4001, 1), classes(7 * 4001, 3, 2));
        on_threads(|| {
            let losses = forward(Isa::best(), &logits, &classes, 4001);
            (losses, backward(Isa::best(), &logits, &classes, 4001, 0.3))
        });
    }
}
