//! Compares losses and their gradients with PyTorch in double precision; `reference/training.py` made the numbers.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use candle_core::{Device, Tensor, Var};
use harness_learn::{
    losses::{LossSpec, LossesSpec, Term},
    models::Finish,
    ops::{self, composed},
};
use harness_record::vocabulary::Protocol;
use std::{collections::HashMap, path::Path};

/// Largest relative error allowed.
const TOLERANCE: f32 = 1e-5;

fn golden() -> HashMap<String, Tensor> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden-training/losses.safetensors");
    candle_core::safetensors::load(path, &Device::Cpu).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// Largest difference relative to the largest value of `theirs`.
fn difference(ours: &Tensor, theirs: &Tensor) -> f32 {
    let scale = values(theirs).iter().fold(0f32, |a, b| a.max(b.abs()));
    values(ours).iter().zip(values(theirs)).fold(0f32, |a, (x, y)| a.max((x - y).abs())) / scale
}

fn sum() -> LossSpec {
    serde_json::from_str(r#"{"soft-dice": 2, "mse": 0.5, "cross-entropy": 1.0}"#).unwrap()
}

fn terms() -> [(&'static str, LossSpec); 5] {
    let term = |term| LossSpec::new([(term, 1.0)]);
    [
        ("mse", term(Term::MeanSquaredError)),
        ("cross-entropy", term(Term::CrossEntropy)),
        ("sigmoid-cross-entropy", term(Term::SigmoidCrossEntropy)),
        ("soft-dice", term(Term::SoftDice)),
        ("sum", sum()),
    ]
}

fn compare(name: &str, golden: &HashMap<String, Tensor>, loss: impl Fn(&Tensor, &Tensor) -> Tensor) {
    let x = Var::from_tensor(&golden["channels"]).unwrap();
    let (value, tape) = ops::record(|| loss(x.as_tensor(), &golden["target"]));
    let errors = [
        difference(&value.reshape(1).unwrap(), &golden[&format!("value.{name}")]),
        difference(tape.gradients(&value).unwrap().get(x.as_tensor()).unwrap(), &golden[&format!("gradient.{name}")]),
    ];
    println!("{name}: relative errors of value and gradient {errors:?}");
    assert!(errors.iter().all(|e| *e < TOLERANCE), "{name}: {errors:?}");
}

#[test]
fn losses_and_their_gradients_agree_with_pytorch() {
    let golden = golden();
    for (name, loss) in terms() {
        compare(name, &golden, |x, target| loss.of(x, target).unwrap());
    }
    let mse = LossSpec::new([(Term::MeanSquaredError, 1.0)]);
    compare("divided", &golden, |x, target| mse.of(&Finish::DividedByMaximum.of(x).unwrap(), target).unwrap());
}

#[test]
fn other_devices_compute_the_same_soft_dice() {
    compare("soft-dice", &golden(), |x, target| composed::soft_dice(x, target).unwrap());
}

#[test]
fn the_loss_of_a_batch_is_the_mean_of_its_images() {
    let golden = golden();
    let target = golden["target"].flatten_all().unwrap().to_vec1::<u8>().unwrap();
    for (name, loss) in terms() {
        let images = loss.per_image(&golden["channels"], &target).unwrap();
        assert_eq!(images.len(), 3);
        let expected = f64::from(values(&golden[&format!("value.{name}")])[0]);
        let mean = images.iter().sum::<f64>() / 3.0;
        assert!((mean - expected).abs() < 1e-5 * expected, "{name}: {mean} against {expected}");
        // The image alone has the same loss as beside its neighbours.
        let alone = loss.of(&golden["channels"].narrow(0, 1, 1).unwrap(), &golden["target"].narrow(0, 1, 1).unwrap());
        let alone = f64::from(alone.unwrap().to_scalar::<f32>().unwrap());
        assert!((images[1] - alone).abs() < 1e-5 * alone, "{name}: {} against {alone}", images[1]);
    }
    assert!(sum().per_image(&golden["channels"], &target[1..]).is_err(), "a pixel lacks its class");
}

#[test]
fn soft_dice_is_about_0_for_what_is_right_and_about_1_for_what_is_wrong() {
    let target = Tensor::from_vec((0..600).map(|p| (p % 3) as u8).collect(), (1, 20, 30), &Device::Cpu).unwrap();
    let right = (ops::one_hot(&target, 3).unwrap() * 100.0).unwrap();
    let value = |x: &Tensor| ops::soft_dice(x, &target).unwrap().to_scalar::<f32>().unwrap();
    assert!(value(&right) < 1e-6);
    assert!(value(&right.neg().unwrap()) > 0.99);
}

#[test]
fn soft_dice_does_not_depend_on_threads() {
    let golden = golden();
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let x = Var::from_tensor(&golden["channels"]).unwrap();
            let (loss, tape) = ops::record(|| sum().of(x.as_tensor(), &golden["target"]).unwrap());
            let bits = |t: &Tensor| values(t).into_iter().map(f32::to_bits).collect::<Vec<_>>();
            (bits(&loss), bits(tape.gradients(&loss).unwrap().get(x.as_tensor()).unwrap()))
        })
    };
    assert!([2, 3].iter().all(|&threads| run(threads) == run(1)));
}

#[test]
fn a_target_that_does_not_fit_is_refused() {
    let golden = golden();
    let fewer = golden["target"].narrow(1, 0, 5).unwrap();
    for (name, loss) in terms() {
        assert!(loss.of(&golden["channels"], &fewer).is_err(), "{name}");
    }
    let class = Tensor::full(3u8, (3, 6, 5), &Device::Cpu).unwrap();
    assert!(ops::soft_dice(&golden["channels"], &class).is_err());
}

#[test]
fn specs_say_the_same_in_one_way_and_refuse_nonsense() {
    let default: LossesSpec = serde_json::from_str("{}").unwrap();
    let text = r#"{"published":{"sigmoid-cross-entropy":1.0},"corrected":{"cross-entropy":1.0}}"#;
    assert_eq!(serde_json::to_string(&default).unwrap(), text);
    assert_eq!(default.check(), Ok(()));
    assert_eq!(default.under(Protocol::Corrected).describe(), "cross-entropy");
    assert_eq!(serde_json::to_string(&sum()).unwrap(), r#"{"mse":0.5,"cross-entropy":1.0,"soft-dice":2.0}"#);
    assert_eq!(sum().describe(), "0.5 · mean squared error + cross-entropy + 2 · soft Dice");
    assert!(serde_json::from_str::<LossSpec>(r#"{"hinge": 1.0}"#).is_err());
    for (text, field) in [
        (r#"{"corrected": {}}"#, "corrected"),
        (r#"{"corrected": {"mse": 0.0}}"#, "corrected.mse"),
        (r#"{"published": {"soft-dice": -1.0}}"#, "published.soft-dice"),
    ] {
        let losses: LossesSpec = serde_json::from_str(text).unwrap();
        assert_eq!(losses.check().unwrap_err().0, field, "{text}");
    }
    let schema = serde_json::to_value(schemars::schema_for!(LossSpec)).unwrap();
    let names = schema["propertyNames"]["enum"].as_array().unwrap();
    assert!(
        names.len() == Term::ALL.len() && names.iter().all(|name| serde_json::from_value::<Term>(name.clone()).is_ok())
    );
    let infinite = LossSpec::new([(Term::SoftDice, f64::INFINITY)]);
    assert_eq!(infinite.check().unwrap_err().0, "soft-dice");
}
