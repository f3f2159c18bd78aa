//! Compares outputs and gradients of our operations with candle's primitives ([`composed`]), with naive loops and their
//! differences in f64 ([`differences`]), and with PyTorch ([`pytorch`]), and tests edge cases ([`edges`]).

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod composed;
mod differences;
mod edges;
mod naive;
mod pytorch;

use candle_core::{Device, Result, Tensor, Var};
use harness_learn::ops;
use harness_record::random;

/// Values in ±1, derived from `words`.
fn tensor(shape: &[usize], words: &[&str]) -> Var {
    let mut rng = random::generator(words);
    variable((0..shape.iter().product()).map(|_| random::unit(&mut rng) * 2.0 - 1.0).collect(), shape)
}

/// Values in ±1, no two of them close, in an order derived from `words`.
fn spaced(shape: &[usize], words: &[&str]) -> Var {
    let count: usize = shape.iter().product();
    let ranks = random::shuffled(count as u32, &mut random::generator(words));
    variable(ranks.iter().map(|&rank| 2.0 * rank as f32 / count as f32 - 1.0).collect(), shape)
}

/// Values in ±1, many of them equal and some 0.
fn coarse(shape: &[usize], words: &[&str]) -> Var {
    let values = values(&tensor(shape, words)).iter().map(|v| (v * 3.0).round() / 3.0).collect();
    variable(values, shape)
}

fn variable(values: Vec<f32>, shape: &[usize]) -> Var {
    Var::from_tensor(&Tensor::from_vec(values, shape, &Device::Cpu).unwrap()).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// Asserts equal shapes, and values that differ by at most 1e-5 of the largest (of 1 at least).
fn assert_close(what: &str, ours: &Tensor, theirs: &Tensor) {
    assert_eq!(ours.dims(), theirs.dims(), "shape of {what}");
    let (ours, theirs) = (values(ours), values(theirs));
    let scale = theirs.iter().fold(1f32, |a, b| a.max(b.abs()));
    for (i, (x, y)) in ours.iter().zip(&theirs).enumerate() {
        assert!((x - y).abs() <= 1e-5 * scale, "{what}[{i}]: {x} against {y}");
    }
}

/// The output of `operation`, and the gradients of `inputs` for a loss that weights each element of it differently.
fn gradients(inputs: &[&Var], operation: impl FnOnce() -> Result<Tensor>) -> (Tensor, Vec<Tensor>) {
    let (out, tape) = ops::record(operation);
    let out = out.unwrap();
    let gradients = tape.gradients_along(&out, &weights(out.dims())).unwrap();
    let of_inputs = inputs.iter().map(|input| gradients.get(input.as_tensor()).expect("a gradient").clone());
    (out, of_inputs.collect())
}

fn weights(shape: &[usize]) -> Tensor {
    tensor(shape, &["weights"]).as_detached_tensor()
}
