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
    let batch = std::env::var("HARNESS_BATCH").map_or(2, |text| text.parse().unwrap());
    let times = train_step(&TrainStep { model, batch, size, warmup: 0, steps }, &gpu).unwrap();
    assert!(times.loss.is_finite() && times.seconds.len() == steps, "{times:?}");
}

/// True if the published sizes are asked for. They take the stand-in a minute; the narrow ones have the same launches.
fn published() -> bool {
    std::env::var_os("HARNESS_PUBLISHED").is_some()
}

#[test]
fn vqvae() {
    let narrow = VqvaeSpec { width: 16, inner: 8, dim: 8, codes: 16, ..VqvaeSpec::default() };
    let (spec, size) = if published() { (VqvaeSpec::default(), 120) } else { (narrow, 16) };
    steps(&ModelSpec::Vqvae(spec), size);
}

#[test]
fn segnet() {
    let (spec, size) = if published() { (SegnetSpec::default(), 120) } else { (SegnetSpec { width: 2 }, 16) };
    steps(&ModelSpec::Segnet(spec), size);
}

#[test]
fn linknet() {
    let (spec, size) = if published() { (LinknetSpec::default(), 256) } else { (LinknetSpec { width: 4 }, 32) };
    steps(&ModelSpec::Linknet(spec), size);
}
