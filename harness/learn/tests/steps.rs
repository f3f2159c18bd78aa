//! Trains a few steps of each network on the first GPU. Without one the tests say so and pass. On the stand-in,
//! `harness/standin/count_steps.sh` counts the launches and copies of a step: those of two steps less those of one.

#![allow(clippy::unwrap_used)]

use harness_learn::{
    bench::{TrainStep, train_step},
    device::{self, DeviceChoice},
    models::{LinknetSpec, ModelSpec, SegnetSpec, VqvaeSpec},
    precision::Precision,
};

/// Number of steps if `HARNESS_STEPS` does not say.
const STEPS: usize = 2;

fn steps(model: &ModelSpec, size: usize) {
    let gpu = match device::select(DeviceChoice::Cuda(0)) {
        Ok(chosen) => chosen.device,
        Err(error) => return println!("not checked: {error}"),
    };
    let steps = std::env::var("HARNESS_STEPS").map_or(STEPS, |text| text.parse().unwrap());
    let precision: Precision = std::env::var("HARNESS_PRECISION").map_or(Precision::F32, |text| text.parse().unwrap());
    precision.apply(&gpu).unwrap();
    let times = train_step(&TrainStep { model, batch: 2, size, warmup: 0, steps }, &gpu).unwrap();
    assert!(times.loss.is_finite() && times.seconds.len() == steps, "{times:?}");
}

#[test]
fn vqvae() {
    // As deep as the published network, and narrow: a step has the same launches.
    let narrow = VqvaeSpec { width: 16, inner: 8, dim: 8, codes: 16, ..VqvaeSpec::default() };
    steps(&ModelSpec::Vqvae(narrow), 16);
}

#[test]
fn segnet() {
    steps(&ModelSpec::Segnet(SegnetSpec { width: 2 }), 16);
}

#[test]
fn linknet() {
    steps(&ModelSpec::Linknet(LinknetSpec { width: 4 }), 32);
}
