//! A step of Adam in one pass over weight, moments and gradient.
//!
//! Kingma, Ba: Adam, 2015. Loshchilov, Hutter: Decoupled Weight Decay Regularization, 2019.

use crate::{
    isa::{Isa, kernel},
    lanes::{LANES, Lanes},
    output::CHUNK,
};
use rayon::prelude::*;

/// The parameters of one step, the same for all weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Decay of the gradient's average.
    pub beta1: f64,
    /// Decay of the squared gradient's average.
    pub beta2: f64,
    /// Factor that multiplies the weight before the step: 1, or less with weight decay.
    pub keep: f64,
    /// Step size, corrected for the bias of the first moment.
    pub rate: f64,
    /// Divisor that corrects the second moment for its bias.
    pub correction: f64,
    /// Added to the denominator.
    pub epsilon: f64,
}

/// `first = β₁·first + (1 − β₁)·gradient`, `second = β₂·second + (1 − β₂)·gradient²`, and then
/// `weight = keep·weight − rate·first / (√second / √correction + ε)`, in place.
///
/// # Panics
/// Panics if the lengths differ.
pub fn step(isa: Isa, weight: &mut [f32], first: &mut [f32], second: &mut [f32], gradient: &[f32], step: Step) {
    let length = weight.len();
    assert!(
        [first.len(), second.len(), gradient.len()] == [length; 3],
        "a step of Adam on vectors that differ in length"
    );
    if length <= CHUNK {
        return move_all(isa, weight, first, second, gradient, step);
    }
    let moments = first.par_chunks_mut(CHUNK).zip(second.par_chunks_mut(CHUNK));
    let chunks = weight.par_chunks_mut(CHUNK).zip(moments).zip(gradient.par_chunks(CHUNK));
    chunks.for_each(|((weight, (first, second)), gradient)| move_all(isa, weight, first, second, gradient, step));
}

kernel! {
    fn move_all<V>(weight: &mut [f32], first: &mut [f32], second: &mut [f32], gradient: &[f32], step: Step) {
        let rule = Rule::<V>::new(step);
        let (weights, weight_rest) = weight.as_chunks_mut::<LANES>();
        let (firsts, first_rest) = first.as_chunks_mut::<LANES>();
        let (seconds, second_rest) = second.as_chunks_mut::<LANES>();
        let (gradients, gradient_rest) = gradient.as_chunks::<LANES>();
        for (((weight, first), second), gradient) in weights.iter_mut().zip(firsts).zip(seconds).zip(gradients) {
            let before = [V::from_array(weight), V::from_array(first), V::from_array(second)];
            let after = rule.moved(before, V::from_array(gradient));
            after[0].write(weight);
            after[1].write(first);
            after[2].write(second);
        }
        let before = [V::load_rest(weight_rest), V::load_rest(first_rest), V::load_rest(second_rest)];
        let after = rule.moved(before, V::load_rest(gradient_rest));
        for (rest, after) in [weight_rest, first_rest, second_rest].into_iter().zip(after) {
            rest.copy_from_slice(&after.to_array()[..rest.len()]);
        }
    }
}

/// The parameters of a step in all lanes.
#[derive(Clone, Copy)]
struct Rule<V> {
    beta1: V,
    rest1: V,
    beta2: V,
    rest2: V,
    keep: V,
    rate: V,
    scale: V,
    epsilon: V,
}

impl<V: Lanes> Rule<V> {
    #[inline(always)]
    fn new(step: Step) -> Self {
        let splat = |value: f64| V::splat(value as f32);
        Self {
            beta1: splat(step.beta1),
            rest1: splat(1.0 - step.beta1),
            beta2: splat(step.beta2),
            rest2: splat(1.0 - step.beta2),
            keep: splat(step.keep),
            rate: splat(-step.rate),
            scale: splat(step.correction.sqrt().recip()),
            epsilon: splat(step.epsilon),
        }
    }

    /// Computes weight, first and second moment after the step from those before it.
    #[inline(always)]
    fn moved(self, [weight, first, second]: [V; 3], gradient: V) -> [V; 3] {
        let first = first.fma(self.beta1, gradient.mul(self.rest1));
        let second = second.fma(self.beta2, gradient.mul(gradient).mul(self.rest2));
        let denominator = second.sqrt().fma(self.scale, self.epsilon);
        let weight = weight.fma(self.keep, first.mul(self.rate).div(denominator));
        [weight, first, second]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_close, numbers, on_threads};
    use proptest::prelude::*;

    /// Weight and moments after several steps with different gradients.
    fn stepped(isa: Isa, length: usize, seed: u64, rule: Step) -> [Vec<f32>; 3] {
        let [mut weight, mut first, mut second] = [numbers(length, seed), vec![0.0; length], vec![0.0; length]];
        for n in 1..=3 {
            step(isa, &mut weight, &mut first, &mut second, &numbers(length, seed + n), rule);
        }
        [weight, first, second]
    }

    proptest! {
        #[test]
        fn steps_follow_their_definition(
            length in 0usize..70, (beta1, beta2) in (0.0f64..0.99, 0.0f64..0.999), keep in 0.5f64..=1.0,
            (rate, correction) in (0.001f64..0.3, 0.01f64..1.0), seed in 0u64..1000
        ) {
            let rule = Step { beta1, beta2, keep, rate, correction, epsilon: 1e-3 };
            let mut weight: Vec<f64> = numbers(length, seed).into_iter().map(f64::from).collect();
            let (mut first, mut second) = (vec![0.0; length], vec![0.0; length]);
            for n in 1..=3 {
                for (i, g) in numbers(length, seed + n).into_iter().map(f64::from).enumerate() {
                    first[i] = beta1 * first[i] + (1.0 - beta1) * g;
                    second[i] = beta2 * second[i] + (1.0 - beta2) * g * g;
                    weight[i] = keep * weight[i] - rate * first[i] / ((second[i] / correction).sqrt() + 1e-3);
                }
            }
            let portable = stepped(Isa::PORTABLE, length, seed, rule);
            for (name, (found, truth)) in ["weight", "first", "second"].iter().zip(portable.iter().zip([weight, first, second])) {
                assert_close(name, found, &truth, 2e-6);
            }
            for isa in Isa::available() {
                prop_assert_eq!(&stepped(isa, length, seed, rule), &portable, "{}", isa.name());
            }
        }
    }

    #[test]
    fn bits_do_not_depend_on_threads() {
        let rule = Step { beta1: 0.9, beta2: 0.999, keep: 0.99, rate: 0.01, correction: 0.1, epsilon: 1e-8 };
        on_threads(|| stepped(Isa::best(), 100_001, 1, rule));
    }
}
