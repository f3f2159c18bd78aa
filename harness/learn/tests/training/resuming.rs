//! Tests that training gives the same bytes when it is interrupted anywhere and resumed.

use crate::fixture::{Scripted, StopAfter, all, cross_entropy, cut, pictures, segmentation, spec, values, weights};
use candle_core::Device;
use harness_images::augment::DistortionSpec;
use harness_learn::{
    losses::LossesSpec,
    train::{FinetuneSpec, Progress, Reconstruction, Segmentation, Task, TrainError},
};
use harness_record::{
    monitor::{Monitor, Silent},
    vocabulary::{Protocol, Purpose},
};
use std::{path::Path, sync::atomic::AtomicU32};

/// Everything that a checkpoint has to carry: the state of every schedule, the best weights, the epochs waited.
const EVERYTHING: &str = r#", "schedule": {"plateau": {"patience": 0, "factor": 0.5}}, "gradient_clip": 0.5,
    "early_stopping": {"patience": 3}, "keep": {"published": "best"}"#;

/// Trains without interruption, and with one after every few batches: weights, codebook and progress must be equal.
pub(crate) fn assert_resumes(task: &dyn Task, spec: &FinetuneSpec) -> Progress {
    assert_resumes_on(&Device::Cpu, task, spec)
}

pub(crate) fn assert_resumes_on(device: &Device, task: &dyn Task, spec: &FinetuneSpec) -> Progress {
    let train = |folder: &Path, monitor: &dyn Monitor| crate::fixture::train_on(device, task, folder, spec, monitor);
    let whole = tempfile::tempdir().unwrap();
    let (model, progress) = train(whole.path(), &Silent).unwrap();
    let cut = tempfile::tempdir().unwrap();
    let mut sittings = 0;
    let (resumed, again) = loop {
        sittings += 1;
        match train(cut.path(), &StopAfter(AtomicU32::new(5))) {
            Ok(done) => break done,
            Err(TrainError::Interrupted) => assert!(sittings < 20, "no progress"),
            Err(error) => panic!("{error}"),
        }
    };
    assert!(sittings > 2, "it was not interrupted");
    assert_eq!(progress.rows, again.rows);
    assert_eq!((progress.epoch, progress.kept_epoch), (again.epoch, again.kept_epoch));
    assert!(weights(&model) == weights(&resumed), "weights differ");
    // Starting a finished training again, as after a crash before the weights were saved, gives the same result.
    let (restored, _) = train(cut.path(), &Silent).unwrap();
    assert!(weights(&model) == weights(&restored), "weights differ when nothing is left to do");
    progress
}

#[test]
fn interrupted_finetuning_ends_as_if_it_had_not_been() {
    let pictures = pictures(Purpose::Segmentation);
    let split = cut(&pictures, 4);
    let losses = LossesSpec::default();
    for protocol in [Protocol::Corrected, Protocol::Published] {
        let task = segmentation(&pictures, &split, protocol, losses.under(protocol));
        assert_resumes(&task, &spec(4, 1e-3, ""));
    }
    let augmentation = serde_json::from_str(r#"[{"flip": {}}, {"crop": {}}, {"jitter": {}}]"#).unwrap();
    let plain = segmentation(&pictures, &split, Protocol::Corrected, &losses.corrected);
    assert_resumes(&Segmentation { augmentation: &augmentation, ..plain }, &spec(4, 1e-3, ""));
}

#[test]
fn interrupted_training_keeps_schedule_best_weights_and_patience() {
    let pictures = pictures(Purpose::Segmentation);
    let split = cut(&pictures, 4);
    let loss = cross_entropy();
    let mut spec = spec(4, 1e-3, EVERYTHING);
    spec.optimizer = serde_json::from_str(r#"{"adamw": {"learning_rate": 0.03}}"#).unwrap();
    for protocol in [Protocol::Corrected, Protocol::Published] {
        assert_resumes(&segmentation(&pictures, &split, protocol, &loss), &spec);
    }
    // The losses are prescribed, so the course is known: the best epoch is 3, and epoch 6 is the third without
    // improvement.
    let real = segmentation(&pictures, &split, Protocol::Corrected, &loss);
    let task = Scripted::new(&real, &[3.0, 2.0, 1.0, 2.0, 1.5, 1.2]);
    spec.epochs = 20;
    let progress = assert_resumes(&task, &spec);
    assert_eq!((progress.epoch, progress.kept_epoch), (6, 3));
    assert_eq!(values(&progress, "train", "learning_rate"), [0.03, 0.03, 0.03, 0.03, 0.015, 0.0075]);
    let norms = values(&progress, "train", "gradient_norm");
    assert!(norms.len() == 6 && norms.iter().all(|norm| *norm > 0.0), "{norms:?}");
}

#[test]
fn interrupted_pretraining_ends_as_if_it_had_not_been() {
    let pictures = pictures(Purpose::Pretraining);
    let (train, validation) = ((0..10).collect::<Vec<u32>>(), [10, 11]);
    for json in [r#"{"mask": {}}"#, r#"{"mix": {"of": [{"mask": {}}, {"rotate": {}}, {"jitter": {}}]}}"#] {
        let distortion: DistortionSpec = serde_json::from_str(json).unwrap();
        let task = Reconstruction {
            pictures: &pictures,
            train: all(&train),
            validation: &validation,
            distortion: &distortion,
            normalise: None,
            batch: 4,
            seed: 1,
            protocol: Protocol::Corrected,
        };
        assert_resumes(&task, &spec(4, 1e-3, ""));
        assert_resumes(&task, &spec(4, 1e-3, EVERYTHING));
    }
}
