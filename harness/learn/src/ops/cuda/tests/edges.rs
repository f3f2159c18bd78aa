//! Values and addresses at the edges of what the kernels handle.

use super::*;
use crate::ops::cuda::memory::cast;

#[test]
fn adam_moves_little_where_gradients_are_tiny() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(gpu) = gpu() else { return };
    let step = ops::AdamStep { beta1: 0.9, beta2: 0.999, keep: 1.0, rate: 0.1, correction: 0.3, epsilon: 1e-8 };
    // Both are far below epsilon, which alone keeps the quotient of the moments small; without it the first is 0/0.
    for gradient in [0.0f32, 1e-12] {
        let outcome = |device: &Device| {
            let full = |value: f32| Tensor::full(value, (3, 5, 7), device).unwrap();
            let weight = Var::from_tensor(&values(&[3, 5, 7], &["weight"]).to_device(device).unwrap()).unwrap();
            let [first, second] = [0, 0].map(|_| Var::from_tensor(&full(0.0)).unwrap());
            let gradient = full(gradient);
            let slot = ops::AdamSlot { weight: &weight, first: &first, second: &second, gradient: &gradient };
            ops::adam(&[slot], step).unwrap();
            weight
        };
        assert_close("adam", &outcome(&gpu), &outcome(&Device::Cpu), 1e-6);
    }
}

#[test]
fn bf16_is_rounded_to_the_nearest_and_ties_to_even() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(gpu) = gpu() else { return };
    let numbers: Vec<f32> = [0x3f80u32, 0x3f81, 0xbf80, 0xbf81, 0x0000, 0x0001, 0x7f7f, 0x7f80, 0x7fc0]
        .into_iter()
        .flat_map(|high| [0x0000, 0x0001, 0x7fff, 0x8000, 0x8001, 0xffff].map(|low| f32::from_bits(high << 16 | low)))
        .collect();
    let x = Tensor::new(numbers.as_slice(), &Device::Cpu).unwrap();
    let theirs = host(&x.to_dtype(DType::BF16).unwrap());
    let there = x.to_device(&gpu).unwrap();
    let ours = host(&cast(&cast(&there, DType::BF16).unwrap(), DType::F32).unwrap());
    for ((number, ours), theirs) in numbers.iter().zip(ours).zip(theirs) {
        assert!(ours.to_bits() == theirs.to_bits() || ours.is_nan() && theirs.is_nan(), "{number}: {ours}, {theirs}");
    }
}

#[test]
fn the_first_of_equal_codes_is_taken() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(gpu) = gpu() else { return };
    // Each of sixteen codes stands nine times in the book, so that one thread meets some again, and other threads the rest.
    let sixteen = values(&[33, 16], &["book"]);
    let book = Tensor::cat(&[&sixteen; 9], 1).unwrap();
    let z = values(&[2, 33, 20, 20], &["z"]);
    let theirs = ops::nearest_codes(&z, &book).unwrap();
    assert!(host(&theirs.counts)[16..].iter().all(|count| *count == 0.0));
    let ours = ops::nearest_codes(&z.to_device(&gpu).unwrap(), &book.to_device(&gpu).unwrap()).unwrap();
    assert_close("counts", &ours.counts, &theirs.counts, 0.0);
}

#[test]
fn tensors_may_start_anywhere() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(gpu) = gpu() else { return };
    // Kernels load 16 bytes at once where they can. These start 1 to 3 elements behind such a border.
    let shape = (2, 3, 5, 8);
    for skipped in 1..4 {
        for dtype in [DType::F32, DType::BF16] {
            let part = |word: &str, device: &Device| {
                let whole = values(&[2 * 3 * 5 * 8 + 4], &[word]).to_dtype(dtype).unwrap().to_device(device).unwrap();
                whole.narrow(0, skipped, 2 * 3 * 5 * 8).unwrap().reshape(shape).unwrap()
            };
            let [x, y] = ["x", "y"].map(|word| (part(word, &gpu), part(word, &Device::Cpu)));
            let full = |t: &Tensor| t.to_dtype(DType::F32).unwrap();
            assert_close("relu", &ops::relu(&x.0).unwrap(), &full(&x.1).relu().unwrap(), 0.0);
            let sum = (full(&x.1) + full(&y.1)).unwrap().to_dtype(dtype).unwrap();
            assert_close("add", &ops::add(&x.0, &y.0).unwrap(), &sum, 0.0);
            let other = if dtype == DType::F32 { DType::BF16 } else { DType::F32 };
            assert_close("cast", &cast(&x.0, other).unwrap(), &x.1.to_dtype(other).unwrap(), 0.0);
        }
    }
}

#[test]
fn equal_maxima_share_their_gradient_and_nan_is_the_largest() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(gpu) = gpu() else { return };
    // 3 is the largest in each block of the kernel, and often.
    let often: Vec<f32> = (0..20_000).map(|i| (i % 4) as f32).collect();
    let mut odd = often.clone();
    odd[12_345] = f32::NAN;
    for data in [often, odd] {
        let outcome = |device: &Device| {
            let x = Var::from_tensor(&Tensor::new(data.as_slice(), &Device::Cpu).unwrap().to_device(device).unwrap());
            let x = x.unwrap();
            let (out, tape) = ops::record(|| ops::divide_by_maximum(&x).unwrap());
            let weights = values(&[20_000], &["weights"]).to_device(device).unwrap();
            let gradients = tape.gradients_along(&out, &weights).unwrap();
            [host(&out), host(gradients.get(&x).unwrap())]
        };
        for (ours, theirs) in outcome(&gpu).into_iter().flatten().zip(outcome(&Device::Cpu).into_iter().flatten()) {
            assert!((ours - theirs).abs() < 1e-5 || ours.is_nan() && theirs.is_nan(), "{ours} against {theirs}");
        }
    }
}
