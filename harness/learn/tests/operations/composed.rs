//! Compares our operations with candle's primitives, over random shapes. The composition runs on devices other than the CPU, so
//! this tests it as well, as far as a CPU can.

use super::{assert_close, coarse, gradients, tensor, values, variable};
use candle_core::{Device, Result, Tensor, Var};
use harness_learn::ops::{self, After, BeforeRelu, Moving, Normalized, composed};
use proptest::prelude::*;

fn compare(what: &str, inputs: &[&Var], ours: impl Fn() -> Result<Tensor>, theirs: impl Fn() -> Result<Tensor>) {
    let (ours, theirs) = (gradients(inputs, ours), gradients(inputs, theirs));
    assert_close(what, &ours.0, &theirs.0);
    for (i, (ours, theirs)) in ours.1.into_iter().zip(theirs.1).enumerate() {
        assert_close(&format!("{what}: gradient {i}"), &ours, &theirs);
    }
}

/// Asserts equal outputs and gradients.
fn same(inputs: &[&Var], fused: impl Fn() -> Result<Tensor>, apart: impl Fn() -> Result<Tensor>) {
    let (fused, apart) = (gradients(inputs, fused), gradients(inputs, apart));
    assert_eq!(values(&fused.0), values(&apart.0));
    for (fused, apart) in fused.1.iter().zip(apart.1) {
        assert_eq!(values(fused), values(&apart));
    }
}

