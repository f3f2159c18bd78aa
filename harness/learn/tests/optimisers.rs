//! Compares optimisers, schedules and clipping with PyTorch; `reference/training.py` made the numbers.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use candle_core::{Device, Tensor, Var};
use harness_learn::{
    models::{Entry, Role, State},
    ops::{self, Gradients, composed},
    optimizer::{Optimizer, OptimizerSpec},
    train::{LearningRate, ScheduleSpec, clip_gradients},
};
use harness_record::random;
use std::{collections::HashMap, path::Path};

const NAMES: [&str; 3] = ["a", "b", "c"];

fn golden(name: &str) -> HashMap<String, Tensor> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden-training").join(name);
    candle_core::safetensors::load(path, &Device::Cpu).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// Largest difference of two tensors relative to the largest value of the second.
fn difference(ours: &Tensor, theirs: &Tensor) -> f32 {
    assert_eq!(ours.dims(), theirs.dims());
    let scale = values(theirs).iter().fold(0f32, |a, b| a.max(b.abs()));
    values(ours).iter().zip(values(theirs)).fold(0f32, |a, (x, y)| a.max((x - y).abs())) / scale
}

fn state(tensors: impl Fn(&str) -> Tensor) -> State {
    let entry = |name: &str| Entry { var: Var::from_tensor(&tensors(name)).unwrap(), role: Role::Parameter };
    NAMES.iter().map(|&name| (name.to_owned(), entry(name))).collect()
}

/// Gradients of the parameters in `state`, by name.
fn gradients(state: &State, of: impl Fn(&str) -> Tensor) -> Gradients {
    let mut store = Gradients::default();
    for (name, entry) in state {
        store.insert(entry.var.as_tensor(), of(name));
    }
    store
}

