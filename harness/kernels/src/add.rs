//! Sum of two maps (a residual connection), optionally followed by a ReLU.

use crate::{
    elementwise::{apply, map},
    isa::{Isa, kernel},
    relu::rectify,
};
use std::mem::MaybeUninit;

/// `a + b`.
///
/// # Panics
/// Panics if the lengths differ.
pub fn forward(isa: Isa, a: &[f32], b: &[f32]) -> Vec<f32> {
    // SAFETY: `map` writes every element.
    unsafe { apply(isa, [a, b], sum) }
}

/// `max(a + b, 0)`. The gradient of both inputs is that of [`relu::backward`](crate::relu::backward).
///
/// # Panics
/// Panics if the lengths differ.
pub fn forward_relu(isa: Isa, a: &[f32], b: &[f32]) -> Vec<f32> {
    // SAFETY: `map` writes every element.
    unsafe { apply(isa, [a, b], rectified_sum) }
}

kernel! {
    fn sum<V>(out: &mut [MaybeUninit<f32>], inputs: [&[f32]; 2]) {
        let [a, b] = inputs;
        map!(V, out, [a, b], a.add(b));
    }
}
kernel! {
    fn rectified_sum<V>(out: &mut [MaybeUninit<f32>], inputs: [&[f32]; 2]) {
        let [a, b] = inputs;
        map!(V, out, [a, b], rectify(a.add(b)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{numbers, on_threads};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn elements_are_added_and_rectified(length in 0usize..100, seed in 0u64..1000) {
            let (a, b) = (numbers(length, seed), numbers(length, seed + 1));
            let sums: Vec<f32> = a.iter().zip(&b).map(|(a, b)| a + b).collect();
            let rectified: Vec<f32> = sums.iter().map(|&v| if v < 0.0 { 0.0 } else { v }).collect();
            for isa in Isa::available() {
                prop_assert_eq!(&forward(isa, &a, &b), &sums);
                prop_assert_eq!(&forward_relu(isa, &a, &b), &rectified);
            }
        }
    }

    #[test]
    fn bits_do_not_depend_on_threads() {
        let (a, b) = (numbers(100_001, 1), numbers(100_001, 2));
        on_threads(|| (forward(Isa::best(), &a, &b), forward_relu(Isa::best(), &a, &b)));
    }
}
