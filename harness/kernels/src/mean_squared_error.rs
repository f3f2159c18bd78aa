//! Mean squared error.

use crate::{
    elementwise::{apply, for_lanes, map},
    isa::{Isa, kernel},
    lanes::Sums,
    output::pieces,
};
use std::mem::MaybeUninit;

/// Mean of `(x − target)²`; NaN if there are no elements.
///
/// # Panics
/// Panics if the lengths differ.
pub fn forward(isa: Isa, x: &[f32], target: &[f32]) -> f64 {
    assert!(x.len() == target.len(), "mean squared error of vectors that differ in length");
    let sum: f64 = pieces(x.len(), |range| squares(isa, &x[range.clone()], &target[range])).into_iter().sum();
    sum / x.len() as f64
}

/// Gradient of `x`: `2 (x − target) / n`, times the gradient `grad` of the mean.
///
/// # Panics
/// Panics if the lengths differ.
pub fn backward(isa: Isa, x: &[f32], target: &[f32], grad: f32) -> Vec<f32> {
    let factor = (2.0 * f64::from(grad) / x.len() as f64) as f32;
    // SAFETY: `map` writes every element.
    unsafe { apply(isa, [x, target], |isa, out, inputs| scaled_differences(isa, out, inputs, factor)) }
}

kernel! {
    fn squares<V>(x: &[f32], target: &[f32]) -> f64 {
        let mut sum = V::Sums::zero();
        for_lanes!(V, [x, target], {
            let difference = x.sub(target);
            sum = sum.add_product(difference, difference);
        });
        sum.total()
    }
}
kernel! {
    fn scaled_differences<V>(out: &mut [MaybeUninit<f32>], inputs: [&[f32]; 2], factor: f32) {
        let factor = V::splat(factor);
        let [x, target] = inputs;
        map!(V, out, [x, target], x.sub(target).mul(factor));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_close, numbers, on_threads};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn both_directions_follow_their_definition(length in 1usize..100, grad in -3f32..3.0, seed in 0u64..1000) {
            let (x, target) = (numbers(length, seed), numbers(length, seed + 1));
            let differences: Vec<f64> = x.iter().zip(&target).map(|(a, b)| f64::from(*a) - f64::from(*b)).collect();
            let truth = differences.iter().map(|d| d * d).sum::<f64>() / length as f64;
            let slopes: Vec<f64> = differences.iter().map(|d| 2.0 * d / length as f64 * f64::from(grad)).collect();
            let first = (forward(Isa::PORTABLE, &x, &target).to_bits(), backward(Isa::PORTABLE, &x, &target, grad));
            for isa in Isa::available() {
                let found = forward(isa, &x, &target);
                prop_assert!((found - truth).abs() < 1e-6);
                let back = backward(isa, &x, &target, grad);
                assert_close("gradient", &back, &slopes, 1e-6);
                prop_assert_eq!(&(found.to_bits(), back), &first);
            }
        }
    }

    #[test]
    fn bits_do_not_depend_on_threads() {
        let (x, y) = (numbers(100_001, 1), numbers(100_001, 2));
        on_threads(|| (forward(Isa::best(), &x, &y).to_bits(), backward(Isa::best(), &x, &y, 0.3)));
    }
}
