//! Shared by the tests of several kernels: random numbers, and the same work on different numbers of threads.

/// Numbers in −1..1 from a generator with `seed`.
pub(crate) fn numbers(length: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / 8_388_608.0 - 1.0
    };
    (0..length).map(|_| next()).collect()
}

/// Classes below `classes` from a generator with `seed`.
pub(crate) fn classes(length: usize, classes: usize, seed: u64) -> Vec<u8> {
    numbers(length, seed).into_iter().map(|v| ((v + 1.0) * 0.5 * classes as f32) as u8).collect()
}

/// Asserts that `work` gives the same on 2, 3 and 5 threads as on one.
pub(crate) fn on_threads<R: PartialEq + Send>(work: impl Fn() -> R + Sync) {
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(&work)
    };
    let one = run(1);
    for threads in [2, 3, 5] {
        assert!(run(threads) == one, "{threads} threads give other bits than one");
    }
}

/// Fails if a value differs from the truth by more than `tolerance` of the largest true value (of 1 at least).
pub(crate) fn assert_close(what: &str, found: &[f32], truth: &[f64], tolerance: f64) {
    assert_eq!(found.len(), truth.len(), "length of {what}");
    let scale = truth.iter().fold(1f64, |a, b| a.max(b.abs()));
    for (i, (&x, &y)) in found.iter().zip(truth).enumerate() {
        assert!((f64::from(x) - y).abs() <= tolerance * scale, "{what}[{i}]: {x} against {y}");
    }
}
