//! Compares the operations on CUDA with those on the CPU: outputs and gradients, in every precision and layout. Without a GPU
//! the tests say so and pass.

mod edges;
mod step;

use super::{NetworkScope, elementwise::as_type};
use crate::{
    device::{self, DeviceChoice},
    models::{LinknetSpec, Mode, Model, ModelSpec, SegnetSpec, VqvaeSpec},
    ops::{self, After, Moving},
    precision::Precision,
};
use candle_core::{DType, Device, Result, Tensor, Var};
use harness_record::random;
use std::sync::{Mutex, PoisonError};

/// The precision is global to the process, so only one test runs at a time.
static TURN: Mutex<()> = Mutex::new(());

/// The first GPU, if there is one.
fn gpu() -> Option<Device> {
    match device::select(DeviceChoice::Cuda(0)) {
        Ok(chosen) => Some(chosen.device),
        Err(error) => {
            println!("not checked: {error}");
            None
        }
    }
}

/// The kind of an operation's input.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Uses the layout and the element type of the precision.
    Image,
    /// Uses the layout of the precision, but always f32.
    Full,
    Parameter,
}
use Kind::{Full, Image, Parameter};

/// Largest difference allowed, relative to the largest value (to 1 at least).
fn tolerance(precision: Precision) -> f32 {
    match precision {
        Precision::F32 => 2e-5,
        Precision::Tf32 => 5e-3,
        Precision::Bf16 => 2e-2,
    }
}

/// Values in ±1 that bf16 can represent.
fn values(shape: &[usize], words: &[&str]) -> Tensor {
    let mut rng = random::generator(words);
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| random::unit(&mut rng) * 2.0 - 1.0).collect();
    let values = Tensor::from_vec(values, shape, &Device::Cpu).unwrap();
    values.to_dtype(DType::BF16).unwrap().to_dtype(DType::F32).unwrap()
}

fn host(tensor: &Tensor) -> Vec<f32> {
    tensor.to_device(&Device::Cpu).unwrap().flatten_all().unwrap().to_dtype(DType::F32).unwrap().to_vec1().unwrap()
}

fn assert_close(what: &str, ours: &Tensor, theirs: &Tensor, tolerance: f32) {
    assert_eq!(ours.dims(), theirs.dims(), "shape of {what}");
    let (ours, theirs) = (host(ours), host(theirs));
    let scale = theirs.iter().fold(1f32, |a, b| a.max(b.abs()));
    for (i, (x, y)) in ours.iter().zip(&theirs).enumerate() {
        assert!((x - y).abs() <= tolerance * scale, "{what}[{i}]: {x} against {y}");
    }
}

/// The output, and the gradients of all inputs for a loss that weights each output element differently.
fn outcome(inputs: &[Var], operation: impl FnOnce() -> Tensor) -> Vec<Tensor> {
    let (out, tape) = ops::record(operation);
    let weights = values(out.dims(), &["weights"]).to_device(out.device()).unwrap();
    let gradients = tape.gradients_along(&out, &weights).unwrap();
    let gradient = |input: &Var| gradients.get(input.as_tensor()).expect("a gradient").clone();
    std::iter::once(out.detach()).chain(inputs.iter().map(gradient)).collect()
}

