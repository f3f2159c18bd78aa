//! The logistic function.

use crate::{
    elementwise::{apply, map},
    isa::{Isa, kernel},
    lanes::exp,
};
use std::mem::MaybeUninit;

/// `1 / (1 + e^−x)`.
pub fn forward(isa: Isa, x: &[f32]) -> Vec<f32> {
    // SAFETY: `map` writes every element.
    unsafe { apply(isa, [x], logistic) }
}

/// Gradient of the input: `grad · out · (1 − out)`, where `out` is the output.
///
/// # Panics
/// Panics if the lengths differ.
pub fn backward(isa: Isa, out: &[f32], grad: &[f32]) -> Vec<f32> {
    // SAFETY: `map` writes every element.
    unsafe { apply(isa, [out, grad], slopes) }
}

kernel! {
    fn logistic<V>(out: &mut [MaybeUninit<f32>], inputs: [&[f32]; 1]) {
        let one = V::splat(1.0);
        let [x] = inputs;
        map!(V, out, [x], one.div(exp(V::splat(0.0).sub(x)).add(one)));
    }
}
kernel! {
    fn slopes<V>(out: &mut [MaybeUninit<f32>], inputs: [&[f32]; 2]) {
        let [y, grad] = inputs;
        map!(V, out, [y, grad], grad.mul(y).mul(V::splat(1.0).sub(y)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_close, numbers, on_threads};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn both_directions_follow_their_definition(length in 0usize..100, scale in 0.1f32..100.0, seed in 0u64..1000) {
            let x: Vec<f32> = numbers(length, seed).into_iter().map(|v| v * scale).collect();
            let grad = numbers(length, seed + 1);
            let truth: Vec<f64> = x.iter().map(|&x| 1.0 / (1.0 + (-f64::from(x)).exp())).collect();
            let slopes: Vec<f64> = truth.iter().zip(&grad).map(|(y, &g)| f64::from(g) * y * (1.0 - y)).collect();
            let out = forward(Isa::PORTABLE, &x);
            let back = backward(Isa::PORTABLE, &out, &grad);
            assert_close("sigmoid", &out, &truth, 2e-7);
            assert_close("gradient", &back, &slopes, 2e-7);
            for isa in Isa::available() {
                prop_assert_eq!(&forward(isa, &x), &out);
                prop_assert_eq!(&backward(isa, &out, &grad), &back);
            }
        }
    }

    #[test]
    fn limits_are_reached_and_nan_is_kept() {
        for isa in Isa::available() {
            let out = forward(isa, &[f32::INFINITY, f32::NEG_INFINITY, 0.0, 200.0, -200.0, f32::NAN]);
            assert_eq!(out[..5], [1.0, 0.0, 0.5, 1.0, 0.0]);
            assert!(out[5].is_nan());
        }
    }

    #[test]
    fn bits_do_not_depend_on_threads() {
        let (x, grad) = (numbers(100_001, 1), numbers(100_001, 2));
        on_threads(|| (forward(Isa::best(), &x), backward(Isa::best(), &x, &grad)));
    }
}
