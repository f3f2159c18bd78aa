use super::*;

const TWENTY: [f64; 20] = [
    0.031, -0.012, 0.044, 0.006, -0.027, 0.018, 0.022, -0.009, 0.035, 0.011, -0.02, 0.016, 0.027, -0.004, 0.013, 0.008,
    -0.016, 0.021, 0.03, -0.007,
];

// `reference/intervals.py` makes these numbers, and those of the tests below that SciPy or statsmodels gave:
// scipy.stats.permutation_test((d,), mean, permutation_type='samples', n_resamples=inf, alternative='two-sided').pvalue
#[test]
fn few_differences_are_tested_exactly() {
    assert_eq!(sign_flip_test(&[0.12, -0.03, 0.08, 0.05, -0.01, 0.09, 0.02, 0.04], [0; 32]), 0.054_687_5);
    assert_eq!(sign_flip_test(&TWENTY[..13], [0; 32]), 0.102_539_062_5);
    // With all signs flipped, the p-value is the same.
    assert_eq!(sign_flip_test(&TWENTY.map(|d| -d)[..13], [0; 32]), 0.102_539_062_5);
}

// The same as above over all 2^20 flips: 0.05225. With 10,000 drawn flips the standard error is 0.0022.
#[test]
fn many_differences_are_tested_by_drawn_flips() {
    let found = sign_flip_test(&TWENTY, [1; 32]);
    assert!((found - 0.052_254).abs() < 0.009, "{found:?}");
    assert_eq!(found, sign_flip_test(&TWENTY, [1; 32]));
    assert_ne!(found, sign_flip_test(&TWENTY, [2; 32]));
    // This is the clearest case: only the observed signs and their opposites are as far from zero, and the p-value is
    // still not zero.
    assert_eq!(sign_flip_test(&[0.1; 40], [1; 32]), 1.0 / 10_001.0);
}

#[test]
fn what_does_not_differ_is_no_evidence() {
    assert_eq!(sign_flip_test(&[0.0; 30], [0; 32]), 1.0);
    assert_eq!(sign_flip_test(&[0.0; 3], [0; 32]), 1.0);
    assert_eq!(sign_flip_test(&[0.2], [0; 32]), 1.0);
}

/// If only chance makes the differences, all p-values are equally likely.
#[test]
fn p_is_uniform_where_nothing_differs() {
    let mut generator = ChaCha8Rng::from_seed([5; 32]);
    let mut draw = || f64::from(generator.next_u32()) / f64::from(u32::MAX) - 0.5;
    let mut p: Vec<f64> = (0..400)
        .map(|i: u32| {
            let differences: Vec<f64> = (0..24).map(|_| draw().powi(3)).collect();
            sign_flip_test(&differences, harness_record::digest::seed(&["null", &i.to_string()]))
        })
        .collect();
    p.sort_by(f64::total_cmp);
    // The Kolmogorov–Smirnov distance, whose 99.9 % point is 1.95 / sqrt(400).
    let distance = |(i, p): (usize, &f64)| (p - i as f64 / 400.0).abs().max((p - (i + 1) as f64 / 400.0).abs());
    let furthest = p.iter().enumerate().map(distance).fold(0.0, f64::max);
    assert!(furthest < 1.95 / 20.0, "{furthest}");
}

// statsmodels.stats.multitest.multipletests([0.01, 0.04, 0.03, 0.005], method='holm')[1]
#[test]
fn holm_corrects_for_the_number_of_tests() {
    let corrected = holm(&[0.01, 0.04, 0.03, 0.005]);
    for (found, expected) in corrected.iter().zip([0.03, 0.06, 0.06, 0.02]) {
        assert!((found - expected).abs() < 1e-12, "{corrected:?}");
    }
    assert_eq!(holm(&[0.6, 0.7]), [1.0, 1.0]);
    assert!(holm(&[]).is_empty());
}
