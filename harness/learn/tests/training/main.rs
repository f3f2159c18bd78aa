//! Tests training as a whole: it learns, repeats, resumes, stops and rejects invalid input.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod fixture;
mod gpu;
mod resuming;
mod validated;

use candle_core::Device;
use fixture::{cross_entropy, cut, model, pictures, segmentation, spec, train, values, weights};
use harness_learn::{
    evaluate::{EvaluateSpec, Test},
    losses::{LossSpec, LossesSpec, Term},
    models::{Mode, Model, ModelSpec, Role, VqvaeSpec},
    ops,
    train::{TrainError, images},
};
use harness_record::{
    monitor::Silent,
    vocabulary::{Protocol, Purpose},
};

#[test]
fn every_loss_is_lowered_and_noted() {
    let pictures = pictures(Purpose::Segmentation);
    let split = cut(&pictures, 4);
    for term in Term::ALL {
        let loss = LossSpec::new([(term, 2.0)]);
        let task = segmentation(&pictures, &split, Protocol::Corrected, &loss);
        let folder = tempfile::tempdir().unwrap();
        let (model, progress) = train(&task, folder.path(), &spec(8, 3e-3, ""), &Silent).unwrap();
        let losses = values(&progress, "train", "loss");
        assert!(losses[7] < 0.98 * losses[0], "{}: {losses:?}", term.name());
        let noted = values(&progress, "validation", "loss")[7];
        let places = &split.validation;
        let out = model.forward(&images(&pictures, places, &Device::Cpu).unwrap(), Mode::Evaluate).unwrap();
        let (target, _) = harness_learn::train::classes(&pictures, places, &Device::Cpu).unwrap();
        let expected = f64::from(loss.of(&out.channels, &target).unwrap().to_scalar::<f32>().unwrap());
        assert!((noted - expected).abs() < 1e-5 * expected, "{}: {noted} against {expected}", term.name());
    }
}

#[test]
fn loss_falls_and_every_parameter_gets_a_gradient() {
    let pictures = pictures(Purpose::Segmentation);
    let split = cut(&pictures, 4);
    let folder = tempfile::tempdir().unwrap();
    let loss = cross_entropy();
    let task = segmentation(&pictures, &split, Protocol::Corrected, &loss);
    let (model, progress) = train(&task, folder.path(), &spec(15, 3e-3, ""), &Silent).unwrap();
    let losses = values(&progress, "train", "loss");
    assert!(losses[14] < 0.9 * losses[0], "{losses:?}");
    let x = images(&pictures, &[0, 1], &Device::Cpu).unwrap();
    let (loss, tape) = ops::record(|| {
        let out = model.forward(&x, Mode::Train).unwrap();
        out.loss(&ops::mse(&out.channels, &x).unwrap()).unwrap()
    });
    let gradients = tape.gradients(&loss).unwrap();
    for (name, entry) in model.state() {
        let there = gradients.get(entry.var.as_tensor()).is_some();
        assert_eq!(there, entry.role == Role::Parameter, "gradient of {name}");
    }
}

#[test]
fn only_the_published_protocol_moves_the_codebook_while_it_tests() {
    let pictures = pictures(Purpose::Segmentation);
    let split = cut(&pictures, 4);
    let (spec, losses) =
        (serde_json::from_str::<EvaluateSpec>(r#"{"batch": 4, "blur": [0, 50]}"#).unwrap(), LossesSpec::default());
    for (protocol, moves) in [(Protocol::Published, true), (Protocol::Corrected, false)] {
        let model = model();
        let before = weights(&model);
        let test = Test {
            pictures: &pictures,
            train: &split.train,
            test: &split.test,
            normalise: None,
            spec: &spec,
            protocol,
            loss: losses.under(protocol),
            epoch: 1,
            gallery: 2,
        };
        let result = test.run(&model, &Silent).unwrap();
        assert_eq!(weights(&model) != before, moves, "{protocol:?}");
        // Six images at two levels, and two baselines of each.
        assert_eq!((result.images.len(), result.baselines.len()), (6 * 2, 6 * 2));
        // A truth, and an image and a prediction at each level, for each of two images.
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
    first.save(file.path(), 16, None).unwrap();
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
    model().save(file.path(), 16, None).unwrap();
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
    let split = cut(&pictures, 4);
    let folder = tempfile::tempdir().unwrap();
    let loss = cross_entropy();
    let task = segmentation(&pictures, &split, Protocol::Corrected, &loss);
    let mut spec = spec(40, 1e-3, "");
    spec.optimizer = serde_json::from_str(r#"{"adam": {"learning_rate": 1e6}}"#).unwrap();
    let error = train(&task, folder.path(), &spec, &Silent).unwrap_err();
    assert!(matches!(error, TrainError::Diverged { .. }), "{error}");
}

#[test]
fn a_damaged_checkpoint_is_named() {
    let pictures = pictures(Purpose::Segmentation);
    let split = cut(&pictures, 4);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("epoch-000002.safetensors"), b"not a checkpoint").unwrap();
    let loss = cross_entropy();
    let task = segmentation(&pictures, &split, Protocol::Corrected, &loss);
    let error = train(&task, folder.path(), &spec(3, 1e-3, ""), &Silent).unwrap_err();
    assert!(error.to_string().contains("epoch-000002.safetensors"), "{error}");
}
