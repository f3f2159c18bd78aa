//! Runs the same training on a GPU, if there is one, with the pictures on it and no waiting within an epoch.

use crate::{
    fixture::{all, cross_entropy, cut, pictures, pictures_of, segmentation, spec, train_on, weights},
    resuming::assert_resumes_on,
};
use candle_core::Device;
use harness_images::augment::{AugmentationSpec, DistortionSpec};
use harness_learn::{
    device::{self, DeviceChoice},
    losses::LossesSpec,
    models::{LinknetSpec, Model, ModelSpec, SegnetSpec, VqvaeSpec},
    train::{FinetuneSpec, Progress, Reconstruction, Segmentation, Task, TrainError, fit},
};
use harness_record::{
    monitor::Silent,
    vocabulary::{Protocol, Purpose},
};

fn gpu() -> Option<Device> {
    match device::select(DeviceChoice::Cuda(0)) {
        Ok(chosen) => Some(chosen.device),
        Err(error) => {
            println!("not checked: {error}");
            None
        }
    }
}

fn train(model: &ModelSpec, task: &dyn Task, spec: &FinetuneSpec, device: &Device) -> Result<Progress, TrainError> {
    let folder = tempfile::tempdir().unwrap();
    let model = Model::new(model, 3, device).unwrap();
    fit(&model, task, spec.training(1, Protocol::Published), folder.path(), &mut |_| Ok(()), &Silent)
}

fn vqvae() -> ModelSpec {
    ModelSpec::Vqvae(VqvaeSpec { width: 8, depth: 1, inner: 4, dim: 4, codes: 16, ..VqvaeSpec::default() })
}

/// Training on both devices ends with the same rows, up to the rounding accumulated over the steps.
fn assert_alike(model: &ModelSpec, task: &dyn Task, spec: &FinetuneSpec, gpu: &Device) {
    let (ours, theirs) = (train(model, task, spec, gpu).unwrap(), train(model, task, spec, &Device::Cpu).unwrap());
    assert_eq!(ours.rows.len(), theirs.rows.len());
    for (ours, theirs) in ours.rows.iter().zip(&theirs.rows) {
        assert_eq!((&ours.split, &ours.metric, ours.epoch), (&theirs.split, &theirs.metric, theirs.epoch));
        let tolerance = if ours.epoch == 1 { 5e-3 } else { 5e-2 };
        assert!(theirs.value.is_finite(), "{theirs:?}");
        let difference = (ours.value - theirs.value).abs();
        assert!(difference <= tolerance * theirs.value.abs().max(0.1), "{ours:?} against {}", theirs.value);
    }
}

#[test]
fn every_network_trains_on_the_gpu_as_on_the_cpu() {
    let Some(gpu) = gpu() else { return };
    let pictures = pictures_of(Purpose::Segmentation, 32);
    let (split, losses) = (cut(&pictures, 4), LossesSpec::default());
    let spec = spec(2, 1e-4, "");
    for model in [vqvae(), ModelSpec::Segnet(SegnetSpec { width: 8 }), ModelSpec::Linknet(LinknetSpec { width: 8 })] {
        for protocol in [Protocol::Published, Protocol::Corrected] {
            println!("{} under {protocol:?}", model.name());
            let task = segmentation(&pictures, &split, protocol, losses.under(protocol));
            assert_alike(&model, &task, &spec, &gpu);
        }
    }
}

#[test]
fn training_on_the_gpu_resumes_and_gives_the_same_bytes_again() {
    let Some(gpu) = gpu() else { return };
    let pictures = pictures(Purpose::Segmentation);
    let (split, loss) = (cut(&pictures, 4), cross_entropy());
    let task = segmentation(&pictures, &split, Protocol::Corrected, &loss);
    assert_resumes_on(&gpu, &task, &spec(4, 1e-3, r#", "gradient_clip": 0.5, "keep": {"published": "best"}"#));
}

#[test]
fn stages_side_by_side_on_one_gpu_do_not_disturb_each_other() {
    let Some(gpu) = gpu() else { return };
    let pictures = pictures(Purpose::Segmentation);
    let (split, loss) = (cut(&pictures, 4), cross_entropy());
    let task = segmentation(&pictures, &split, Protocol::Corrected, &loss);
    let spec = spec(3, 1e-3, "");
    let run = || {
        let folder = tempfile::tempdir().unwrap();
        let (model, progress) = train_on(&gpu, &task, folder.path(), &spec, &Silent).unwrap();
        (weights(&model), progress.rows)
    };
    let alone = run();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(run)).collect();
        for thread in threads {
            assert!(thread.join().unwrap() == alone, "another stage changed this one");
        }
    });
}

#[test]
fn training_on_the_gpu_gives_the_metrics_of_the_cpu() {
    let Some(gpu) = gpu() else { return };
    let labelled = pictures(Purpose::Segmentation);
    let (split, loss) = (cut(&labelled, 4), cross_entropy());
    let augmentation: AugmentationSpec =
        serde_json::from_str(r#"[{"flip": {}}, {"crop": {}}, {"jitter": {}}]"#).unwrap();
    let plain = segmentation(&labelled, &split, Protocol::Corrected, &loss);
    let clipped = spec(2, 1e-3, r#", "gradient_clip": 0.5"#);
    assert_alike(&vqvae(), &Segmentation { augmentation: &augmentation, ..plain }, &clipped, &gpu);
    let unlabelled = pictures(Purpose::Pretraining);
    let distortion: DistortionSpec =
        serde_json::from_str(r#"{"mix": {"of": [{"mask": {}}, {"rotate": {}}, {"jitter": {}}]}}"#).unwrap();
    let (train, validation) = ((0..10).collect::<Vec<u32>>(), [10, 11]);
    let task = Reconstruction {
        pictures: &unlabelled,
        train: all(&train),
        validation: &validation,
        distortion: &distortion,
        normalise: None,
        batch: 4,
        seed: 1,
        protocol: Protocol::Corrected,
    };
    assert_alike(&vqvae(), &task, &spec(2, 1e-3, ""), &gpu);
}

#[test]
fn divergence_on_the_gpu_is_found_at_the_end_of_the_epoch() {
    let Some(gpu) = gpu() else { return };
    let pictures = pictures(Purpose::Segmentation);
    let (split, loss) = (cut(&pictures, 4), cross_entropy());
    let task = segmentation(&pictures, &split, Protocol::Corrected, &loss);
    let mut spec = spec(40, 1e-3, "");
    spec.optimizer = serde_json::from_str(r#"{"adam": {"learning_rate": 1e30}}"#).unwrap();
    let (ours, theirs) =
        (train(&vqvae(), &task, &spec, &gpu).unwrap_err(), train(&vqvae(), &task, &spec, &Device::Cpu).unwrap_err());
    assert_eq!(ours.to_string(), theirs.to_string());
    assert!(matches!(ours, TrainError::Diverged { .. }), "{ours}");
}
