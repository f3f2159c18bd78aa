//! Compares pooling with windows that are walked one by one.

use super::*;
use crate::testing::{numbers, on_threads};
use proptest::prelude::*;

/// Values and indices of one plane, element by element.
fn naive(plane: &[f32], image: (usize, usize), kernel: usize, stride: usize, padding: usize) -> (Vec<f32>, Vec<u32>) {
    let side = |n: usize| (n + 2 * padding - kernel) / stride + 1;
    let (mut values, mut indices) = (Vec::new(), Vec::new());
    for y in 0..side(image.0) {
        for x in 0..side(image.1) {
            let mut best: Option<(f32, usize)> = None;
            for (row, column) in (0..kernel).flat_map(|r| (0..kernel).map(move |c| (r, c))) {
                let (row, column) =
                    ((y * stride + row).wrapping_sub(padding), (x * stride + column).wrapping_sub(padding));
                if row < image.0 && column < image.1 {
                    let value = plane[row * image.1 + column];
                    if best.is_none_or(|best| value > best.0 || value.is_nan()) {
                        best = Some((value, row * image.1 + column));
                    }
                }
            }
            let (value, index) = best.unwrap();
            values.push(value);
            indices.push(index as u32);
        }
    }
    (values, indices)
}

/// Numbers of which many are equal, and some are NaN or infinite.
fn coarse(length: usize, seed: u64) -> Vec<f32> {
    let special = |v: f32| match (v * 1000.0) as i32 {
        -40..-20 => f32::NAN,
        20..60 => f32::NEG_INFINITY,
        _ => (v * 3.0).round() / 3.0,
    };
    numbers(length, seed).into_iter().map(special).collect()
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| if v.is_nan() { f32::NAN.to_bits() } else { v.to_bits() }).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn values_and_indices_are_those_of_every_window(
        planes in 0usize..4, (height, width) in (1usize..50, 1usize..50), (kernel, stride) in prop_oneof![
            Just((2, 2)), Just((3, 2)), (1usize..5, 1usize..5)
        ], padding in 0usize..3, seed in 0u64..1000,
    ) {
        let window = Window::new((height, width), kernel, stride, padding);
        prop_assert_eq!(window.is_some(), 2 * padding <= kernel && height.min(width) + 2 * padding >= kernel);
        let Some(window) = window else { return Ok(()) };
        let pixels = height * width;
        let size = window.map().0 * window.map().1;
        let x = coarse(planes * pixels, seed);
        let (mut values, mut indices) = (Vec::new(), Vec::new());
        for plane in x.chunks(pixels) {
            let (v, i) = naive(plane, (height, width), kernel, stride, padding);
            values.extend(v);
            indices.extend(i);
        }
        for isa in Isa::available() {
            let found = max_pool(isa, &x, &window);
            prop_assert_eq!(bits(&found.0), bits(&values), "{}", isa.name());
            prop_assert_eq!(&found.1, &indices, "{}", isa.name());
        }
        prop_assert_eq!(bits(&take(&x, &indices, pixels, size).unwrap()), bits(&values));

        let grad = numbers(values.len(), seed + 1);
        let (mut sums, mut put) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        for (i, (&at, &g)) in indices.iter().zip(&grad).enumerate() {
            let place = i / size * pixels + at as usize;
            sums[place] += g;
            put[place] = g;
        }
        prop_assert_eq!(max_pool_backward(&grad, &indices, pixels, size), Ok(sums));
        prop_assert_eq!(unpool(&grad, &indices, pixels, size), Ok(put));
    }
}

#[test]
fn an_index_outside_its_plane_is_named() {
    assert_eq!(unpool(&[1.0, 2.0], &[3, 4], 4, 1), Err(4));
    assert_eq!(max_pool_backward(&[1.0, 2.0], &[9, 1], 4, 2), Err(9));
    assert_eq!(take(&[1.0; 8], &[3, 4], 4, 1), Err(4));
    assert_eq!(take(&[1.0; 8], &[3, 0], 4, 1), Ok(vec![1.0; 2]));
}

#[test]
fn bits_do_not_depend_on_threads() {
    let x = numbers(30 * 61 * 83, 1);
    for (kernel, stride, padding) in [(2, 2, 0), (3, 2, 1), (3, 1, 1)] {
        let window = Window::new((61, 83), kernel, stride, padding).unwrap();
        let size = window.map().0 * window.map().1;
        on_threads(|| {
            let (values, indices) = max_pool(Isa::best(), &x, &window);
            let back = max_pool_backward(&values, &indices, 61 * 83, size).unwrap();
            let unpooled = unpool(&values, &indices, 61 * 83, size).unwrap();
            let taken = take(&unpooled, &indices, 61 * 83, size).unwrap();
            (values, indices, back, unpooled, taken)
        });
    }
}
