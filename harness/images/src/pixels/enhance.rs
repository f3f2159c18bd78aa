//! Changes brightness, contrast and saturation like Pillow's `ImageEnhance`.
//!
//! Each function blends a picture without that property with the picture itself. A factor of 0 gives the former, 1
//! gives the picture itself, and more than 1 extrapolates beyond it. `rgb` and the results are interleaved, with three
//! bytes per pixel.

use super::grey::{greyscale, luma};

/// Does what Pillow's `ImageEnhance.Brightness(image).enhance(factor)` does: 0 gives black.
pub fn adjust_brightness(rgb: &[u8], factor: f32) -> Vec<u8> {
    rgb.iter().map(|&value| blend(0, value, factor)).collect()
}

/// Does what Pillow's `ImageEnhance.Contrast(image).enhance(factor)` does: 0 gives the picture's mean luma everywhere,
/// rounded to a byte.
pub fn adjust_contrast(rgb: &[u8], factor: f32) -> Vec<u8> {
    let pixels = rgb.as_chunks::<3>().0;
    let sum: u64 = pixels.iter().map(|&pixel| u64::from(luma(pixel))).sum();
    let mean = (sum as f64 / pixels.len().max(1) as f64 + 0.5) as u8;
    rgb.iter().map(|&value| blend(mean, value, factor)).collect()
}

/// Does what Pillow's `ImageEnhance.Color(image).enhance(factor)` does: 0 gives greyscale.
pub fn adjust_saturation(rgb: &[u8], factor: f32) -> Vec<u8> {
    greyscale(rgb).iter().zip(rgb).map(|(&grey, &value)| blend(grey, value, factor)).collect()
}

/// Does what Pillow's `Image.blend` does: it computes in single precision, then truncates to a byte.
fn blend(from: u8, to: u8, factor: f32) -> u8 {
    let (from, to) = (f32::from(from), f32::from(to));
    (from + factor * (to - from)) as u8 // the cast keeps within 0..=255
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // `reference/pixels.py` makes these numbers with Pillow.
    #[test]
    fn a_factor_of_zero_leaves_nothing_and_one_leaves_all() {
        let rgb = [255, 0, 0, 0, 255, 0, 10, 20, 40];
        assert_eq!(adjust_brightness(&rgb, 0.0), [0; 9]);
        assert_eq!(adjust_contrast(&rgb, 0.0), [82; 9]); // luma 76, 150 and 19: a mean of 81.67
        assert_eq!(adjust_saturation(&rgb, 0.0), greyscale(&rgb));
    }

    // `reference/pixels.py` makes these numbers with Pillow.
    #[test]
    fn values_are_cut_and_stay_within_a_byte() {
        assert_eq!(adjust_brightness(&[3, 101, 200], 0.5), [1, 50, 100]);
        assert_eq!(adjust_brightness(&[3, 101, 200], 1.5), [4, 151, 255]);
        assert_eq!(adjust_contrast(&[0, 0, 0, 255, 255, 255], 1.5), [0, 0, 0, 255, 255, 255]);
        assert!(adjust_contrast(&[], 1.5).is_empty());
    }

    proptest! {
        #[test]
        fn a_factor_of_one_is_the_identity(rgb in proptest::collection::vec(any::<[u8; 3]>(), 0..50)) {
            let rgb = rgb.as_flattened();
            prop_assert_eq!(adjust_brightness(rgb, 1.0), rgb);
            prop_assert_eq!(adjust_contrast(rgb, 1.0), rgb);
            prop_assert_eq!(adjust_saturation(rgb, 1.0), rgb);
        }
    }
}
