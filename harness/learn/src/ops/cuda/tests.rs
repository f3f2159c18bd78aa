//! Compares the operations on CUDA with those on the CPU: outputs and gradients, in every precision and layout. Without a GPU
//! the tests say so and pass.

mod edges;

use super::NetworkScope;
use crate::{
    device::{self, DeviceChoice},
    losses::LossSpec,
    metrics::image_counts,
    models::{LinknetSpec, Mode, Model, ModelSpec, SegnetSpec, VqvaeSpec},
    ops,
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
fn outcome(out: &Tensor, inputs: &[Var], weights: &Tensor) -> Vec<Tensor> {
    let loss = (out * weights.to_device(out.device()).unwrap()).unwrap();
    let loss = if loss.rank() == 0 { loss } else { loss.sum_all().unwrap() };
    let gradients = loss.backward().unwrap();
    let gradient = |input: &Var| gradients.get(input.as_tensor()).expect("a gradient").clone();
    std::iter::once(out.clone()).chain(inputs.iter().map(gradient)).collect()
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
        let out = operation(&inputs.iter().map(|v| v.as_tensor().clone()).collect::<Vec<_>>()).unwrap();
        outcome(&out, &inputs, &values(out.dims(), &["weights"]))
    };
    for precision in [Precision::F32, Precision::Tf32, Precision::Bf16] {
        precision.apply(&gpu).unwrap();
        let variables = variables(&gpu);
        let out = {
            let scope = NetworkScope::enter(&gpu);
            let prepare = |(variable, (_, kind)): (&Var, &(&[usize], Kind))| match kind {
                Parameter => variable.as_tensor().clone(),
                Full => scope.input(variable).unwrap(),
                Image => {
                    let element = if precision == Precision::Bf16 { DType::BF16 } else { DType::F32 };
                    scope.input(variable).unwrap().to_dtype(element).unwrap()
                }
            };
            let out = operation(&variables.iter().zip(inputs).map(prepare).collect::<Vec<_>>()).unwrap();
            if out.rank() == 4 { scope.output(&out).unwrap() } else { out }
        };
        let ours = outcome(&out, &variables, &values(out.dims(), &["weights"]));
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
fn elementwise() {
    for shape in [[2, 3, 5, 7], [1, 8, 4, 4], [1, 1, 1, 1]] {
        check("relu", &[(&shape, Image)], |t| ops::relu(&t[0]));
        check("add", &[(&shape, Image), (&shape, Image)], |t| ops::add(&t[0], &t[1]));
        check("mse", &[(&shape, Full)], |t| ops::mse(&t[0], &(t[0].detach() * 0.5)?));
    }
}

#[test]
fn batch_normalization() {
    // Several blocks add up the largest one in either layout.
    for [batch, channels, h, w] in [[2, 3, 5, 7], [4, 40, 4, 4], [3, 8, 32, 32], [5, 2, 24, 24]] {
        let shape = [batch, channels, h, w];
        let inputs: [(&[usize], Kind); 3] = [(&shape, Image), (&[channels], Parameter), (&[channels], Parameter)];
        check("batch norm", &inputs, |t| Ok(ops::batch_norm(&t[0], &t[1], &t[2], 1e-2)?.output));
        check("batch norm by given statistics", &inputs, |t| {
            let mean = Tensor::full(0.25f32, channels, t[0].device())?;
            let variance = Tensor::full(0.5f32, channels, t[0].device())?;
            ops::batch_norm_fixed(&t[0], &mean, &variance, &t[1], &t[2], 1e-2)
        });
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
            ops::batch_norm(x, &one, &one, 1e-5).unwrap()
        };
        let theirs = of(&x);
        let scope = NetworkScope::enter(&gpu);
        let ours = of(&scope.input(&x.to_device(&gpu).unwrap()).unwrap());
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
        let loss = ops::cross_entropy(&logits, &target.to_device(device).unwrap()).unwrap();
        let gradients = (&loss * 3.0).unwrap().backward().unwrap();
        (loss, (gradients.get(logits.as_tensor()).unwrap() * 1000.0).unwrap())
    };
    let (ours, theirs) = (outcome(&gpu), outcome(&Device::Cpu));
    assert_close("cross-entropy", &ours.0, &theirs.0, 1e-5);
    assert_close("cross-entropy's gradient", &ours.1, &theirs.1, 1e-5);
}

#[test]
fn codebook() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(gpu) = gpu() else { return };
    for ([batch, dim, h, w], codes) in [([2, 5, 7, 9], 3), ([3, 64, 9, 11], 130), ([2, 33, 20, 20], 64)] {
        let book = values(&[dim, codes], &["book"]);
        // Vectors close to codes, so that rounding does not decide which code is nearest.
        let z = values(&[batch, dim, h, w], &["z"]);
        let near = ops::nearest_codes(&z, &book).unwrap();
        let z = (near.quantized + (z * 0.05).unwrap()).unwrap();
        let theirs = ops::nearest_codes(&z, &book).unwrap();
        for precision in [Precision::F32, Precision::Tf32] {
            precision.apply(&gpu).unwrap();
            let scope = NetworkScope::enter(&gpu);
            let vectors = scope.input(&z.to_device(&gpu).unwrap()).unwrap();
            let ours = ops::nearest_codes(&vectors, &book.to_device(&gpu).unwrap()).unwrap();
            assert_close("codes", &scope.output(&ours.quantized).unwrap(), &theirs.quantized, 0.0);
            assert_close("counts", &ours.counts, &theirs.counts, 0.0);
            assert_close("sums", &ours.sums, &theirs.sums, 1e-5);
        }
        Precision::F32.apply(&gpu).unwrap();
    }
}