#[test]
fn optimisers_step_as_pytorch() {
    let golden = golden("optimisers.safetensors");
    for (kind, spec) in [
        ("adam", r#"{"adam": {"learning_rate": 1e-2}}"#),
        ("adam-odd", r#"{"adam": {"learning_rate": 3e-2, "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-3}}"#),
        ("adamw", r#"{"adamw": {"learning_rate": 1e-2}}"#),
        ("adamw-strong", r#"{"adamw": {"learning_rate": 1e-1, "beta1": 0.5, "beta2": 0.9, "weight_decay": 0.3}}"#),
    ] {
        let spec: OptimizerSpec = serde_json::from_str(spec).unwrap();
        let state = state(|name| golden[&format!("weight.{name}")].clone());
        let mut optimizer = Optimizer::new(&spec, &state).unwrap();
        let mut worst = 0f32;
        for i in 0..8 {
            let rate = spec.learning_rate() / if i < 5 { 1.0 } else { 10.0 };
            let gradients = gradients(&state, |name| golden[&format!("gradient.{i}.{name}")].clone());
            optimizer.step(&gradients, rate).unwrap();
            for (name, entry) in &state {
                worst = worst.max(difference(entry.var.as_tensor(), &golden[&format!("{kind}.{i}.{name}")]));
            }
        }
        println!("{kind}: largest relative error {worst:e}");
        assert!(worst < 1e-6, "{kind}: {worst:e}");
        assert_eq!(optimizer.steps(), 8);
    }
}

fn slot<'a>([weight, first, second]: &'a [Var; 3], gradient: &'a Tensor) -> ops::AdamSlot<'a> {
    ops::AdamSlot { weight, first, second, gradient }
}

#[test]
fn other_devices_step_alike() {
    // The code for other devices is composed of candle's primitives, which also run on a CPU.
    let tensor = |word: &str| {
        let mut rng = random::generator(&[word]);
        let data: Vec<f32> = (0..500).map(|_| random::unit(&mut rng) + 0.1).collect();
        Var::from_vec(data, 500, &Device::Cpu).unwrap()
    };
    let step = ops::AdamStep { beta1: 0.8, beta2: 0.95, keep: 0.99, rate: 0.1, correction: 0.3, epsilon: 1e-3 };
    let gradient = tensor("gradient");
    let [ours, theirs] = [(), ()].map(|()| ["w", "first", "second"].map(tensor));
    ops::adam(&[slot(&ours, &gradient)], step).unwrap();
    composed::adam(&[slot(&theirs, &gradient)], step).unwrap();
    assert!(ours.iter().zip(&theirs).all(|(ours, theirs)| difference(ours, theirs) < 1e-6));
    let other = Tensor::zeros(499, candle_core::DType::F32, &Device::Cpu).unwrap();
    assert!(ops::adam(&[slot(&ours, &other)], step).is_err());
    assert!(ops::gradient_norm(&[]).is_err());
    let gradients = [gradient.as_tensor(), ours[0].as_tensor()];
    let norms = [ops::gradient_norm(&gradients).unwrap(), composed::gradient_norm(&gradients).unwrap()];
    let [ours, theirs] = norms.each_ref().map(|norm| norm.to_scalar::<f64>().unwrap());
    assert!((ours - theirs).abs() < 1e-6 * ours);
    for most in [0.5, 1000.0] {
        let clipped = composed::clip(&gradients, &norms[0], most, 1e-6).unwrap();
        let pairs = ops::clip(&gradients, &norms[0], most).unwrap().into_iter().zip(clipped);
        assert!(pairs.into_iter().all(|(ours, theirs)| difference(&ours, &theirs) < 1e-6));
    }
}

#[test]
fn gradients_are_clipped_as_by_pytorch() {
    let golden = golden("clipping.safetensors");
    for (most, clipped) in [("0.5", true), ("3.0", true), ("1000.0", false)] {
        let state = state(|name| golden[&format!("gradient.{name}")].zeros_like().unwrap());
        let mut store = gradients(&state, |name| golden[&format!("gradient.{name}")].clone());
        let norm = clip_gradients(&mut store, &state, most.parse().unwrap()).unwrap().to_scalar::<f64>().unwrap();
        let theirs = f64::from(values(&golden[&format!("norm.{most}")])[0]);
        assert!((norm - theirs).abs() < 1e-6 * theirs, "{norm} against {theirs}");
        for (name, entry) in &state {
            let gradient = store.get(entry.var.as_tensor()).unwrap();
            assert!(difference(gradient, &golden[&format!("clipped.{most}.{name}")]) < 1e-6, "{most} {name}");
            assert_eq!(values(gradient) != values(&golden[&format!("gradient.{name}")]), clipped, "{most} {name}");
        }
    }
}

#[test]
fn the_norm_does_not_depend_on_threads() {
    let mut rng = random::generator(&["norm"]);
    let data: Vec<f32> = (0..200_001).map(|_| random::unit(&mut rng) - 0.3).collect();
    let x = Tensor::from_vec(data, 200_001, &Device::Cpu).unwrap();
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| ops::gradient_norm(&[&x]).unwrap().to_scalar::<f64>().unwrap().to_bits())
    };
    assert!([2, 3, 5].iter().all(|&threads| run(threads) == run(1)));
}

#[test]
fn schedules_give_the_rates_of_pytorch() {
    #[derive(serde::Deserialize)]
    struct Case {
        schedule: ScheduleSpec,
        base: f64,
        losses: Vec<f64>,
        rates: Vec<f64>,
    }
    let cases: Vec<Case> = serde_json::from_str(include_str!("golden-training/schedules.json")).unwrap();
    assert_eq!(cases.len(), 8);
    for Case { schedule, base, losses, rates } in cases {
        let mut rate = LearningRate::new(&schedule, base, losses.len() as u32);
        schedule.check(base, losses.len() as u32).unwrap();
        for (i, (loss, expected)) in losses.iter().zip(&rates).enumerate() {
            let ours = rate.of(i as u32 + 1);
            assert!((ours - expected).abs() <= 1e-12 * base, "{schedule:?}, epoch {}: {ours} {expected}", i + 1);
            rate.observe(*loss);
        }
        assert!(rates.iter().any(|rate| rate != &base), "{schedule:?} is no test: the rate never changes");
    }
}

#[test]
fn what_is_impossible_is_named() {
    let optimizer = |text: &str| serde_json::from_str::<OptimizerSpec>(text).unwrap().check();
    assert_eq!(optimizer(r#"{"adamw": {"learning_rate": 1e-3}}"#), Ok(()));
    for (text, field) in [
        (r#"{"adamw": {"learning_rate": 0.0}}"#, "adamw.learning_rate"),
        (r#"{"adam": {"learning_rate": 0.1, "beta2": 1.0}}"#, "adam.beta2"),
        (r#"{"adamw": {"learning_rate": 0.1, "weight_decay": -0.1}}"#, "adamw.weight_decay"),
        (r#"{"adamw": {"learning_rate": 0.1, "weight_decay": 20.0}}"#, "adamw.weight_decay"),
    ] {
        assert_eq!(optimizer(text).unwrap_err().0, field, "{text}");
    }
    let schedule = |text: &str| serde_json::from_str::<ScheduleSpec>(text).unwrap().check(1e-3, 10);
    for text in [r#""constant""#, r#"{"plateau": {}}"#, r#"{"cosine": {"warmup": 9, "floor": 0.001}}"#] {
        assert_eq!(schedule(text), Ok(()), "{text}");
    }
    for (text, field) in [
        (r#"{"plateau": {"factor": 1.0}}"#, "plateau.factor"),
        (r#"{"cosine": {"warmup": 10}}"#, "cosine.warmup"),
        (r#"{"cosine": {"floor": 0.01}}"#, "cosine.floor"),
    ] {
        assert_eq!(schedule(text).unwrap_err().0, field, "{text}");
    }
}
