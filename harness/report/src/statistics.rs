//! Means with intervals, and the paired bootstrap behind every claim.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng as _, SeedableRng as _},
};

/// Resamples of a bootstrap.
pub(crate) const RESAMPLES: usize = 10_000;

/// Share of the intervals, in words; its space does not break.
pub(crate) const CONFIDENCE: &str = "95\u{a0}%";

/// A mean over images with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Summary {
    pub(crate) mean: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// Images that the mean is over.
    pub(crate) images: usize,
}

/// Mean and Student t interval of the values that are defined (not NaN); `None` if there are none.
/// A single value has no spread, so its interval is itself.
pub(crate) fn summarise(values: &[f64]) -> Option<Summary> {
    let defined: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).collect();
    let mean = mean(&defined)?;
    let n = defined.len();
    let half = if n < 2 {
        0.0
    } else {
        let variance = defined.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (n - 1) as f64;
        student_t(n - 1) * (variance / n as f64).sqrt()
    };
    Some(Summary { mean, low: mean - half, high: mean + half, images: n })
}

/// Mean difference and the 2.5 % and 97.5 % points of its bootstrap distribution over images.
/// `differences` holds one paired difference an image; `None` if there are none.
pub(crate) fn paired_bootstrap(differences: &[f64], seed: [u8; 32]) -> Option<Summary> {
    let mean = mean(differences)?;
    let n = differences.len();
    let mut generator = ChaCha8Rng::from_seed(seed);
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let total: f64 = (0..n).map(|_| differences[index_below(n, &mut generator)]).sum();
            total / n as f64
        })
        .collect();
    means.sort_by(f64::total_cmp);
    Some(Summary { mean, low: quantile(&means, 0.025), high: quantile(&means, 0.975), images: n })
}

fn mean(values: &[f64]) -> Option<f64> {
    if values.is_empty() { None } else { Some(values.iter().sum::<f64>() / values.len() as f64) }
}

/// A number below `n`, by multiplication: its bias, below n/2^32, is far under the resampling error.
fn index_below(n: usize, generator: &mut ChaCha8Rng) -> usize {
    ((u64::from(generator.next_u32()) * n as u64) >> 32) as usize
}

/// The `q` quantile of sorted values, linear between neighbours.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let at = q * (sorted.len() - 1) as f64;
    let below = at.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (at - below as f64) * (sorted[above] - sorted[below])
}

/// The 97.5 % point of Student's t with `degrees` degrees of freedom: tabulated where the expansion is poor, else
/// the expansion in 1/degrees (Abramowitz and Stegun 26.7.5), good to three decimals.
fn student_t(degrees: usize) -> f64 {
    const SMALL: [f64; 8] = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306];
    if let Some(&t) = SMALL.get(degrees - 1) {
        return t;
    }
    let v = degrees as f64;
    let z = 1.959_963_984_540_054_f64;
    let (z2, z3) = (z * z, z * z * z);
    let (z5, z7) = (z3 * z2, z3 * z2 * z2);
    z + (z3 + z) / (4.0 * v)
        + (5.0 * z5 + 16.0 * z3 + 3.0 * z) / (96.0 * v * v)
        + (3.0 * z7 + 19.0 * z5 + 17.0 * z3 - 15.0 * z) / (384.0 * v * v * v)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn student_t_has_the_tabulated_points() {
        for (degrees, t) in [(1, 12.706), (5, 2.571), (9, 2.262), (12, 2.179), (39, 2.023), (1000, 1.962)] {
            assert!((student_t(degrees) - t).abs() < 2e-3, "{degrees}: {}", student_t(degrees));
        }
    }

    #[test]
    fn undefined_values_are_left_out_of_a_summary() {
        let s = summarise(&[1.0, f64::NAN, 3.0]).unwrap();
        assert_eq!((s.mean, s.images), (2.0, 2));
        assert!((s.high - (2.0 + 12.706)).abs() < 1e-9); // t(1) times sqrt(2)/sqrt(2)
        assert!(summarise(&[f64::NAN]).is_none());
    }

    #[test]
    fn the_bootstrap_agrees_with_theory() {
        // Differences 0, 1, 0, 1, …: the mean has standard error 0.5/sqrt(400) = 0.025, so the interval is 0.5 ± 0.049.
        let differences: Vec<f64> = (0..400).map(|i| f64::from(i % 2)).collect();
        let s = paired_bootstrap(&differences, [7; 32]).unwrap();
        assert_eq!((s.mean, s.images), (0.5, 400));
        assert!((s.low - 0.451).abs() < 0.003 && (s.high - 0.549).abs() < 0.003, "{s:?}");
        assert_eq!(s, paired_bootstrap(&differences, [7; 32]).unwrap());
        assert_ne!(s.low, paired_bootstrap(&differences[1..], [7; 32]).unwrap().low);
    }

    #[test]
    fn constant_differences_have_an_interval_of_one_point() {
        let s = paired_bootstrap(&[0.25; 8], [0; 32]).unwrap();
        assert_eq!((s.mean, s.low, s.high), (0.25, 0.25, 0.25));
    }

    #[test]
    fn quantiles_lie_between_neighbours() {
        assert_eq!(quantile(&[0.0, 1.0, 2.0], 0.25), 0.5);
        assert_eq!(quantile(&[4.0], 0.975), 4.0);
    }
}
