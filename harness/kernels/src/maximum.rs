//! Division by the largest element.

use crate::{
    elementwise::{apply, for_lanes, map},
    isa::{Isa, kernel},
    lanes::{LANES, Sums},
    output::pieces,
};
use std::mem::MaybeUninit;

/// The largest element; NaN counts as larger than any number. −∞ if there are no elements.
pub fn largest(isa: Isa, x: &[f32]) -> f32 {
    pieces(x.len(), |range| largest_of(isa, &x[range])).into_iter().fold(f32::NEG_INFINITY, larger)
}

/// `x / maximum`.
pub fn divide(isa: Isa, x: &[f32], maximum: f32) -> Vec<f32> {
    // SAFETY: `map` writes every element.
    unsafe { apply(isa, [x], |isa, out, inputs| divided(isa, out, inputs, maximum)) }
}

/// Gradient of `x`, given the gradient `grad` of `x / max(x)`: `grad / max`, plus, for each maximum, its share of `−Σ grad·x /
/// max²`. `maximum` is the maximum of `x`.
///
/// # Panics
/// Panics if the lengths differ.
pub fn divide_backward(isa: Isa, x: &[f32], grad: &[f32], maximum: f32) -> Vec<f32> {
    assert!(x.len() == grad.len(), "as many gradients as elements");
    let sums = |range: std::ops::Range<usize>| product_and_count(isa, &x[range.clone()], &grad[range], maximum);
    let [product, maxima] =
        pieces(x.len(), sums).into_iter().fold([0.0; 2], |sum, piece| [sum[0] + piece[0], sum[1] + piece[1]]);
    let share = (product / f64::from(maximum).powi(2) / maxima) as f32;
    // SAFETY: `map` writes every element.
    unsafe { apply(isa, [x, grad], |isa, out, inputs| shared(isa, out, inputs, maximum, share)) }
}

fn larger(a: f32, b: f32) -> f32 {
    if b > a || b.is_nan() { b } else { a }
}

kernel! {
    fn largest_of<V>(x: &[f32]) -> f32 {
        let (whole, rest) = x.as_chunks::<LANES>();
        let mut largest = V::splat(f32::NEG_INFINITY);
        for values in whole {
            let x = V::from_array(values);
            // A NaN is not equal to itself; once found, it stays.
            let best = V::select(x.at_most(largest), largest, x);
            largest = V::select(largest.equal(largest), best, largest);
        }
        largest.to_array().into_iter().chain(rest.iter().copied()).fold(f32::NEG_INFINITY, larger)
    }
}
kernel! {
    fn divided<V>(out: &mut [MaybeUninit<f32>], inputs: [&[f32]; 1], maximum: f32) {
        let maximum = V::splat(maximum);
        let [x] = inputs;
        map!(V, out, [x], x.div(maximum));
    }
}
kernel! {
    /// `Σ grad·x`, and the number of elements equal to the maximum.
    fn product_and_count<V>(x: &[f32], grad: &[f32], maximum: f32) -> [f64; 2] {
        let mut count = 0;
        for &x in x {
            count += usize::from(x == maximum);
        }
        let mut product = V::Sums::zero();
        for_lanes!(V, [x, grad], { product = product.add_product(x, grad); });
        [product.total(), count as f64]
    }
}
kernel! {
    fn shared<V>(out: &mut [MaybeUninit<f32>], inputs: [&[f32]; 2], maximum: f32, share: f32) {
        let (maximum, share) = (V::splat(maximum), V::splat(share));
        let [x, grad] = inputs;
        map!(V, out, [x, grad], {
            let quotient = grad.div(maximum);
            V::select(x.equal(maximum), quotient.sub(share), quotient)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_close, numbers, on_threads};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn both_directions_follow_their_definition(length in 1usize..100, ties: bool, seed in 0u64..1000) {
            let x: Vec<f32> = numbers(length, seed).into_iter().map(|v| if ties { (v * 2.0).round() / 2.0 } else { v } + 1.5).collect();
            let grad = numbers(length, seed + 1);
            let maximum = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let m = f64::from(maximum);
            let count = x.iter().filter(|&&v| v == maximum).count() as f64;
            let product: f64 = x.iter().zip(&grad).map(|(&x, &g)| f64::from(x) * f64::from(g)).sum();
            let quotients: Vec<f64> = x.iter().map(|&x| f64::from(x) / m).collect();
            let share = |&x: &f32| if x == maximum { product / m / m / count } else { 0.0 };
            let slopes: Vec<f64> = x.iter().zip(&grad).map(|(x, &g)| f64::from(g) / m - share(x)).collect();
            let back = divide_backward(Isa::PORTABLE, &x, &grad, maximum);
            assert_close("gradient", &back, &slopes, 1e-6);
            for isa in Isa::available() {
                prop_assert_eq!(largest(isa, &x), maximum);
                assert_close("quotients", &divide(isa, &x, maximum), &quotients, 1e-7);
                prop_assert_eq!(&divide_backward(isa, &x, &grad, maximum), &back);
            }
        }
    }

    #[test]
    fn nan_is_the_largest_wherever_it_stands() {
        for isa in Isa::available() {
            assert_eq!(largest(isa, &[]), f32::NEG_INFINITY);
            for at in 0..70 {
                let mut x = numbers(70, 1);
                x[at] = f32::NAN;
                assert!(largest(isa, &x).is_nan());
            }
        }
    }

    #[test]
    fn bits_do_not_depend_on_threads() {
        let (x, grad) = (numbers(100_001, 1), numbers(100_001, 2));
        on_threads(|| {
            let maximum = largest(Isa::best(), &x);
            (maximum, divide(Isa::best(), &x, maximum), divide_backward(Isa::best(), &x, &grad, maximum))
        });
    }
}
