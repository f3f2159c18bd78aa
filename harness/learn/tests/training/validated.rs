//! Tests everything that uses the validation loss, and schedules: early stopping, best weights, rates.

use crate::{
    fixture::{Log, Scripted, cross_entropy, cut, pictures, segmentation, spec, train, values, weights},
    resuming::assert_resumes,
};
use harness_learn::train::{Task, TrainError};
use harness_record::{
    monitor::Silent,
    vocabulary::{Protocol, Purpose},
};

#[test]
fn training_stops_when_the_loss_no_longer_falls_and_keeps_what_it_is_told_to() {
    let pictures = pictures(Purpose::Segmentation);
    let split = cut(&pictures, 4);
    let loss = cross_entropy();
    let task = segmentation(&pictures, &split, Protocol::Published, &loss);
    // The two lowest losses are in epochs 2 and 4. The first of them is the best. It also ends the patience of 2 after
    // epoch 4.
    let script = [3.0, 1.0, 2.0, 1.0, 0.5, 0.4];
    let run = |more: &str, epochs: u32| {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::default();
        let (model, progress) =
            train(&Scripted::new(&task, &script), folder.path(), &spec(epochs, 1e-3, more), &log).unwrap();
        (weights(&model), progress, log.0.into_inner().unwrap())
    };
    let stopping = r#", "early_stopping": {"patience": 2}"#;
    let (last, progress, log) = run(stopping, 6);
    assert_eq!((progress.epoch, progress.kept_epoch), (4, 4));
    assert_eq!(log, ["stopped after epoch 4: the validation loss has not been below that of epoch 2 for 2 epochs"]);
    assert!(last == run("", 4).0, "stopping must not change the weights");
    let (best, progress, log) = run(&format!(r#"{stopping}, "keep": {{"published": "best"}}"#), 6);
    assert_eq!((progress.epoch, progress.kept_epoch), (4, 2));
    assert_eq!(log[1..], ["the weights of epoch 2 are kept"]);
    // Weights, codebook and its counters are from epoch 2. The validation of that epoch also moved the codebook.
    assert!(best == run("", 2).0 && best != last);
    // Without early stopping, training reaches the later, lower losses.
    let (best, progress, _) = run(r#", "keep": {"published": "best"}"#, 6);
    assert_eq!((progress.epoch, progress.kept_epoch), (6, 6));
    assert!(best == run("", 6).0);
    let (_, progress, _) = run(r#", "early_stopping": {"patience": 3}"#, 6);
    assert_eq!(progress.epoch, 6, "epoch 5 is lower in time");
}

#[test]
fn what_looks_at_the_validation_loss_needs_images_and_a_number() {
    let pictures = pictures(Purpose::Segmentation);
    let split = cut(&pictures, 0);
    let loss = cross_entropy();
    let task = segmentation(&pictures, &split, Protocol::Corrected, &loss);
    let run = |task: &dyn Task, more: &str| {
        let folder = tempfile::tempdir().unwrap();
        train(task, folder.path(), &spec(2, 1e-3, more), &Silent)
    };
    for more in [
        r#", "schedule": {"plateau": {}}"#,
        r#", "early_stopping": {"patience": 1}"#,
        r#", "keep": {"published": "best"}"#,
    ] {
        assert!(spec(2, 1e-3, more).training(1, Protocol::Published).needs_validation());
        assert!(matches!(run(&task, more), Err(TrainError::NoImages("validate on"))), "{more}");
    }
    let constant = r#", "schedule": "constant""#;
    assert!(!spec(2, 1e-3, constant).training(1, Protocol::Published).needs_validation());
    assert!(run(&task, constant).is_ok());
    let four = cut(&pictures, 4);
    let task = segmentation(&pictures, &four, Protocol::Corrected, &loss);
    let error = run(&Scripted::new(&task, &[1.0, f64::NAN]), r#", "keep": {"published": "best"}"#).unwrap_err();
    assert!(error.to_string().contains("the validation loss is NaN in epoch 2"), "{error}");
}

#[test]
fn a_cosine_schedule_sets_the_rate_of_every_epoch() {
    let pictures = pictures(Purpose::Segmentation);
    let split = cut(&pictures, 4);
    let loss = cross_entropy();
    let task = segmentation(&pictures, &split, Protocol::Corrected, &loss);
    let progress = assert_resumes(&task, &spec(4, 1e-2, r#", "schedule": {"cosine": {"warmup": 1, "floor": 0.001}}"#));
    let (rates, third) = (values(&progress, "train", "learning_rate"), std::f64::consts::FRAC_PI_3);
    let cosine = |share: f64| 0.001 + 0.009 * f64::midpoint(1.0, (third * share).cos());
    for (rate, expected) in rates.iter().zip([0.005, 0.01, cosine(1.0), cosine(2.0)]) {
        assert!((rate - expected).abs() < 1e-12, "{rates:?}");
    }
    let folder = tempfile::tempdir().unwrap();
    let (_, constant) = train(&task, folder.path(), &spec(4, 1e-2, ""), &Silent).unwrap();
    assert_ne!(values(&constant, "train", "loss"), values(&progress, "train", "loss"), "the rate was not used");
}
