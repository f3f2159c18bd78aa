//! A mean with its interval, Student's t, and the constants that all intervals and tests share.

use statrs::distribution::{ContinuousCDF as _, StudentsT};

/// The number of resamples of a bootstrap, and of drawn sign flips of a test.
pub(crate) const RESAMPLES: usize = 10_000;

/// The confidence level of the intervals, in words, with a non-breaking space.
pub(crate) const CONFIDENCE: &str = "95\u{a0}%";

/// The level below which a corrected p-value counts as evidence. The intervals cover one minus this level.
pub(crate) const LEVEL: f64 = 0.05;

/// A mean over images with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Summary {
    pub(crate) mean: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// The number of images in the mean.
    pub(crate) images: usize,
    /// The number of seeds in the mean; 0 for values that are the same under every seed.
    pub(crate) seeds: usize,
}

impl Summary {
    /// Returns the ends of the interval.
    pub(crate) fn interval(&self) -> (f64, f64) {
        (self.low, self.high)
    }
}

/// Returns Student's 95 % interval of the mean of one value for each seed, or `None` for fewer than two values.
pub(crate) fn over_seeds(values: &[f64]) -> Option<(f64, f64)> {
    around_mean(values, 1.0 / values.len() as f64)
}

/// Returns the 95 % prediction interval of the value of one more seed: mean ± t(k−1)·s·√(1 + 1/k) for `k` values with the
/// standard deviation s. Returns `None` for fewer than two values.
pub(crate) fn of_new_seed(values: &[f64]) -> Option<(f64, f64)> {
    around_mean(values, 1.0 + 1.0 / values.len() as f64)
}

/// Returns mean ± t·s·√`share`, or `None` for fewer than two values.
fn around_mean(values: &[f64], share: f64) -> Option<(f64, f64)> {
    let mean = mean(values).filter(|_| values.len() > 1)?;
    let half = quantile(values.len() - 1, LEVEL) * (variance(values, mean) * share).sqrt();
    Some((mean - half, mean + half))
}

pub(super) fn mean(values: &[f64]) -> Option<f64> {
    if values.is_empty() { None } else { Some(values.iter().sum::<f64>() / values.len() as f64) }
}

/// Returns the unbiased variance of at least two values.
pub(super) fn variance(values: &[f64], mean: f64) -> f64 {
    values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (values.len() - 1) as f64
}

/// Returns the quantile of Student's t that a two-sided test at `level` uses.
pub(super) fn quantile(degrees: usize, level: f64) -> f64 {
    StudentsT::new(0.0, 1.0, degrees as f64).map_or(f64::INFINITY, |t| -t.inverse_cdf(level / 2.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    // `reference/intervals.py` makes these numbers, and those of the two tests below, with SciPy.
    #[test]
    fn quantiles_are_those_of_student() {
        for (degrees, t) in [(1, 12.706_204_736), (2, 4.302_652_730), (9, 2.262_157_163), (1000, 1.962_339_081)] {
            assert!((quantile(degrees, LEVEL) - t).abs() < 1e-8, "{degrees}: {}", quantile(degrees, LEVEL));
        }
    }

    #[test]
    fn seeds_have_an_interval_from_two_on() {
        let (low, high) = over_seeds(&[1.0, 3.0]).unwrap();
        assert!((low + 10.706_204_736).abs() < 1e-8 && (high - 14.706_204_736).abs() < 1e-8, "{low} {high}");
        assert!(over_seeds(&[1.0]).is_none() && over_seeds(&[]).is_none());
    }

    #[test]
    fn a_new_seed_has_a_wider_interval_than_the_mean() {
        let near = |found: Option<(f64, f64)>, low: f64, high: f64| {
            let (a, b) = found.unwrap();
            assert!((a - low).abs() < 1e-9 && (b - high).abs() < 1e-9, "{a} {b}");
        };
        near(of_new_seed(&[0.851, 0.846, 0.862]), 0.812_332_912_991, 0.893_667_087_009);
        near(of_new_seed(&[0.42, 0.44, 0.41, 0.45, 0.43]), 0.381_910_560_134, 0.478_089_439_866);
        assert!(of_new_seed(&[1.0]).is_none() && of_new_seed(&[]).is_none());
    }
}