/// Runs `operation` on both devices in every precision. Images are `[B, C, H, W]`; the result is one too, or a scalar.
fn check(what: &str, inputs: &[(&[usize], Kind)], operation: impl Fn(&[Tensor]) -> Result<Tensor>) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(gpu) = gpu() else { return };
    let data: Vec<Tensor> =
        inputs.iter().enumerate().map(|(i, (shape, _))| values(shape, &[what, &i.to_string()])).collect();
    let variables = |device: &Device| -> Vec<Var> {
        data.iter().map(|t| Var::from_tensor(&t.to_device(device).unwrap()).unwrap()).collect()
    };
    let expected = {
        let inputs = variables(&Device::Cpu);
        outcome(&inputs, || operation(&inputs.iter().map(|v| v.as_tensor().clone()).collect::<Vec<_>>()).unwrap())
    };
    for precision in [Precision::F32, Precision::Tf32, Precision::Bf16] {
        precision.apply(&gpu).unwrap();
        let variables = variables(&gpu);
        let ours = outcome(&variables, || {
            // Some weights are prepared, and others are not.
            let parameters = variables.iter().zip(inputs).filter(|(v, (_, kind))| *kind == Parameter && v.rank() == 4);
            let prepared = usize::from(precision == Precision::Bf16);
            let scope = NetworkScope::enter(&gpu, parameters.map(|(v, _)| v.as_tensor()).take(prepared)).unwrap();
            let prepare = |(variable, (_, kind)): (&Var, &(&[usize], Kind))| match kind {
                Parameter => variable.as_tensor().clone(),
                Image if precision == Precision::Bf16 => as_type(&scope.input(variable).unwrap(), DType::BF16).unwrap(),
                Full | Image => scope.input(variable).unwrap(),
            };
            let out = operation(&variables.iter().zip(inputs).map(prepare).collect::<Vec<_>>()).unwrap();
            if out.rank() == 4 { scope.output(&out).unwrap() } else { out }
        });
        for (i, (ours, theirs)) in ours.iter().zip(&expected).enumerate() {
            let part = if i == 0 { "output".to_owned() } else { format!("gradient {}", i - 1) };
            assert_close(&format!("{what} in {precision}: {part}"), ours, theirs, tolerance(precision));
        }
    }
    Precision::F32.apply(&gpu).unwrap();
}

#[test]
fn convolution() {
    for ((batch, channels, filters), (h, w), (kh, kw), stride, padding) in [
        ((2, 3, 5), (7, 9), (3, 3), 1, 1),
        ((3, 8, 16), (12, 8), (4, 4), 2, 1),
        ((2, 4, 3), (8, 7), (3, 2), 2, 0),
        ((1, 6, 40), (5, 5), (1, 1), 2, 0),
        ((2, 4, 3), (9, 6), (2, 2), 1, 1),
        ((2, 3, 8), (15, 17), (7, 7), 2, 3),
    ] {
        let (x, weight) = ([batch, channels, h, w], [filters, channels, kh, kw]);
        let inputs: [(&[usize], Kind); 3] = [(&x, Image), (&weight, Parameter), (&[filters], Parameter)];
        check("convolution", &inputs, |t| ops::conv2d(&t[0], &t[1], Some(&t[2]), stride, padding));
        check("convolution without bias", &inputs[..2], |t| ops::conv2d(&t[0], &t[1], None, stride, padding));
        let inputs = [(&x[..], Full), inputs[1]];
        check("convolution of full images", &inputs, |t| ops::conv2d(&t[0], &t[1], None, stride, padding));
    }
}

#[test]
fn transposed_convolution() {
    for ((batch, filters, channels), (h, w), (kh, kw), stride, padding, extra) in [
        ((2, 8, 3), (4, 5), (4, 4), 2, 1, 0),
        ((3, 5, 6), (3, 4), (3, 3), 2, 1, 1),
        ((1, 4, 33), (5, 3), (3, 3), 2, 0, 0),
        ((2, 3, 2), (4, 4), (4, 3), 3, 0, 2),
    ] {
        let (x, weight) = ([batch, filters, h, w], [filters, channels, kh, kw]);
        let inputs: [(&[usize], Kind); 3] = [(&x, Image), (&weight, Parameter), (&[channels], Parameter)];
        check("transposed convolution", &inputs, |t| {
            ops::conv_transpose2d(&t[0], &t[1], &t[2], stride, padding, extra)
        });
    }
}

#[test]
fn residual_block() {
    let sizes = [2, 16, 5, 7];
    let inputs: [(&[usize], Kind); 5] = [
        (&sizes, Image),
        (&[8, 16, 3, 3], Parameter),
        (&[8], Parameter),
        (&[16, 8, 1, 1], Parameter),
        (&[16], Parameter),
    ];
    check("residual block", &inputs, |t| ops::residual_block(&t[0], (&t[1], &t[2]), (&t[3], &t[4])));
}

#[test]
fn a_convolution_before_a_relu() {
    let inputs: [(&[usize], Kind); 5] = [
        (&[2, 3, 8, 6], Image),
        (&[8, 3, 3, 3], Parameter),
        (&[8], Parameter),
        (&[8, 5, 4, 4], Parameter),
        (&[5], Parameter),
    ];
    check("convolutions before ReLUs", &inputs, |t| {
        let hidden = ops::conv2d_before_relu(&t[0], &t[1], Some(&t[2]), 1, 1)?;
        ops::conv_transpose2d(&hidden, &t[3], &t[4], 2, 1, 0)
    });
    // A weight that is used twice has the sum of two gradients, which are converted first.
    check("a weight used twice", &[(&[2, 6, 5, 4], Image), (&[6, 6, 3, 3], Parameter)], |t| {
        ops::conv2d(&ops::conv2d_before_relu(&t[0], &t[1], None, 1, 1)?, &t[1], None, 1, 1)
    });
}

