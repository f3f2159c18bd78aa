//! Training as a whole: it learns, it repeats, it resumes, it refuses.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use candle_core::Device;
use harness_learn::{
    datasets::{self, DatasetSpec, Pictures, Purpose, SyntheticPets},
    evaluate::{EvaluateSpec, Test},
    models::{Mode, Model, ModelSpec, Role, VqvaeSpec},
    monitor::{Monitor, Silent},
    ops,
    optimizer::{AdamSpec, OptimizerSpec},
    protocol::Protocol,
    split::{Split, split},
    train::{DistortionSpec, Progress, Reconstruction, Schedule, Segmentation, Task, TrainError, fit, images},
};
use std::{
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
};

fn pictures(purpose: Purpose) -> Pictures {
    let spec = DatasetSpec::SyntheticPets(SyntheticPets { trainval: 16, test: 6, unlabelled: 12, seed: 0 });
    let cache = tempfile::tempdir().unwrap();
    let survey = datasets::survey(&spec, purpose, Path::new("."), cache.path(), &Silent).unwrap();
    datasets::load(&spec, purpose, &survey, Path::new("."), cache.path(), 16, &Silent).unwrap()
}

fn model() -> Model {
    let sizes = VqvaeSpec { width: 8, depth: 1, inner: 4, dim: 4, codes: 16, ..VqvaeSpec::default() };
    Model::new(&ModelSpec::Vqvae(sizes), 3, &Device::Cpu).unwrap()
}

fn adam(learning_rate: f64) -> OptimizerSpec {
    OptimizerSpec::Adam(AdamSpec { learning_rate, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 })
}

/// Stops after so many looks.
struct StopAfter(AtomicU32);

impl Monitor for StopAfter {
    fn begin(&self, _: &str, _: u64) {}
    fn advance(&self, _: u64) {}
    fn note(&self, _: &str) {}
    fn end(&self) {}
    fn log(&self, _: &str) {}
    fn stopped(&self) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_err()
    }
}

fn train(
    task: &dyn Task,
    folder: &Path,
    epochs: u32,
    rate: f64,
    monitor: &dyn Monitor,
) -> Result<(Model, Progress), TrainError> {
    let (model, optimizer) = (model(), adam(rate));
    let schedule = Schedule { stage: "test", epochs, batch: 4, optimizer: &optimizer, seed: 1 };
    let progress = fit(&model, task, schedule, folder, &mut |_| Ok(()), monitor)?;
    Ok((model, progress))
}

fn weights(model: &Model) -> Vec<u8> {
    let file = tempfile::NamedTempFile::new().unwrap();
    model.save(file.path(), 16).unwrap();
    std::fs::read(file.path()).unwrap()
}

fn segmentation<'a>(pictures: &'a Pictures, split: &'a Split, protocol: Protocol) -> Segmentation<'a> {
    Segmentation { pictures, train: &split.train, validation: &split.validation, batch: 4, protocol }
}

/// Trains with an interruption after every few batches and without any: weights, codebook and rows must be the same.
fn assert_resumes(task: &dyn Task) {
    let whole = tempfile::tempdir().unwrap();
    let (model, progress) = train(task, whole.path(), 4, 1e-3, &Silent).unwrap();
    let cut = tempfile::tempdir().unwrap();
    let mut sittings = 0;
    let (resumed, again) = loop {
        sittings += 1;
        match train(task, cut.path(), 4, 1e-3, &StopAfter(AtomicU32::new(4))) {
            Ok(done) => break done,
            Err(TrainError::Interrupted) => assert!(sittings < 20, "no progress"),
            Err(error) => panic!("{error}"),
        }
    };
    assert!(sittings > 2, "it was not interrupted");
    assert_eq!(progress.rows, again.rows);
    assert!(weights(&model) == weights(&resumed), "weights differ");
}

#[test]
fn interrupted_finetuning_ends_as_if_it_had_not_been() {
    let pictures = pictures(Purpose::Segmentation);
    let split = split(&pictures, None, 4, 0).unwrap();
    assert_resumes(&segmentation(&pictures, &split, Protocol::Corrected));
    assert_resumes(&segmentation(&pictures, &split, Protocol::Published));
}