/// A batch normalisation.
type Norm = fn(&Tensor, &Tensor, &Tensor, f64, Option<Moving<'_>>, After<'_>) -> Result<Normalized>;

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn convolution(
        (batch, channels, filters) in (1usize..11, 1usize..6, 1usize..6), (height, width) in (1usize..14, 1usize..14),
        (kh, kw) in (1usize..5, 1usize..5), stride in 1usize..4, padding in 0usize..3,
    ) {
        prop_assume!(height + 2 * padding >= kh && width + 2 * padding >= kw && padding < kh.min(kw));
        let x = tensor(&[batch, channels, height, width], &["x"]);
        let w = tensor(&[filters, channels, kh, kw], &["w"]);
        let b = tensor(&[filters], &["b"]);
        compare(
            "conv2d", &[&x, &w, &b],
            || ops::conv2d(x.as_tensor(), &w, Some(&b), stride, padding),
            || composed::conv2d(&x, &w, Some(&b), stride, padding, false),
        );
        compare(
            "conv2d without bias", &[&x, &w],
            || ops::conv2d(x.as_tensor(), &w, None, stride, padding),
            || composed::conv2d(&x, &w, None, stride, padding, false),
        );
    }

    #[test]
    fn transposed_convolution(
        (batch, channels, filters) in (1usize..11, 1usize..6, 1usize..6), (height, width) in (1usize..9, 1usize..9),
        (kh, kw) in (1usize..5, 1usize..5), stride in 1usize..4, padding in 0usize..2, extra in 0usize..3,
    ) {
        prop_assume!(kh.min(kw) > 2 * padding && extra < stride);
        let x = tensor(&[batch, channels, height, width], &["x"]);
        let w = tensor(&[channels, filters, kh, kw], &["w"]);
        let b = tensor(&[filters], &["b"]);
        compare(
            "conv_transpose2d", &[&x, &w, &b],
            || ops::conv_transpose2d(x.as_tensor(), &w, &b, stride, padding, extra),
            || composed::conv_transpose2d(&x, &w, &b, stride, padding, extra, false),
        );
    }

    #[test]
    fn convolutions_after_a_relu(
        batch in 1usize..4, channels in prop_oneof![1usize..5, 16usize..19], filters in prop_oneof![1usize..5, 16usize..19],
        (height, width) in (2usize..12, 2usize..12), shape in 0usize..4,
    ) {
        // These include the kernels that are computed by tiles.
        let (kernel, stride, padding) = [(1, 1, 0), (3, 1, 1), (4, 2, 1), (3, 2, 1)][shape];
        let x = tensor(&[batch, channels, height, width], &["x"]);
        let w = tensor(&[filters, channels, kernel, kernel], &["w"]);
        let b = tensor(&[filters], &["b"]);
        compare(
            "conv2d of a ReLU", &[&x, &w, &b],
            || ops::conv2d(&BeforeRelu::new(&x)?, &w, Some(&b), stride, padding),
            || composed::conv2d(&composed::relu(&x)?, &w, Some(&b), stride, padding, false),
        );
        let w = tensor(&[channels, filters, kernel, kernel], &["w"]);
        compare(
            "conv_transpose2d of a ReLU", &[&x, &w, &b],
            || ops::conv_transpose2d(&BeforeRelu::new(&x)?, &w, &b, stride, padding, stride - 1),
            || composed::conv_transpose2d(&composed::relu(&x)?, &w, &b, stride, padding, stride - 1, false),
        );
    }

    #[test]
    fn residual_blocks(
        batch in 1usize..4, channels in prop_oneof![1usize..5, 16usize..19], inner in prop_oneof![1usize..5, 16usize..19],
        (height, width) in (1usize..9, 1usize..9),
    ) {
        let x = tensor(&[batch, channels, height, width], &["x"]);
        let wide = (tensor(&[inner, channels, 3, 3], &["wide"]), tensor(&[inner], &["wide bias"]));
        let narrow = (tensor(&[channels, inner, 1, 1], &["narrow"]), tensor(&[channels], &["narrow bias"]));
        compare(
            "residual_block", &[&x, &wide.0, &wide.1, &narrow.0, &narrow.1],
            || ops::residual_block(&x, (&wide.0, &wide.1), (&narrow.0, &narrow.1)),
            || composed::residual_block(&x, (&wide.0, &wide.1), (&narrow.0, &narrow.1)),
        );
    }

    #[test]
    fn pooling(
        batch in 1usize..4, channels in 1usize..4, (height, width) in (1usize..12, 1usize..12),
        kernel in 1usize..5, stride in 1usize..5, padding in 0usize..3, ties in any::<bool>(),
    ) {
        prop_assume!(2 * padding <= kernel && height.min(width) + 2 * padding >= kernel);
        let x = if ties { coarse } else { tensor }(&[batch, channels, height, width], &["x"]);
        let ours = ops::max_pool2d(&x, kernel, stride, padding).unwrap();
        let theirs = composed::max_pool2d(&x, kernel, stride, padding).unwrap();
        assert_eq!(ours.indices.flatten_all().unwrap().to_vec1::<u32>().unwrap(),
            theirs.indices.flatten_all().unwrap().to_vec1::<u32>().unwrap());
        compare(
            "max_pool2d", &[&x],
            || Ok(ops::max_pool2d(&x, kernel, stride, padding)?.values),
            || Ok(composed::max_pool2d(&x, kernel, stride, padding)?.values),
        );

        let y = tensor(ours.indices.dims(), &["y"]);
        let unpooled = [ops::max_unpool2d, composed::max_unpool2d].map(|put| put(&y, &ours.indices, height, width));
        let [ours_put, theirs_put] = unpooled.map(Result::unwrap);
        assert_eq!(values(&ours_put), values(&theirs_put));
        compare(
            "max_unpool2d", &[&y],
            || ops::max_unpool2d(&y, &ours.indices, height, width),
            || composed::max_unpool2d(&y, &theirs.indices, height, width),
        );
    }

    #[test]
    fn batch_normalization(batch in 1usize..9, channels in 1usize..5, (height, width) in (1usize..9, 1usize..9)) {
        prop_assume!(batch * height * width > 1);
        let x = tensor(&[batch, channels, height, width], &["x"]);
        let [w, b, mean] = ["w", "b", "mean"].map(|name| tensor(&[channels], &[name]));
        // A large ε keeps the difference of two close values from being amplified, which would show only the rounding of f32.
        let epsilon = 1e-2;
        let ours = ops::batch_norm(&x, &w, &b, epsilon, None, After::default()).unwrap();
        let theirs = composed::batch_norm(&x, &w, &b, epsilon, None, After::default()).unwrap();
        compare(
            "batch_norm", &[&x, &w, &b],
            || Ok(ops::batch_norm(&x, &w, &b, epsilon, None, After::default())?.output),
            || Ok(composed::batch_norm(&x, &w, &b, epsilon, None, After::default())?.output),
        );
        assert_close("mean", &ours.mean, &theirs.mean);
        assert_close("variance", &ours.variance, &theirs.variance);

        let variance = mean.sqr().unwrap();
        compare(
            "batch_norm_fixed", &[&x, &w, &b],
            || ops::batch_norm_fixed(&x, &mean, &variance, &w, &b, epsilon, After::default()),
            || composed::batch_norm_fixed(&x, &mean, &variance, &w, &b, epsilon, After::default()),
        );
    }

    #[test]
    fn division_by_the_maximum(batch in 1usize..5, side in 1usize..9, ties in any::<bool>()) {
        let x = if ties { coarse } else { tensor }(&[batch, 3, side, side], &["x"]);
        // Includes some values above 0, so that the maximum is not 0 where all draws are below it.
        let x = Var::from_tensor(&(x.as_tensor() + 1.5).unwrap()).unwrap();
        compare("x / max", &[&x], || ops::divide_by_maximum(&x), || composed::divide_by_maximum(&x));
    }

    #[test]
    fn losses(batch in 1usize..5, side in 1usize..9, scale in 0.1f64..60.0) {
        let x = tensor(&[batch, 3, side, side], &["x"]);
        let logits = Var::from_tensor(&(x.as_tensor() * scale).unwrap()).unwrap();
        let classes: Vec<u8> = (0..batch * side * side).map(|i| (i * 7 % 3) as u8).collect();
        let target = Tensor::from_vec(classes, (batch, side, side), &Device::Cpu).unwrap();
        compare(
            "cross-entropy", &[&logits],
            || ops::cross_entropy(&logits, &target),
            || composed::cross_entropy(&logits, &target),
        );
        let y = tensor(&[batch, 3, side, side], &["y"]);
        compare("mse", &[&logits], || ops::mse(&logits, &y), || composed::mse(&logits, &y));
        compare("relu", &[&x], || ops::relu(&x), || composed::relu(&x));
        compare("add", &[&x, &y], || ops::add(&x, &y), || composed::add(&x, &y));
        compare("sigmoid", &[&logits], || ops::sigmoid(&logits), || composed::sigmoid(&logits));
        compare(
            "straight_through", &[&x],
            || ops::straight_through(&x, y.as_tensor()),
            || composed::straight_through(&x, y.as_tensor()),
        );
        // A term may occur twice.
        let [one, two] = [0, 1].map(|at| variable(vec![values(&x)[at]], &[]));
        let terms = [(one.as_tensor(), 0.5), (two.as_tensor(), -3.0), (one.as_tensor(), 1.0)];
        compare("weighted_sum", &[&one, &two], || ops::weighted_sum(&terms), || composed::weighted_sum(&terms));
    }

    /// A ReLU fused with the operation before it gives the same bits as a separate ReLU.
    #[test]
    fn fused_relu(batch in 1usize..5, channels in 1usize..4, (height, width) in (1usize..9, 1usize..9)) {
        prop_assume!(batch * height * width > 1);
        let x = coarse(&[batch, channels, height, width], &["x"]);
        let y = coarse(&[batch, channels, height, width], &["y"]);
        let [w, b, mean] = ["w", "b", "mean"].map(|name| tensor(&[channels], &[name]));
        let variance = mean.sqr().unwrap();
        let plain = After::default();
        let [relu, sum] = [None, Some(y.as_tensor())].map(|add| After { add, relu: true });
        let apart = |x: &Tensor, add: Option<&Tensor>| ops::relu(&add.map_or(Ok(x.clone()), |y| ops::add(x, y))?);
        for after in [relu, sum] {
            let inputs = [&x, &w, &b, &y];
            let inputs = &inputs[..if after.add.is_some() { 4 } else { 3 }];
            same(
                inputs,
                || Ok(ops::batch_norm(&x, &w, &b, 1e-2, None, after)?.output),
                || apart(&ops::batch_norm(&x, &w, &b, 1e-2, None, plain)?.output, after.add),
            );
            same(
                inputs,
                || ops::batch_norm_fixed(&x, &mean, &variance, &w, &b, 1e-2, after),
                || apart(&ops::batch_norm_fixed(&x, &mean, &variance, &w, &b, 1e-2, plain)?, after.add),
            );
            compare(
                "batch_norm and more", inputs,
                || Ok(ops::batch_norm(&x, &w, &b, 1e-2, None, after)?.output),
                || Ok(composed::batch_norm(&x, &w, &b, 1e-2, None, after)?.output),
            );
        }
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

    #[test]
    fn running_statistics(channels in 1usize..40, momentum in 0.01f64..0.99) {
        let x = tensor(&[2, channels, 3, 4], &["x"]);
        let one = variable(vec![1.0; channels], &[channels]);
        let moved = |by: Norm| {
            let [mean, variance] = ["a", "b"].map(|name| tensor(&[channels], &[name]));
            let moving = Moving { mean: &mean, variance: &variance, momentum };
            let normalized = by(&x, &one, &one, 1e-5, Some(moving), After::default()).unwrap();
            [mean.as_tensor().clone(), variance.as_tensor().clone(), normalized.mean, normalized.variance]
        };
        let (ours, theirs) = (moved(ops::batch_norm), moved(composed::batch_norm));
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_close("running statistics", ours, theirs);
        }
        let before = tensor(&[channels], &["a"]);
        for ((after, before), batch) in values(&ours[0]).iter().zip(values(&before)).zip(values(&ours[2])) {
            let expected = f64::from(before) * (1.0 - momentum) + f64::from(batch) * momentum;
            assert!((f64::from(*after) - expected).abs() < 1e-6, "{after} against {expected}");
        }
        let three = tensor(&[channels + 1], &["x"]);
        let wrong = Moving { mean: &three, variance: &three, momentum };
        assert!(ops::batch_norm(&x, &one, &one, 1e-5, Some(wrong), After::default()).is_err());
    }
}