#[test]
fn elementwise() {
    for shape in [[2, 3, 5, 7], [1, 8, 4, 4], [1, 1, 1, 1]] {
        check("relu", &[(&shape, Image)], |t| ops::relu(&t[0]));
        check("add", &[(&shape, Image), (&shape, Image)], |t| ops::add(&t[0], &t[1]));
        check("mse", &[(&shape, Full)], |t| ops::mse(&t[0], &(t[0].detach() * 0.5)?));
        check("sigmoid", &[(&shape, Full)], |t| ops::sigmoid(&t[0]));
        // Each is used twice, so that their gradients are added.
        check("used twice", &[(&shape, Image)], |t| ops::add(&ops::relu(&t[0])?, &t[0]));
        check("straight through", &[(&shape, Full)], |t| {
            ops::full_precision(&ops::straight_through(&t[0], &(t[0].detach() * 0.5)?)?)
        });
    }
}

#[test]
fn division_by_the_maximum() {
    for shape in [[2, 3, 5, 7], [4, 3, 40, 40], [1, 1, 1, 1]] {
        check("x / max", &[(&shape, Full)], |t| ops::divide_by_maximum(&t[0]));
    }
}

#[test]
fn batch_normalization() {
    // Several blocks add up the largest one in either layout.
    for [batch, channels, h, w] in [[2, 3, 5, 7], [4, 40, 4, 4], [3, 8, 32, 32], [5, 2, 24, 24]] {
        let shape = [batch, channels, h, w];
        let inputs: [(&[usize], Kind); 3] = [(&shape, Image), (&[channels], Parameter), (&[channels], Parameter)];
        let sum: [(&[usize], Kind); 4] = [inputs[0], inputs[1], inputs[2], (&shape, Image)];
        for (relu, add) in [(false, false), (true, false), (false, true), (true, true)] {
            let inputs = if add { &sum[..] } else { &inputs };
            check(&format!("batch norm, relu {relu}"), inputs, |t| {
                Ok(ops::batch_norm(&t[0], &t[1], &t[2], 1e-2, None, After { add: t.get(3), relu })?.output)
            });
            check(&format!("batch norm by given statistics, relu {relu}"), inputs, |t| {
                let mean = Tensor::full(0.25f32, channels, t[0].device())?;
                let variance = Tensor::full(0.5f32, channels, t[0].device())?;
                ops::batch_norm_fixed(&t[0], &mean, &variance, &t[1], &t[2], 1e-2, After { add: t.get(3), relu })
            });
        }
    }
}

#[test]
fn statistics_of_a_batch() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(gpu) = gpu() else { return };
    for precision in [Precision::F32, Precision::Tf32] {
        precision.apply(&gpu).unwrap();
        // Far from 0, where a sum in f32 would lose the variance.
        let x = (values(&[3, 8, 32, 32], &["x"]) + 1000.0).unwrap();
        let of = |x: &Tensor| {
            let one = Tensor::ones(8, DType::F32, x.device()).unwrap();
            let (mean, variance) = (one.copy().unwrap(), one.copy().unwrap());
            let moving = Moving { mean: &mean, variance: &variance, momentum: 0.1 };
            let normalized = ops::batch_norm(x, &one, &one, 1e-5, Some(moving), After::default()).unwrap();
            (normalized, mean, variance)
        };
        let theirs = of(&x);
        let scope = NetworkScope::enter(&gpu, []).unwrap();
        let ours = of(&scope.input(&x.to_device(&gpu).unwrap()).unwrap());
        assert_close("running mean", &ours.1, &theirs.1, 1e-7);
        assert_close("running variance", &ours.2, &theirs.2, 1e-6);
        let (ours, theirs) = (ours.0, theirs.0);
        assert_close("mean", &ours.mean, &theirs.mean, 1e-7);
        assert_close("variance", &ours.variance, &theirs.variance, 1e-6);
        assert_close("output", &scope.output(&ours.output).unwrap(), &theirs.output, 1e-5);
    }
    Precision::F32.apply(&gpu).unwrap();
}