#[test]
fn adam() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(gpu) = gpu() else { return };
    let step = ops::AdamStep { beta1: 0.9, beta2: 0.999, keep: 0.99, rate: 0.1, correction: 0.3, epsilon: 1e-8 };
    let outcome = |device: &Device| {
        let tensor = |name| values(&[3, 5, 7], &[name]).to_device(device).unwrap();
        let [weight, first] = ["weight", "first"].map(|name| Var::from_tensor(&tensor(name)).unwrap());
        let second = Var::from_tensor(&tensor("second").sqr().unwrap()).unwrap();
        ops::adam(&weight, &first, &second, &tensor("gradient"), step).unwrap();
        [weight, first, second]
    };
    for (ours, theirs) in outcome(&gpu).iter().zip(outcome(&Device::Cpu)) {
        assert_close("adam", ours, &theirs, 1e-5);
    }
}

#[test]
fn perplexity() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(gpu) = gpu() else { return };
    for codes in [1, 7, 512, 1000] {
        // A third of the codes is unused.
        let counts: Vec<f32> =
            (0..codes).map(|i| (i * 13 % 50 * (i % 3)) as f32 + if i == 0 { 1.0 } else { 0.0 }).collect();
        let counts = Tensor::new(counts, &Device::Cpu).unwrap();
        let (ours, theirs) = (ops::perplexity(&counts.to_device(&gpu).unwrap()), ops::perplexity(&counts));
        assert_close("perplexity", &ours.unwrap(), &theirs.unwrap(), 1e-6);
    }
}

#[test]
fn clipping() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(gpu) = gpu() else { return };
    let data = [values(&[7], &["a"]), values(&[90, 111], &["b"]), values(&[1], &["c"])];
    let outcome = |device: &Device, most| {
        let gradients = data.each_ref().map(|gradient| gradient.to_device(device).unwrap());
        let norm = ops::gradient_norm(&gradients.each_ref()).unwrap();
        let mut all = vec![norm.clone()];
        all.extend(gradients.iter().map(|gradient| ops::clip(gradient, &norm, most).unwrap()));
        all
    };
    for most in [0.5, 1e6] {
        for (ours, theirs) in outcome(&gpu, most).iter().zip(outcome(&Device::Cpu, most)) {
            assert_close("clipping", ours, &theirs, 1e-6);
        }
    }
}

#[test]
fn scores() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(gpu) = gpu() else { return };
    let channels = (values(&[3, 3, 33, 33], &["scores"]) * 4.0).unwrap();
    let classes: Vec<u8> = (0..3 * 33 * 33).map(|i| (i * 7 % 3) as u8).collect();
    let target = Tensor::from_vec(classes, (3, 33, 33), &Device::Cpu).unwrap();
    let loss: LossSpec =
        serde_json::from_str(r#"{"mse": 0.5, "cross-entropy": 1, "sigmoid-cross-entropy": 2, "soft-dice": 3}"#)
            .unwrap();
    let outcome = |device: &Device| {
        image_counts(&channels.to_device(device).unwrap(), &target.to_device(device).unwrap(), &loss).unwrap()
    };
    assert_close("scores", &outcome(&gpu), &outcome(&Device::Cpu), 1e-5);
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
                let out = model.forward(&images, Mode::Train).unwrap();
                assert_eq!(out.channels.dtype(), DType::F32);
                let loss = ops::cross_entropy(&out.channels, &target).unwrap();
                let gradients = loss.backward().unwrap();
                let all = model.state().values().map(|entry| gradients.get(entry.var.as_tensor()).unwrap_or(&loss));
                all.chain([&out.channels]).flat_map(host).map(f32::to_bits).collect()
            };
            assert_eq!(bits(), bits(), "{} in {precision}", spec.name());
        }
    }
    Precision::F32.apply(&gpu).unwrap();
    assert!(!ops::chosen_algorithms().is_empty());
}
