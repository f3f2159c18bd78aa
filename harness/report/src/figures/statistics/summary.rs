//! A mean with its interval, and the constants that all intervals and tests share.

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
    let n = values.len();
    let mean = mean(values).filter(|_| n > 1)?;
    let half = student_t(n - 1) * (variance(values, mean) / n as f64).sqrt();
    Some((mean - half, mean + half))
}

pub(super) fn mean(values: &[f64]) -> Option<f64> {
    if values.is_empty() { None } else { Some(values.iter().sum::<f64>() / values.len() as f64) }
}

/// Returns the unbiased variance of at least two values.
pub(super) fn variance(values: &[f64], mean: f64) -> f64 {
    values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (values.len() - 1) as f64
}

/// Returns the 97.5 % point of Student's t with `degrees` degrees of freedom. It is tabulated where the expansion is
/// poor. Otherwise it is the expansion in 1/degrees (Abramowitz and Stegun 26.7.5), accurate to three decimals.
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

    // `reference/intervals.py` makes these points with SciPy.
    #[test]
    fn student_t_has_the_tabulated_points() {
        for (degrees, t) in [(1, 12.706), (5, 2.571), (9, 2.262), (12, 2.179), (39, 2.023), (1000, 1.962)] {
            assert!((student_t(degrees) - t).abs() < 2e-3, "{degrees}: {}", student_t(degrees));
        }
    }

    #[test]
    fn seeds_have_an_interval_from_two_on() {
        let (low, high) = over_seeds(&[1.0, 3.0]).unwrap();
        assert!((low - (2.0 - 12.706)).abs() < 1e-9 && (high - (2.0 + 12.706)).abs() < 1e-9); // t(1) times sqrt(2)/sqrt(2)
        assert!(over_seeds(&[1.0]).is_none() && over_seeds(&[]).is_none());
    }
}
