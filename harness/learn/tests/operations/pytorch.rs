//! Compares our operations, and candle's composition, with PyTorch's numbers, made by `reference/operations.py`.

use super::{assert_close, values, variable};
use candle_core::{Device, Result, Tensor, Var};
use harness_learn::ops::{self, After, composed};
use std::{collections::HashMap, path::Path};

/// The tensors of one case.
struct Case {
    name: &'static str,
    tensors: HashMap<String, Tensor>,
}

impl Case {
    fn read(name: &'static str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden-ops/ops.safetensors");
        let all = candle_core::safetensors::load(path, &Device::Cpu).unwrap();
        let of_case = |(key, t): (String, Tensor)| Some((key.strip_prefix(name)?.strip_prefix('.')?.to_owned(), t));
        Self { name, tensors: all.into_iter().filter_map(of_case).collect() }
    }

    fn get(&self, tensor: &str) -> &Tensor {
        self.tensors.get(tensor).unwrap_or_else(|| panic!("{} has no {tensor}", self.name))
    }

    fn input(&self, tensor: &str) -> Var {
        variable(values(self.get(tensor)), self.get(tensor).dims())
    }

    fn indices(&self) -> Vec<u32> {
        self.get("indices").flatten_all().unwrap().to_vec1().unwrap()
    }

    /// Compares output, and the gradients of the named inputs.
    fn check(&self, inputs: &[(&str, &Var)], operation: impl FnOnce() -> Result<Tensor>) {
        let (out, tape) = ops::record(operation);
        let out = out.unwrap();
        assert_close(self.name, &out, self.get("out"));
        let gradients = tape.gradients_along(&out, self.get("weights")).unwrap();
        for (name, input) in inputs {
            let ours = gradients.get(input.as_tensor()).expect("a gradient");
            assert_close(&format!("{}: gradient of {name}", self.name), ours, self.get(&format!("grad_{name}")));
        }
    }
}

#[test]
fn pooling() {
    for (name, kernel, padding) in [("pool_ties", 3, 1), ("pool_negative", 3, 1), ("pool_halves", 2, 0)] {
        let case = Case::read(name);
        let x = case.input("x");
        for pool in [ops::max_pool2d, composed::max_pool2d] {
            let indices = pool(&x, kernel, 2, padding).unwrap().indices;
            assert_eq!(indices.flatten_all().unwrap().to_vec1::<u32>().unwrap(), case.indices(), "{name}");
            case.check(&[("x", &x)], || Ok(pool(&x, kernel, 2, padding)?.values));
        }
    }
}

#[test]
fn unpooling_to_odd_sizes() {
    let case = Case::read("unpool");
    let (x, indices) = (case.input("x"), case.get("indices"));
    case.check(&[("x", &x)], || ops::max_unpool2d(&x, indices, 7, 9));
    case.check(&[("x", &x)], || composed::max_unpool2d(&x, indices, 7, 9));
}

#[test]
fn batch_normalization() {
    for name in ["norm", "norm_far"] {
        let case = Case::read(name);
        let [x, weight, bias] = ["x", "weight", "bias"].map(|name| case.input(name));
        let check = |normalize: &dyn Fn() -> Result<ops::Normalized>| {
            case.check(&[("x", &x), ("weight", &weight), ("bias", &bias)], || Ok(normalize()?.output));
            let normalized = normalize().unwrap();
            assert_close("mean", &normalized.mean, case.get("mean"));
            assert_close("variance", &normalized.variance, case.get("variance"));
        };
        check(&|| ops::batch_norm(&x, &weight, &bias, 1e-5, None, After::default()));
        // The composition sums in f32, which is not precise enough for values far from 0.
        if name == "norm" {
            check(&|| composed::batch_norm(&x, &weight, &bias, 1e-5, None, After::default()));
        }
    }
}

#[test]
fn batch_normalization_by_given_statistics() {
    let case = Case::read("norm_fixed");
    let [x, weight, bias] = ["x", "weight", "bias"].map(|name| case.input(name));
    let (mean, variance) = (case.get("mean"), case.get("variance"));
    let inputs = [("x", &x), ("weight", &weight), ("bias", &bias)];
    case.check(&inputs, || ops::batch_norm_fixed(&x, mean, variance, &weight, &bias, 1e-5, After::default()));
    case.check(&inputs, || composed::batch_norm_fixed(&x, mean, variance, &weight, &bias, 1e-5, After::default()));
}

#[test]
fn division_by_the_maximum() {
    for name in ["divide", "divide_ties"] {
        let case = Case::read(name);
        let x = case.input("x");
        case.check(&[("x", &x)], || ops::divide_by_maximum(&x));
        case.check(&[("x", &x)], || composed::divide_by_maximum(&x));
    }
}

#[test]
fn convolutions() {
    for (name, stride, padding, extra) in [("transposed", 2, 1, 1), ("transposed_wide", 3, 0, 2)] {
        let case = Case::read(name);
        let [x, weight, bias] = ["x", "weight", "bias"].map(|name| case.input(name));
        let inputs = [("x", &x), ("weight", &weight), ("bias", &bias)];
        case.check(&inputs, || ops::conv_transpose2d(x.as_tensor(), &weight, &bias, stride, padding, extra));
        case.check(&inputs, || composed::conv_transpose2d(&x, &weight, &bias, stride, padding, extra, false));
    }
    let case = Case::read("convolution");
    let [x, weight] = ["x", "weight"].map(|name| case.input(name));
    case.check(&[("x", &x), ("weight", &weight)], || ops::conv2d(x.as_tensor(), &weight, None, 2, 1));
    case.check(&[("x", &x), ("weight", &weight)], || composed::conv2d(&x, &weight, None, 2, 1, false));
}
