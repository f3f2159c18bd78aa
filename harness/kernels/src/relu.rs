//! Rectified linear unit, with gradient 0 at 0 as in PyTorch.

use crate::{
    elementwise::{apply, map},
    isa::{Isa, kernel},
    lanes::Lanes,
};
use std::mem::MaybeUninit;

/// `max(x, 0)`. NaN stays NaN, so that a diverged run is noticed.
pub fn forward(isa: Isa, x: &[f32]) -> Vec<f32> {
    // SAFETY: `map` writes every element.
    unsafe { apply(isa, [x], rectified) }
}

/// Gradient of the input: that of the output where the output `out` is above 0 (or NaN), and 0 elsewhere.
///
/// # Panics
/// Panics if the lengths differ.
pub fn backward(isa: Isa, out: &[f32], grad: &[f32]) -> Vec<f32> {
    // SAFETY: `map` writes every element.
    unsafe { apply(isa, [out, grad], masked) }
}

/// `max(x, 0)` of lanes.
#[inline(always)]
pub(crate) fn rectify<V: Lanes>(x: V) -> V {
    let zero = V::splat(0.0);
    V::select(x.less(zero), zero, x)
}

/// The part of `grad` that passes a ReLU with output (or input) `value`.
#[inline(always)]
pub(crate) fn mask<V: Lanes>(value: V, grad: V) -> V {
    let zero = V::splat(0.0);
    V::select(value.at_most(zero), zero, grad)
}

kernel! {
    fn rectified<V>(out: &mut [MaybeUninit<f32>], inputs: [&[f32]; 1]) {
        let [x] = inputs;
        map!(V, out, [x], rectify(x));
    }
}
kernel! {
    fn masked<V>(out: &mut [MaybeUninit<f32>], inputs: [&[f32]; 2]) {
        let [value, grad] = inputs;
        map!(V, out, [value, grad], mask(value, grad));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{numbers, on_threads};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn both_directions_follow_their_definition(length in 0usize..100, seed in 0u64..1000) {
            let (mut x, grad) = (numbers(length, seed), numbers(length, seed + 1));
            if length > 3 {
                x[..4].copy_from_slice(&[0.0, -0.0, f32::NAN, f32::NEG_INFINITY]);
            }
            for isa in Isa::available() {
                let out = forward(isa, &x);
                let back = backward(isa, &out, &grad);
                prop_assert!(out.len() == length && back.len() == length);
                for i in 0..length {
                    let right = if x[i].is_nan() { out[i].is_nan() } else { out[i] == x[i].max(0.0) };
                    prop_assert!(right, "{} of {}", out[i], x[i]);
                    prop_assert_eq!(back[i], if x[i] > 0.0 || x[i].is_nan() { grad[i] } else { 0.0 });
                }
            }
        }
    }

    #[test]
    fn bits_do_not_depend_on_threads() {
        let (x, grad) = (numbers(100_001, 1), numbers(100_001, 2));
        on_threads(|| (forward(Isa::best(), &x), backward(Isa::best(), &x, &grad)));
    }
}
