//! Resizes like Pillow: bilinear with antialiasing for pictures, nearest for label maps.
//!
//! Crates that port Pillow's algorithm choose another fixed-point precision: `fast_image_resize` differs in 18 to 35 %
//! of the pixels, by up to 2. This module gives exactly Pillow's bytes.

// Functions that are not inlined where vector instructions are chosen would be compiled without them.
#![allow(clippy::inline_always)]

mod rows;
mod taps;

use super::{Labels, Picture};
use pulp::{Arch, Simd, WithSimd};
use taps::{HALF, PRECISION, Taps, triangle};

/// Resizes like `Image.resize((width, height), Image.BILINEAR)`: a triangle filter whose support grows with the
/// reduction.
///
/// Resizes along the rows first, rounds to bytes, and then resizes along the columns, like every Pillow before 13.
/// Pillow 13 starts with the columns if the height shrinks much more than the width, and then differs by 1 in some
/// bytes. An empty picture is returned unchanged.
pub fn resize_bilinear(picture: &Picture, width: u32, height: u32) -> Picture {
    if picture.data.is_empty() {
        return picture.clone();
    }
    Arch::new().dispatch(Bilinear { picture, width, height })
}

/// Work that is compiled once for each set of vector instructions. The best set that the processor supports is used.
struct Bilinear<'a> {
    picture: &'a Picture,
    width: u32,
    height: u32,
}

impl WithSimd for Bilinear<'_> {
    type Output = Picture;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Picture {
        let Self { picture, width, height } = self;
        let rows = if width == picture.width { picture.clone() } else { resize_rows(picture, width) };
        if height == rows.height { rows } else { resize_columns(&rows, height) }
    }
}

/// Resizes like `Image.resize((width, height), Image.NEAREST)`: takes the label under each new pixel's centre.
pub fn resize_nearest(labels: &Labels, width: u32, height: u32) -> Labels {
    let columns = nearest(labels.width, width);
    let old_width = labels.width as usize;
    let data = nearest(labels.height, height)
        .into_iter()
        .flat_map(|y| columns.iter().map(move |x| y * old_width + x))
        .map(|at| labels.data[at])
        .collect();
    Labels { width, height, data }
}

/// For each of `new` positions, the old position under its centre. Positions are summed up, not multiplied, as in
/// Pillow. This decides on which side of a boundary a centre falls.
fn nearest(old: u32, new: u32) -> Vec<usize> {
    let step = f64::from(old) / f64::from(new);
    let mut centre = step * 0.5;
    (0..new)
        .map(|_| {
            let at = (centre as usize).min(old as usize - 1);
            centre += step;
            at
        })
        .collect()
}

fn byte(sum: i32) -> u8 {
    (sum >> PRECISION).clamp(0, 255) as u8
}

#[inline(always)]
fn resize_rows(picture: &Picture, width: u32) -> Picture {
    let (old, new) = (3 * picture.width as usize, 3 * width as usize);
    let taps = triangle(picture.width, width);
    let mut data = vec![0; new * picture.height as usize];
    let done = rows::resize(&taps, &picture.data, old, &mut data, new);
    let rest = picture.data.chunks_exact(old).zip(data.chunks_exact_mut(new)).skip(done);
    for (row, out) in rest {
        let pixels = row.as_chunks::<3>().0;
        for (Taps { first, weights }, out) in taps.iter().zip(out.as_chunks_mut::<3>().0) {
            let mut sums = [HALF; 3];
            for (pixel, weight) in pixels[*first..].iter().zip(weights) {
                for (sum, &sample) in sums.iter_mut().zip(pixel) {
                    *sum += i32::from(sample) * weight;
                }
            }
            *out = sums.map(byte);
        }
    }
    Picture { width, height: picture.height, data }
}

#[inline(always)]
fn resize_columns(picture: &Picture, height: u32) -> Picture {
    let stride = picture.width as usize * 3;
    let mut data = Vec::with_capacity(stride * height as usize);
    let mut sums = vec![0; stride];
    for Taps { first, weights } in triangle(picture.height, height) {
        sums.fill(HALF);
        for (row, weight) in picture.data[first * stride..].chunks_exact(stride).zip(weights) {
            for (sum, &sample) in sums.iter_mut().zip(row) {
                *sum += i32::from(sample) * weight;
            }
        }
        data.extend(sums.iter().copied().map(byte));
    }
    Picture { width: picture.width, height, data }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_same_size_is_the_same_picture() {
        let picture = Picture { width: 2, height: 2, data: (0..12).collect() };
        assert_eq!(resize_bilinear(&picture, 2, 2), picture);
    }

    // `reference/pixels.py` makes these numbers with Pillow.
    #[test]
    fn nearest_takes_the_label_under_the_centre() {
        let labels = Labels { width: 4, height: 1, data: vec![1, 2, 3, 1] };
        assert_eq!(resize_nearest(&labels, 2, 1).data, [2, 1]);
        assert_eq!(resize_nearest(&labels, 8, 2).data, [1, 1, 2, 2, 3, 3, 1, 1].repeat(2));
    }

    /// Computes the sums by their definition, one byte at a time.
    fn plainly(picture: &Picture, width: u32) -> Vec<u8> {
        let taps = triangle(picture.width, width);
        let rows = picture.data.chunks_exact(3 * picture.width as usize);
        let sum = |row: &[u8], Taps { first, weights }: &Taps, channel: usize| -> i64 {
            (*first..).zip(weights).map(|(x, &weight)| i64::from(row[3 * x + channel]) * i64::from(weight)).sum()
        };
        let pixel =
            |row, taps| [0, 1, 2].map(|c| ((sum(row, taps, c) + i64::from(HALF)) >> PRECISION).clamp(0, 255) as u8);
        rows.flat_map(|row| taps.iter().flat_map(move |taps| pixel(row, taps))).collect()
    }

    proptest! {
        #[test]
        fn many_rows_at_once_are_what_each_is_alone(w in 1u32..90, h in 1u32..12, new in 1u32..60, seed: u64) {
            let mut state = seed;
            let mut byte = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                // Half of the samples are extremes, which give the largest sums.
                if state >> 63 == 0 { (state >> 40) as u8 } else { ((state >> 41) as u8 & 1) * 255 }
            };
            let picture = Picture { width: w, height: h, data: (0..w * h * 3).map(|_| byte()).collect() };
            prop_assert_eq!(resize_rows(&picture, new).data, plainly(&picture, new));
        }

        #[test]
        fn a_flat_picture_stays_flat(w in 1u32..40, h in 1u32..40, nw in 1u32..40, nh in 1u32..40, v: u8) {
            let flat = Picture { width: w, height: h, data: vec![v; (w * h * 3) as usize] };
            let small = resize_bilinear(&flat, nw, nh);
            prop_assert_eq!(small.data, vec![v; (nw * nh * 3) as usize]);
        }

        #[test]
        fn no_label_is_invented(w in 1u32..40, h in 1u32..40, nw in 1u32..40, nh in 1u32..40) {
            let labels = Labels { width: w, height: h, data: (0..w * h).map(|i| (i % 3 + 1) as u8).collect() };
            let small = resize_nearest(&labels, nw, nh);
            prop_assert_eq!(small.data.len(), (nw * nh) as usize);
            prop_assert!(small.data.iter().all(|l| (1..=3).contains(l)));
        }
    }
}
