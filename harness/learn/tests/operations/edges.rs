//! Tests the edge cases: ties, NaN, sizes of one, invalid arguments, and the number of threads.

use super::{coarse, gradients, tensor, values, variable};
use candle_core::{Device, Result, Tensor, Var};
use harness_learn::ops::{self, After};

fn indices(tensor: &Tensor) -> Vec<u32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn error(result: Result<Tensor>) -> String {
    result.expect_err("an error").to_string()
}

/// What follows a batch normalisation.
const NOTHING: After<'_> = After { add: None, relu: false };
const RELU: After<'_> = After { add: None, relu: true };

#[test]
fn relu_has_gradient_zero_at_zero_and_keeps_nan() {
    let x = variable(vec![-1.0, 0.0, 2.0, f32::NAN], &[4]);
    let (y, gradients) = gradients(&[&x], || ops::relu(&x));
    assert!(values(&y)[3].is_nan());
    assert_eq!(values(&gradients[0])[..3], [0.0, 0.0, values(&super::weights(&[4]))[2]]);
}

#[test]
fn a_class_that_does_not_exist_is_refused() {
    let logits = tensor(&[1, 3, 1, 1], &["x"]);
    let target = Tensor::from_vec(vec![3u8], (1, 1, 1), &Device::Cpu).unwrap();
    assert!(ops::cross_entropy(&logits, &target).is_err());
}

#[test]
fn of_equal_elements_pooling_takes_the_first() {
    let x = variable(vec![1.0, 1.0, 1.0, 1.0], &[1, 1, 2, 2]);
    let pooled = ops::max_pool2d(&x, 2, 2, 0).unwrap();
    assert_eq!(indices(&pooled.indices), [0]);
    let (_, gradients) = gradients(&[&x], || Ok(ops::max_pool2d(&x, 2, 2, 0)?.values));
    assert_eq!(values(&gradients[0]), [values(&super::weights(&[1, 1, 1, 1]))[0], 0.0, 0.0, 0.0]);
}

#[test]
fn padding_is_never_a_maximum() {
    let x = variable(vec![f32::NEG_INFINITY, -3.0, -2.0, -1.0], &[1, 1, 2, 2]);
    let pooled = ops::max_pool2d(&x, 2, 2, 1).unwrap();
    assert_eq!(values(&pooled.values), [f32::NEG_INFINITY, -3.0, -2.0, -1.0]);
    assert_eq!(indices(&pooled.indices), [0, 1, 2, 3]);
}

#[test]
fn pooling_and_division_keep_nan() {
    let x = variable(vec![1.0, f32::NAN, 9.0, 2.0], &[1, 1, 2, 2]);
    let pooled = ops::max_pool2d(&x, 2, 1, 0).unwrap();
    assert!(values(&pooled.values)[0].is_nan());
    assert_eq!(indices(&pooled.indices), [1]);
    assert!(values(&ops::divide_by_maximum(&x).unwrap()).iter().all(|v| v.is_nan()));
    let one = variable(vec![1.0], &[1]);
    let normalized = ops::batch_norm(&x, &one, &one, 1e-5, None, NOTHING).unwrap();
    assert!([normalized.output, normalized.mean, normalized.variance].iter().all(|t| values(t)[0].is_nan()));
}

#[test]
fn a_shared_maximum_gets_the_gradient_of_all_its_windows() {
    // Four windows overlap, and the centre is the largest element of each.
    let x = variable(vec![0.0, 1.0, 2.0, 3.0, 9.0, 4.0, 5.0, 6.0, 7.0], &[1, 1, 3, 3]);
    let pooled = ops::max_pool2d(&x, 2, 1, 0).unwrap();
    assert_eq!(indices(&pooled.indices), [4; 4]);
    let (_, gradients) = gradients(&[&x], || Ok(ops::max_pool2d(&x, 2, 1, 0)?.values));
    assert_eq!(values(&gradients[0])[4], values(&super::weights(&[1, 1, 2, 2])).iter().sum::<f32>());
}

#[test]
fn where_indices_are_equal_the_last_element_is_seen_and_each_gets_its_gradient() {
    let x = variable(vec![1.0, 2.0, 3.0], &[1, 1, 1, 3]);
    let at = Tensor::from_vec(vec![5u32, 0, 5], (1, 1, 1, 3), &Device::Cpu).unwrap();
    let (out, gradients) = gradients(&[&x], || ops::max_unpool2d(&x, &at, 2, 3));
    assert_eq!(values(&out), [2.0, 0.0, 0.0, 0.0, 0.0, 3.0]);
    let weights = values(&super::weights(&[1, 1, 2, 3]));
    assert_eq!(values(&gradients[0]), [weights[5], weights[0], weights[5]]);
}

