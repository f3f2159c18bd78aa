//! Compares batch normalisation with naive loops in f64.

use super::*;
use crate::testing::{assert_close, numbers, on_threads};
use proptest::prelude::*;

const ALL: Wanted = Wanted { input: true, parameters: true };

/// Output, and gradients of input, weight and bias, by the formulas. `given` are the statistics, if not the batch's own.
fn naive(
    x: &[f32],
    grad: &[f32],
    pixels: usize,
    parameters: Parameters,
    relu: bool,
    given: Option<(&[f32], &[f32])>,
) -> [Vec<f64>; 4] {
    let channels = parameters.weight.len();
    let of_channel = |c: usize| (0..x.len()).filter(move |i| i / pixels % channels == c);
    let [mut out, mut input, mut weights, mut biases] = [x.len(), x.len(), channels, channels].map(|n| vec![0.0; n]);
    for c in 0..channels {
        let count = of_channel(c).count() as f64;
        let mean = |of: &dyn Fn(usize) -> f64| of_channel(c).map(of).sum::<f64>() / count;
        let value = |i: usize| f64::from(x[i]);
        let own = mean(&value);
        let own = (own, mean(&|i| (value(i) - own).powi(2)));
        let (centre, variance) = given.map_or(own, |(mean, variance)| (f64::from(mean[c]), f64::from(variance[c])));
        let deviation = (variance + parameters.epsilon).sqrt();
        let (weight, bias) = (f64::from(parameters.weight[c]), f64::from(parameters.bias[c]));
        let normal = |i: usize| (value(i) - centre) / deviation;
        let before = |i: usize| normal(i) * weight + bias;
        let slope = |i: usize| if relu && before(i) <= 0.0 { 0.0 } else { f64::from(grad[i]) };
        let (constant, multiple) =
            if given.is_some() { (0.0, 0.0) } else { (mean(&slope), mean(&|i| slope(i) * normal(i))) };
        for i in of_channel(c) {
            out[i] = if relu { before(i).max(0.0) } else { before(i) };
            input[i] = weight / deviation * (slope(i) - constant - normal(i) * multiple);
            weights[c] += slope(i) * normal(i);
            biases[c] += slope(i);
        }
    }
    [out, input, weights, biases]
}

proptest! {
    #[test]
    fn both_directions_follow_their_definition(
        batch in 0usize..5, channels in 1usize..6, pixels in 1usize..40, relu: bool, given: bool, far: bool, seed in 0u64..1000
    ) {
        let length = batch * channels * pixels;
        prop_assume!(given || batch * pixels > 3);
        let offset = if far { 3.0 } else { 0.0 };
        let x: Vec<f32> = numbers(length, seed).into_iter().map(|v| v + offset).collect();
        let grad = numbers(length, seed + 1);
        let [weight, bias, mean, variance] = [2, 3, 4, 5].map(|k| numbers(channels, seed + k));
        let variance: Vec<f32> = variance.into_iter().map(|v| v * v + 0.1).collect();
        let parameters = Parameters { weight: &weight, bias: &bias, epsilon: 1e-2 };
        let given = given.then_some((&mean[..], &variance[..]));
        let truth = naive(&x, &grad, pixels, parameters, relu, given);
        let mut bits: Option<(Vec<u32>, Gradients)> = None;
        for isa in Isa::available() {
            let (out, normalization) = match given {
                Some(given) => forward_fixed(isa, &x, pixels, given, parameters, relu),
                None => forward(isa, &x, pixels, parameters, relu),
            };
            assert_close("out", &out, &truth[0], 1e-5);
            let gradients = normalization.backward(isa, &x, &grad, ALL);
            let (input, [weight, bias]) = (gradients.input.as_ref().unwrap(), gradients.parameters.as_ref().unwrap());
            // After rounding, a value near the edge of the ReLU may lie on either side of it.
            let edge = relu && truth[0].iter().zip(&out).any(|(truth, out)| (*truth > 0.0) != (*out > 0.0));
            if !edge {
                assert_close("input", input, &truth[1], 3e-5);
                assert_close("weight", weight, &truth[2], 3e-5);
                assert_close("bias", bias, &truth[3], 3e-5);
            }
            let alone = normalization.backward(isa, &x, &grad, Wanted { input: false, ..ALL });
            prop_assert_eq!(&alone, &Gradients { input: None, ..gradients.clone() });
            let alone = normalization.backward(isa, &x, &grad, Wanted { parameters: false, ..ALL });
            prop_assert_eq!(&alone, &Gradients { parameters: None, ..gradients.clone() });
            let found = (out.iter().map(|v| v.to_bits()).collect(), gradients);
            let first = bits.get_or_insert_with(|| found.clone());
            prop_assert_eq!(&*first, &found, "{}", isa.name());
        }
    }
}

/// Values are far from 0. Sums of squares in f32 would lose the variance entirely.
#[test]
fn values_far_from_zero_keep_their_variance() {
    let x: Vec<f32> = numbers(2000, 1).into_iter().map(|v| 4096.0 + v).collect();
    let parameters = Parameters { weight: &[1.0], bias: &[0.0], epsilon: 1e-5 };
    let truth = naive(&x, &numbers(2000, 2), 1000, parameters, false, None);
    for isa in Isa::available() {
        let (out, normalization) = forward(isa, &x, 1000, parameters, false);
        assert_close("out", &out, &truth[0], 1e-5);
        assert_close("input", &normalization.backward(isa, &x, &numbers(2000, 2), ALL).input.unwrap(), &truth[1], 1e-5);
    }
}

#[test]
fn a_diverged_channel_stays_nan_and_the_others_do_not() {
    let mut x = numbers(2 * 3 * 20, 1);
    x[25] = f32::NAN;
    let parameters = Parameters { weight: &[1.0; 3], bias: &[0.5; 3], epsilon: 1e-5 };
    for relu in [false, true] {
        let (out, normalization) = forward(Isa::best(), &x, 20, parameters, relu);
        for (i, v) in out.iter().enumerate() {
            assert_eq!(v.is_nan(), i / 20 % 3 == 1);
        }
        let nan = |values: Vec<f32>| values.iter().map(|v| v.is_nan()).collect::<Vec<_>>();
        assert_eq!(nan(normalization.mean()), [false, true, false]);
        assert_eq!(nan(normalization.unbiased_variance()), [false, true, false]);
    }
}

#[test]
fn bits_do_not_depend_on_threads() {
    for (channels, pixels) in [(7, 5001), (300, 16)] {
        let (x, grad) = (numbers(5 * channels * pixels, 1), numbers(5 * channels * pixels, 2));
        let (weight, bias) = (numbers(channels, 3), numbers(channels, 4));
        let parameters = Parameters { weight: &weight, bias: &bias, epsilon: 1e-5 };
        on_threads(|| {
            let (out, normalization) = forward(Isa::best(), &x, pixels, parameters, true);
            (out, normalization.mean(), normalization.backward(Isa::best(), &x, &grad, ALL))
        });
    }
}
