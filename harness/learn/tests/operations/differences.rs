//! Compares our operations with naive loops in f64: outputs with the loops' own, gradients with their central differences.

use super::{
    gradients,
    naive::{self, Array},
    spaced, tensor, values, weights,
};
use candle_core::{Result, Tensor, Var};
use harness_learn::ops::{self, After};
use proptest::prelude::*;

/// Half the distance between the two points of a difference. Values that compete for a maximum are further apart.
const STEP: f64 = 1e-5;

/// Largest difference allowed, relative to the largest value (to 1 at least). Errors of f32 are about a tenth of it.
const TOLERANCE: f64 = 1e-5;

fn assert_near(what: &str, ours: &Tensor, truth: &[f64]) {
    let ours = values(ours);
    assert_eq!(ours.len(), truth.len(), "{what}");
    let scale = truth.iter().fold(1f64, |a, b| a.max(b.abs()));
    for (i, (x, y)) in ours.iter().zip(truth).enumerate() {
        assert!((f64::from(*x) - y).abs() <= TOLERANCE * scale, "{what}[{i}]: {x} against {y}");
    }
}

/// Compares `ours`, computed from `inputs`, with `naive` of the same inputs, and its gradients with differences of `naive`.
fn check(what: &str, inputs: &[&Var], ours: impl FnOnce() -> Result<Tensor>, naive: impl Fn(&[Array]) -> Array) {
    let (ours, gradients) = gradients(inputs, ours);
    let mut arrays: Vec<Array> = inputs.iter().map(|input| Array::of(input)).collect();
    let truth = naive(&arrays);
    assert_eq!(Array::of(&ours).dims, truth.dims, "shape of {what}");
    assert_near(what, &ours, &truth.values);
    let weights = Array::of(&weights(ours.dims())).values;
    for (which, gradient) in gradients.iter().enumerate() {
        assert_eq!(gradient.dims(), inputs[which].dims(), "shape of {what}'s gradient {which}");
        let slopes: Vec<f64> = (0..arrays[which].values.len())
            .map(|at| {
                let middle = arrays[which].values[at];
                let mut loss = |value: f64| -> f64 {
                    arrays[which].values[at] = value;
                    naive(&arrays).values.iter().zip(&weights).map(|(v, w)| v * w).sum()
                };
                let slope = (loss(middle + STEP) - loss(middle - STEP)) / (2.0 * STEP);
                arrays[which].values[at] = middle;
                slope
            })
            .collect();
        assert_near(&format!("{what}: gradient {which}"), gradient, &slopes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn convolution(
        (batch, channels, filters) in (1usize..3, 1usize..3, 1usize..3), (height, width) in (1usize..7, 1usize..7),
        (kh, kw) in (1usize..4, 1usize..4), stride in 1usize..4, padding in 0usize..3,
    ) {
        prop_assume!(height + 2 * padding >= kh && width + 2 * padding >= kw && padding < kh.min(kw));
        let x = tensor(&[batch, channels, height, width], &["x"]);
        let w = tensor(&[filters, channels, kh, kw], &["w"]);
        let b = tensor(&[filters], &["b"]);
        let out = || ops::conv2d(x.as_tensor(), &w, Some(&b), stride, padding);
        check("conv2d", &[&x, &w, &b], out, |a| naive::conv2d(&a[0], &a[1], Some(&a[2]), stride, padding));
        let out = || ops::conv2d(x.as_tensor(), &w, None, stride, padding);
        check("conv2d without bias", &[&x, &w], out, |a| naive::conv2d(&a[0], &a[1], None, stride, padding));
    }

    #[test]
    fn transposed_convolution(
        (batch, channels, filters) in (1usize..3, 1usize..3, 1usize..3), (height, width) in (1usize..6, 1usize..6),
        (kh, kw) in (1usize..5, 1usize..5), stride in 1usize..4, padding in 0usize..2, extra in 0usize..3,
    ) {
        prop_assume!(kh.min(kw) > 2 * padding && extra < stride);
        let x = tensor(&[batch, filters, height, width], &["x"]);
        let w = tensor(&[filters, channels, kh, kw], &["w"]);
        let b = tensor(&[channels], &["b"]);
        let out = || ops::conv_transpose2d(x.as_tensor(), &w, &b, stride, padding, extra);
        check("conv_transpose2d", &[&x, &w, &b], out, |a| {
            naive::conv_transpose2d(&a[0], &a[1], &a[2], stride, padding, extra)
        });
    }

    #[test]
    fn pooling(
        batch in 1usize..3, channels in 1usize..3, (height, width) in (1usize..9, 1usize..9),
        kernel in 1usize..5, stride in 1usize..5, padding in 0usize..3,
    ) {
        prop_assume!(2 * padding <= kernel && height.min(width) + 2 * padding >= kernel);
        let x = spaced(&[batch, channels, height, width], &["x"]);
        let pooled = ops::max_pool2d(&x, kernel, stride, padding).unwrap();
        let out = || Ok(ops::max_pool2d(&x, kernel, stride, padding)?.values);
        check("max_pool2d", &[&x], out, |a| naive::max_pool2d(&a[0], kernel, stride, padding));
        let at: Vec<u32> = pooled.indices.flatten_all().unwrap().to_vec1().unwrap();
        let plane = |i: usize| i / (pooled.indices.elem_count() / batch / channels) * height * width;
        let there: Vec<f32> = at.iter().enumerate().map(|(i, &at)| values(&x)[plane(i) + at as usize]).collect();
        assert_eq!(there, values(&pooled.values), "what lies at the indices");

        let y = tensor(pooled.indices.dims(), &["y"]);
        let out = || ops::max_unpool2d(&y, &pooled.indices, height, width);
        if stride >= kernel {
            check("max_unpool2d", &[&y], out, |a| naive::max_unpool2d(&a[0], &at, height, width));
        } else {
            // If two elements share an index, the gradient is PyTorch's and not the slope, so only the output is compared.
            assert_near("max_unpool2d", &out().unwrap(), &naive::max_unpool2d(&Array::of(&y), &at, height, width).values);
        }
    }

    #[test]
    fn batch_normalization(batch in 1usize..4, channels in 1usize..4, (height, width) in (1usize..6, 1usize..6)) {
        prop_assume!(batch * height * width > 1);
        let x = spaced(&[batch, channels, height, width], &["x"]);
        let [w, b, mean] = ["w", "b", "mean"].map(|name| tensor(&[channels], &[name]));
        let epsilon = 1e-3;
        let ours = ops::batch_norm(&x, &w, &b, epsilon, None, After::default()).unwrap();
        check("batch_norm", &[&x, &w, &b], || Ok(ops::batch_norm(&x, &w, &b, epsilon, None, After::default())?.output), |a| {
            naive::batch_norm(&a[0], &naive::moments(&a[0]), &a[1], &a[2], epsilon)
        });
        let count = (batch * height * width) as f64;
        let moments = naive::moments(&Array::of(&x));
        assert_near("mean", &ours.mean, &moments.iter().map(|m| m.0).collect::<Vec<_>>());
        let unbiased: Vec<f64> = moments.iter().map(|m| m.1 * count / (count - 1.0)).collect();
        assert_near("variance", &ours.variance, &unbiased);

        let variance = (mean.sqr().unwrap() + 0.1).unwrap();
        let given: Vec<(f64, f64)> =
            Array::of(&mean).values.into_iter().zip(Array::of(&variance).values).collect();
        let out = || ops::batch_norm_fixed(&x, &mean, &variance, &w, &b, epsilon, After::default());
        check("batch_norm_fixed", &[&x, &w, &b], out, |a| naive::batch_norm(&a[0], &given, &a[1], &a[2], epsilon));
    }

    #[test]
    fn division_by_the_maximum(
        (batch, channels) in (1usize..4, 1usize..4), (height, width) in (1usize..6, 1usize..6), offset in 0.2f64..2.0,
    ) {
        let x = spaced(&[batch, channels, height, width], &["x"]);
        // Includes the case where all values are below 0: a single value, which the spacing puts at −1.
        let x = Var::from_tensor(&(x.as_tensor() * offset).unwrap()).unwrap();
        let out = ops::divide_by_maximum(&x).unwrap();
        prop_assume!(values(&out).iter().all(|v| v.is_finite()));
        check("x / max", &[&x], || ops::divide_by_maximum(&x), |a| naive::divide_by_maximum(&a[0]));
    }
}