#[test]
fn what_does_not_fit_is_refused() {
    let x = tensor(&[1, 2, 4, 4], &["x"]);
    let one = tensor(&[1], &["one"]);
    let two = tensor(&[2], &["two"]);
    for (kernel, stride, padding) in [(0, 1, 0), (2, 0, 0), (5, 1, 0), (3, 1, 2)] {
        let error = ops::max_pool2d(&x, kernel, stride, padding).expect_err("an error").to_string();
        assert!(error.contains(&format!("windows of {kernel} with stride {stride}")), "{error}");
    }
    let far = Tensor::new(&[[[[16u32]], [[0]]]], &Device::Cpu).unwrap();
    let small = tensor(&[1, 2, 1, 1], &["small"]);
    assert!(error(ops::max_unpool2d(&small, &far, 4, 4)).contains("index 16 lies outside a plane 4×4"));
    assert!(error(ops::max_unpool2d(&x, &far, 4, 4)).contains("by indices [1, 2, 1, 1]"));
    let single = ops::batch_norm(&small, &two, &two, 1e-5, None, NOTHING).expect_err("an error").to_string();
    assert!(single.contains("at least two values in a channel; [1, 2, 1, 1] has 1"), "{single}");
    assert!(
        ops::batch_norm(&x, &one, &two, 1e-5, None, NOTHING).is_err()
            && ops::batch_norm(&x, &two, &one, 1e-5, None, NOTHING).is_err()
    );
    assert!(ops::batch_norm_fixed(&x, &two, &one, &two, &two, 1e-5, NOTHING).is_err());
    assert!(ops::batch_norm_fixed(&small, &two, &two, &two, &two, 1e-5, NOTHING).is_ok());
    let empty = Tensor::zeros((0, 3), candle_core::DType::F32, &Device::Cpu).unwrap();
    assert!(error(ops::divide_by_maximum(&empty)).contains("no elements"));
    let weight = tensor(&[2, 1, 3, 3], &["weight"]);
    assert!(error(ops::conv_transpose2d(x.as_tensor(), &weight, &one, 2, 1, 2)).contains("less than the stride"));
}

/// Nobody needs the data's gradient, and where a variance is 0, rounding must not make it negative.
#[test]
fn constants_are_normalised_to_the_bias_and_data_get_no_gradient() {
    let x = (tensor(&[3, 2, 5, 5], &["x"]).zeros_like().unwrap() + 0.1).unwrap();
    let (weight, bias) = (tensor(&[2], &["weight"]), tensor(&[2], &["bias"]));
    let normalized = ops::batch_norm(&x, &weight, &bias, 0.0, None, NOTHING).unwrap();
    assert!(values(&normalized.variance).iter().all(|v| *v >= 0.0 && *v < 1e-12));
    let normalized = ops::batch_norm(&x, &weight, &bias, 1e-5, None, NOTHING).unwrap();
    let expected = values(&bias);
    for (i, v) in values(&normalized.output).iter().enumerate() {
        assert!((v - expected[i / 25 % 2]).abs() < 1e-6);
    }
    let (out, tape) = ops::record(|| ops::batch_norm(&x, &weight, &bias, 1e-5, None, NOTHING).unwrap().output);
    let gradients = tape.gradients_along(&out, &super::weights(&[3, 2, 5, 5])).unwrap();
    assert!(gradients.get(&x).is_none() && gradients.get(bias.as_tensor()).is_some());
}

/// The bits of an operation's output and gradients.
fn all(inputs: &[&Var], operation: impl FnOnce() -> Result<Tensor>) -> Vec<u32> {
    let (out, gradients) = gradients(inputs, operation);
    [out].iter().chain(&gradients).flat_map(values).map(f32::to_bits).collect()
}

#[test]
fn bits_do_not_depend_on_threads() {
    let x = tensor(&[9, 5, 13, 13], &["x"]);
    let narrow = coarse(&[9, 5, 130, 130], &["narrow"]);
    let [w, t] = [tensor(&[7, 5, 3, 3], &["w"]), tensor(&[5, 7, 3, 3], &["t"])];
    let b = tensor(&[7], &["b"]);
    let other = coarse(&[9, 5, 130, 130], &["other"]);
    let [gamma, beta, mean] = ["gamma", "beta", "mean"].map(|name| tensor(&[5], &[name]));
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let pool = || ops::max_pool2d(&narrow, 3, 2, 1);
            let variance = mean.sqr().unwrap();
            let given = || ops::batch_norm_fixed(&narrow, &mean, &variance, &gamma, &beta, 1e-5, NOTHING);
            [
                all(&[&x, &w, &b], || ops::conv2d(x.as_tensor(), &w, Some(&b), 2, 1)),
                all(&[&x, &w], || ops::conv2d(x.as_tensor(), &w, None, 2, 1)),
                all(&[&x, &t, &b], || ops::conv_transpose2d(x.as_tensor(), &t, &b, 2, 1, 1)),
                all(&[&narrow], || Ok(pool()?.values)),
                all(&[&narrow], || ops::max_unpool2d(&pool()?.values, &pool()?.indices, 130, 130)),
                all(&[&narrow, &gamma, &beta], || {
                    Ok(ops::batch_norm(&narrow, &gamma, &beta, 1e-5, None, NOTHING)?.output)
                }),
                all(&[&narrow, &gamma, &beta], given),
                all(&[&narrow], || ops::divide_by_maximum(&narrow)),
                all(
                    &[&narrow, &gamma, &beta],
                    || Ok(ops::batch_norm(&narrow, &gamma, &beta, 1e-5, None, RELU)?.output),
                ),
                all(&[&narrow, &other], || ops::add(&narrow, &other)),
                all(&[&narrow], || ops::sigmoid(&narrow)),
            ]
        })
    };
    let one = run(1);
    assert!([2, 3, 5].iter().all(|&threads| run(threads) == one));
}