#[test]
fn pooling() {
    for ([batch, channels, h, w], kernel, stride, padding) in
        [([2, 3, 8, 6], 2, 2, 0), ([2, 5, 9, 7], 3, 2, 1), ([1, 4, 6, 6], 3, 1, 1), ([3, 2, 7, 9], 2, 3, 0)]
    {
        let shape = [batch, channels, h, w];
        check("max-pooling", &[(&shape, Image)], |t| Ok(ops::max_pool2d(&t[0], kernel, stride, padding)?.values));
        check("unpooling", &[(&shape, Image)], |t| {
            let pooled = ops::max_pool2d(&t[0], kernel, stride, padding)?;
            ops::max_unpool2d(&pooled.values, &pooled.indices, h + 1, w)
        });
    }
}

#[test]
fn cross_entropy() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(gpu) = gpu() else { return };
    let [batch, side] = [3, 33];
    let classes: Vec<u8> = (0..batch * side * side).map(|i| (i * 7 % 3) as u8).collect();
    let target = Tensor::from_vec(classes, (batch, side, side), &Device::Cpu).unwrap();
    let outcome = |device: &Device| {
        let logits = values(&[batch, 3, side, side], &["logits"]).to_device(device).unwrap();
        let logits = Var::from_tensor(&(logits * 20.0).unwrap()).unwrap();
        let target = target.to_device(device).unwrap();
        let (loss, tape) = ops::record(|| {
            let (one, two) = (ops::cross_entropy(&logits, &target).unwrap(), ops::mse(&logits, &logits).unwrap());
            let terms = [(&one, 3.0), (&two, 0.5), (&one, -1.0), (&two, 2.0), (&one, 1.0), (&two, 2.0)];
            ops::weighted_sum(&terms).unwrap()
        });
        let gradients = tape.gradients(&loss).unwrap();
        (loss, (gradients.get(logits.as_tensor()).unwrap() * 1000.0).unwrap())
    };
    let (ours, theirs) = (outcome(&gpu), outcome(&Device::Cpu));
    assert_close("cross-entropy", &ours.0, &theirs.0, 1e-5);
    assert_close("cross-entropy's gradient", &ours.1, &theirs.1, 1e-5);
}

/// The same weights and images give the same bits, whatever ran before.
#[test]
fn bits_are_the_same_on_every_run() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(gpu) = gpu() else { return };
    let vqvae = VqvaeSpec { width: 16, depth: 1, inner: 16, dim: 8, codes: 24, ..VqvaeSpec::default() };
    let networks = [
        ModelSpec::Vqvae(vqvae),
        ModelSpec::Segnet(SegnetSpec { width: 8 }),
        ModelSpec::Linknet(LinknetSpec { width: 8 }),
    ];
    let images = values(&[3, 3, 32, 32], &["images"]).to_device(&gpu).unwrap();
    let target = Tensor::ones((3, 32, 32), DType::U8, &gpu).unwrap();
    for spec in networks {
        for precision in [Precision::F32, Precision::Tf32, Precision::Bf16] {
            precision.apply(&gpu).unwrap();
            let bits = || -> Vec<u32> {
                let model = Model::new(&spec, 5, &gpu).unwrap();
                let ((channels, loss), tape) = ops::record(|| {
                    let out = model.forward(&images, Mode::Train).unwrap();
                    (out.channels.detach(), out.loss(&ops::cross_entropy(&out.channels, &target).unwrap()).unwrap())
                });
                assert_eq!(channels.dtype(), DType::F32);
                let gradients = tape.gradients(&loss).unwrap();
                let all = model.state().values().map(|entry| gradients.get(entry.var.as_tensor()).unwrap_or(&loss));
                all.chain([&channels]).flat_map(host).map(f32::to_bits).collect()
            };
            assert_eq!(bits(), bits(), "{} in {precision}", spec.name());
        }
    }
    Precision::F32.apply(&gpu).unwrap();
    let chosen = ops::chosen_algorithms();
    assert!(!chosen.is_empty());
    // On the stand-in, all other precisions may lack deterministic algorithms.
    let lacks = chosen.iter().filter(|line| line.ends_with("computed in f32")).count();
    assert_eq!(lacks > 0, std::env::var_os("STANDIN_PLAIN_ONLY").is_some(), "{chosen:?}");
}