#[test]
fn interrupted_pretraining_ends_as_if_it_had_not_been() {
    let pictures = pictures(Purpose::Pretraining);
    let distortion: DistortionSpec = serde_json::from_str(r#"{"mask": {}}"#).unwrap();
    let (train, validation) = ((0..10).collect::<Vec<u32>>(), [10, 11]);
    assert_resumes(&Reconstruction {
        pictures: &pictures,
        train: &train,
        validation: &validation,
        distortion: &distortion,
        batch: 4,
        seed: 1,
    });
}

#[test]
fn loss_falls_and_every_parameter_gets_a_gradient() {
    let pictures = pictures(Purpose::Segmentation);
    let split = split(&pictures, None, 4, 0).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let task = segmentation(&pictures, &split, Protocol::Corrected);
    let (model, progress) = train(&task, folder.path(), 15, 3e-3, &Silent).unwrap();
    let losses: Vec<f64> =
        progress.rows.iter().filter(|r| r.split == "train" && r.metric == "loss").map(|r| r.value).collect();
    assert!(losses[14] < 0.9 * losses[0], "{losses:?}");
    let x = images(&pictures, &[0, 1], &Device::Cpu).unwrap();
    let out = model.forward(&x, Mode::Train).unwrap();
    let loss = (ops::mse(&out.channels, &x).unwrap() + out.penalty.unwrap()).unwrap();
    let gradients = loss.backward().unwrap();
    for (name, entry) in model.state() {
        let there = gradients.get(entry.var.as_tensor()).is_some();
        assert_eq!(there, entry.role == Role::Parameter, "gradient of {name}");
    }
}

#[test]
fn only_the_published_protocol_moves_the_codebook_while_it_tests() {
    let pictures = pictures(Purpose::Segmentation);
    let split = split(&pictures, None, 4, 0).unwrap();
    let spec = EvaluateSpec { batch: 4, blur: vec![0, 50] };
    for (protocol, moves) in [(Protocol::Published, true), (Protocol::Corrected, false)] {
        let model = model();
        let before = weights(&model);
        let test = Test {
            pictures: &pictures,
            train: &split.train,
            test: &split.test,
            spec: &spec,
            protocol,
            epoch: 1,
            gallery: 2,
        };
        let result = test.run(&model, &Silent).unwrap();
        assert_eq!(weights(&model) != before, moves, "{protocol:?}");
        // Six images at two levels, and two baselines.
        assert_eq!(result.images.len(), 6 * 2 + 6 * 2);
        // A truth, and an image and a prediction at each level, for two images.
        assert_eq!(result.gallery.len(), 2 * (1 + 2 * 2));
    }
}

#[test]
fn a_saved_model_gives_the_same_output() {
    let pictures = pictures(Purpose::Segmentation);
    let x = images(&pictures, &[0, 1, 2], &Device::Cpu).unwrap();
    let first = model();
    first.forward(&x, Mode::Train).unwrap(); // moves the codebook away from its first values
    let file = tempfile::NamedTempFile::new().unwrap();
    first.save(file.path(), 16).unwrap();
    let second = Model::new(first.spec(), 99, &Device::Cpu).unwrap();
    second.load(file.path()).unwrap();
    let output = |model: &Model| {
        let out = model.forward(&x, Mode::Train).unwrap().channels;
        (out.flatten_all().unwrap().to_vec1::<f32>().unwrap(), weights(model))
    };
    assert!(output(&first) == output(&second));
}

#[test]
fn weights_of_another_size_are_refused_with_a_list() {
    let file = tempfile::NamedTempFile::new().unwrap();
    model().save(file.path(), 16).unwrap();
    let sizes = VqvaeSpec { width: 8, depth: 1, inner: 6, dim: 4, codes: 16, ..VqvaeSpec::default() };
    let other = Model::new(&ModelSpec::Vqvae(sizes), 0, &Device::Cpu).unwrap();
    let text = other.load(file.path()).unwrap_err().to_string();
    assert!(
        text.contains("shape: encoder.residual_stack.layers.0.1.weight is [4, 8, 3, 3], expected [6, 8, 3, 3]"),
        "{text}"
    );
}

#[test]
fn a_diverging_run_ends_with_an_error() {
    let pictures = pictures(Purpose::Segmentation);
    let split = split(&pictures, None, 4, 0).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let task = segmentation(&pictures, &split, Protocol::Corrected);
    let error = train(&task, folder.path(), 40, 1e6, &Silent).unwrap_err();
    assert!(matches!(error, TrainError::Diverged { .. }), "{error}");
}

#[test]
fn a_damaged_checkpoint_is_named() {
    let pictures = pictures(Purpose::Segmentation);
    let split = split(&pictures, None, 4, 0).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("epoch-000002.safetensors"), b"not a checkpoint").unwrap();
    let error =
        train(&segmentation(&pictures, &split, Protocol::Corrected), folder.path(), 3, 1e-3, &Silent).unwrap_err();
    assert!(error.to_string().contains("epoch-000002.safetensors"), "{error}");
}
