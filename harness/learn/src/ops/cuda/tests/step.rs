//! What a step does besides the layers: the codebook, the optimizer, and the scores of the images.

use super::*;
use crate::{losses::LossSpec, metrics::image_counts};

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
            let scope = NetworkScope::enter(&gpu, []).unwrap();
            let vectors = scope.input(&z.to_device(&gpu).unwrap()).unwrap();
            let ours = ops::nearest_codes(&vectors, &book.to_device(&gpu).unwrap()).unwrap();
            assert_close("codes", &scope.output(&ours.quantized).unwrap(), &theirs.quantized, 0.0);
            assert_close("counts", &ours.counts, &theirs.counts, 0.0);
            assert_close("sums", &ours.sums, &theirs.sums, 1e-5);
            let moved = |found: &ops::Assignment, device: &Device| {
                let all = [&[dim, codes][..], &[codes], &[codes], &[dim, codes], &[dim, codes]];
                let all = all.map(|shape| values(shape, &["average"]).to_device(device).unwrap());
                let [codes, hidden_counts, counts, hidden_sums, sums] = &all;
                let averages = ops::Averages {
                    counts: [hidden_counts, counts],
                    sums: [hidden_sums, sums],
                    decay: 0.9,
                    correction: 0.3,
                    epsilon: 1e-2,
                };
                ops::move_codebook(codes, &averages, found).unwrap();
                all
            };
            for (ours, theirs) in moved(&ours, &gpu).iter().zip(moved(&theirs, &Device::Cpu)) {
                assert_close("moved codebook", ours, &theirs, 1e-4);
            }
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
        // More tensors than fit into one launch, of one block and more.
        let all: Vec<[Tensor; 4]> = (0..100)
            .map(|i| {
                let tensor = |name| values(&[3, 5, 1 + i * 7], &[name]).to_device(device).unwrap();
                [tensor("weight"), tensor("first"), tensor("second").sqr().unwrap(), tensor("gradient")]
            })
            .collect();
        let slot = |[weight, first, second, gradient]: &'_ [Tensor; 4]| {
            ops::adam(&[ops::AdamSlot { weight, first, second, gradient }], step)
        };
        all.iter().take(1).try_for_each(slot).unwrap();
        let slots: Vec<_> = all
            .iter()
            .map(|[weight, first, second, gradient]| ops::AdamSlot { weight, first, second, gradient })
            .collect();
        ops::adam(&slots, step).unwrap();
        all.into_iter().flatten().collect::<Vec<_>>()
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
        all.extend(ops::clip(&gradients.each_ref(), &norm, most).unwrap());
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

#[test]
fn losses_of_candles_operations() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(gpu) = gpu() else { return };
    let channels = (values(&[2, 3, 17, 19], &["channels"]) * 4.0).unwrap();
    let classes: Vec<u8> = (0..2 * 17 * 19).map(|i| (i * 5 % 7 % 3) as u8).collect();
    let target = Tensor::from_vec(classes, (2, 17, 19), &Device::Cpu).unwrap();
    for text in [r#"{"mse": 1}"#, r#"{"soft-dice": 1}"#] {
        let loss: LossSpec = serde_json::from_str(text).unwrap();
        let on = |device: &Device| {
            let (x, target) = (channels.to_device(device).unwrap(), target.to_device(device).unwrap());
            let x = Var::from_tensor(&x).unwrap();
            outcome(std::slice::from_ref(&x), || loss.of(&x, &target).unwrap())
        };
        for (ours, theirs) in on(&gpu).iter().zip(on(&Device::Cpu)) {
            // The gradients are small; their own size is the scale.
            let largest = host(&theirs).into_iter().fold(0f32, |a, b| a.max(b.abs()));
            let scaled = |tensor: &Tensor| (tensor.to_device(&Device::Cpu).unwrap() / f64::from(largest)).unwrap();
            assert_close(text, &scaled(ours), &scaled(&theirs), 1e-5);
        }
    }
}
