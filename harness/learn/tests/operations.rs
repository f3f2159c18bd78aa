//! Our operations against the same ones made of candle's primitives, outputs and gradients, over random shapes.
//!
//! candle's composition is what runs on devices other than the CPU, so this also holds for them, as far as a CPU can tell.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use candle_core::{Device, Result, Tensor, Var};
use harness_learn::{
    ops::{self, composed},
    random,
};
use proptest::prelude::*;

fn tensor(shape: &[usize], words: &[&str]) -> Var {
    let mut rng = random::generator(words);
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| random::unit(&mut rng) * 2.0 - 1.0).collect();
    Var::from_tensor(&Tensor::from_vec(values, shape, &Device::Cpu).unwrap()).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn assert_close(what: &str, ours: &Tensor, theirs: &Tensor) {
    assert_eq!(ours.dims(), theirs.dims(), "shape of {what}");
    let (ours, theirs) = (values(ours), values(theirs));
    let scale = theirs.iter().fold(1f32, |a, b| a.max(b.abs()));
    for (i, (x, y)) in ours.iter().zip(&theirs).enumerate() {
        assert!((x - y).abs() <= 1e-5 * scale, "{what}[{i}]: {x} against {y}");
    }
}

/// Compares two operations on `inputs`, weighting their outputs so that every element has its own gradient.
fn compare(what: &str, inputs: &[&Var], ours: impl Fn() -> Result<Tensor>, theirs: impl Fn() -> Result<Tensor>) {
    let (ours, theirs) = (ours().unwrap(), theirs().unwrap());
    assert_close(what, &ours, &theirs);
    let weights = tensor(ours.dims(), &["weights"]).as_detached_tensor();
    let gradients = |out: Tensor| (out * &weights).unwrap().sum_all().unwrap().backward().unwrap();
    let (ours, theirs) = (gradients(ours), gradients(theirs));
    for (i, input) in inputs.iter().enumerate() {
        let of = |g: &candle_core::backprop::GradStore| g.get(input.as_tensor()).unwrap().clone();
        assert_close(&format!("{what}: gradient {i}"), &of(&ours), &of(&theirs));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn convolution(
        batch in 1usize..11, channels in 1usize..6, filters in 1usize..6, side in 3usize..14,
        kernel in 1usize..5, stride in 1usize..4, padding in 0usize..3,
    ) {
        prop_assume!(side + 2 * padding >= kernel && padding < kernel);
        let x = tensor(&[batch, channels, side, side], &["x"]);
        let w = tensor(&[filters, channels, kernel, kernel], &["w"]);
        let b = tensor(&[filters], &["b"]);
        compare(
            "conv2d", &[&x, &w, &b],
            || ops::conv2d(&x, &w, &b, stride, padding),
            || composed::conv2d(&x, &w, &b, stride, padding),
        );
    }

    #[test]
    fn transposed_convolution(
        batch in 1usize..11, channels in 1usize..6, filters in 1usize..6, side in 1usize..9,
        kernel in 1usize..5, stride in 1usize..3, padding in 0usize..2, extra in 0usize..2,
    ) {
        prop_assume!(kernel > 2 * padding && extra < stride);
        let x = tensor(&[batch, channels, side, side], &["x"]);
        let w = tensor(&[channels, filters, kernel, kernel], &["w"]);
        let b = tensor(&[filters], &["b"]);
        compare(
            "conv_transpose2d", &[&x, &w, &b],
            || ops::conv_transpose2d(&x, &w, &b, stride, padding, extra),
            || composed::conv_transpose2d(&x, &w, &b, stride, padding, extra),
        );
    }

    #[test]
    fn losses(batch in 1usize..5, side in 1usize..9, scale in 0.1f64..60.0) {
        let x = tensor(&[batch, 3, side, side], &["x"]);
        let logits = || x.as_tensor() * scale;
        let classes: Vec<u8> = (0..batch * side * side).map(|i| (i * 7 % 3) as u8).collect();
        let target = Tensor::from_vec(classes, (batch, side, side), &Device::Cpu).unwrap();
        compare(
            "cross-entropy", &[&x],
            || ops::cross_entropy(&logits()?, &target),
            || composed::cross_entropy(&logits()?, &target),
        );
        let y = tensor(&[batch, 3, side, side], &["y"]);
        compare("mse", &[&x], || ops::mse(&logits()?, &y), || composed::mse(&logits()?, &y));
        compare("relu", &[&x], || ops::relu(&x), || composed::relu(&x));
        compare("add", &[&x, &y], || ops::add(&x, &y), || x.as_tensor() + y.as_tensor());
    }

    #[test]
    fn codebook(batch in 1usize..4, dim in 1usize..9, codes in 1usize..40, side in 1usize..12) {
        let z = tensor(&[batch, dim, side, side], &["z"]);
        let book = tensor(&[dim, codes], &["book"]);
        let ours = ops::nearest_codes(&z, &book).unwrap();
        let theirs = composed::nearest_codes(&z, &book).unwrap();
        assert_close("codes", &ours.quantized, &theirs.quantized);
        assert_close("counts", &ours.counts, &theirs.counts);
        assert_close("sums", &ours.sums, &theirs.sums);
    }
}

#[test]
fn a_rectangular_image_with_stride_two_has_a_gradient() {
    // candle's own composition fails here: it takes the output padding from the height alone.
    let x = tensor(&[2, 3, 8, 7], &["x"]);
    let w = tensor(&[4, 3, 3, 3], &["w"]);
    let b = tensor(&[4], &["b"]);
    let sum = |x: &Tensor| ops::conv2d(x, &w, &b, 2, 1).unwrap().sum_all().unwrap();
    let gradient = values(sum(&x).backward().unwrap().get(x.as_tensor()).unwrap());
    let base = values(&x);
    for at in [0, 6, 55, 100, 335] {
        let moved = |by: f32| {
            let mut values = base.clone();
            values[at] += by;
            sum(&Tensor::from_vec(values, (2, 3, 8, 7), &Device::Cpu).unwrap()).to_scalar::<f32>().unwrap()
        };
        let slope = (moved(0.5) - moved(-0.5)) / 1.0;
        assert!((slope - gradient[at]).abs() < 1e-3, "{at}: {slope} against {}", gradient[at]);
    }
}

#[test]
fn relu_has_gradient_zero_at_zero_and_keeps_nan() {
    let x = Var::new(&[-1f32, 0.0, 2.0, f32::NAN], &Device::Cpu).unwrap();
    let y = ops::relu(&x).unwrap();
    assert!(values(&y)[3].is_nan());
    assert_eq!(values(y.sum_all().unwrap().backward().unwrap().get(x.as_tensor()).unwrap())[..3], [0.0, 0.0, 1.0]);
}

#[test]
fn a_class_that_does_not_exist_is_refused() {
    let logits = tensor(&[1, 3, 1, 1], &["x"]);
    let target = Tensor::from_vec(vec![3u8], (1, 1, 1), &Device::Cpu).unwrap();
    assert!(ops::cross_entropy(&logits, &target).is_err());
}

#[test]
fn bits_do_not_depend_on_threads() {
    let x = tensor(&[9, 5, 13, 13], &["x"]);
    let w = tensor(&[7, 5, 3, 3], &["w"]);
    let b = tensor(&[7], &["b"]);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let out = ops::conv2d(&x, &w, &b, 2, 1).unwrap();
            let gradients = out.sqr().unwrap().sum_all().unwrap().backward().unwrap();
            [&x, &w, &b].map(|v| values(gradients.get(v.as_tensor()).unwrap()))
        })
    };
    let one = run(1);
    assert!([2, 3, 5].iter().all(|&threads| run(threads) == one));
}
