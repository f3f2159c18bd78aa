//! The sign-flip test of paired differences, Holm's correction, and the effect size.

use super::summary::{RESAMPLES, mean, variance};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng as _, SeedableRng as _},
};

/// Up to so many differences all sign flips are enumerated: 2^13 of them are fewer than would be drawn.
pub(crate) const ENUMERATED: usize = 13;

/// Scores are single-precision numbers around one: what is smaller is their rounding.
const ROUNDING: f64 = 5e-7;

/// What a test says of paired differences.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct DifferenceTest {
    /// Two-sided p-value of a mean difference of zero.
    pub(crate) p: f64,
    /// Cohen's `d_z`, the mean difference in standard deviations of the differences; `None` if they have none.
    pub(crate) effect: Option<f64>,
}

/// Tests differences, one an image, by flipping their signs: if nothing but chance made them, each could as well have come
/// out with the other sign. The p-value is the share of flips whose mean is at least as far from zero as the one that was
/// found; of all flips up to 13 differences, else of drawn ones, the found one counted among them (Phipson and Smyth,
/// Statistical Applications in Genetics and Molecular Biology 9, 2010), so it is never zero.
pub(crate) fn test_of_differences(differences: &[f64], seed: [u8; 32]) -> DifferenceTest {
    let average = mean(differences).unwrap_or(0.0);
    let deviation = if differences.len() < 2 { 0.0 } else { variance(differences, average).sqrt() };
    // What is constant but for the rounding of scores has no deviation.
    let has_spread = deviation > ROUNDING;
    DifferenceTest { p: sign_flip(differences, seed), effect: has_spread.then(|| average / deviation) }
}

fn sign_flip(differences: &[f64], seed: [u8; 32]) -> f64 {
    let sums = FlippedSums::new(differences);
    let found: f64 = differences.iter().sum::<f64>().abs();
    // Flips that give the same sum in another order must count as equal.
    let least = found - 1e-12 * differences.iter().map(|d| d.abs()).sum::<f64>();
    let n = differences.len();
    if n <= ENUMERATED {
        let flips = 1_u64 << n;
        let as_far = (0..flips).filter(|flip| sums.of(&flip.to_le_bytes()).abs() >= least).count();
        return as_far as f64 / flips as f64;
    }
    let mut generator = ChaCha8Rng::from_seed(seed);
    let mut signs = vec![0; n.div_ceil(8)];
    let as_far = (0..RESAMPLES)
        .filter(|_| {
            generator.fill_bytes(&mut signs);
            sums.of(&signs).abs() >= least
        })
        .count();
    (as_far + 1) as f64 / (RESAMPLES + 1) as f64
}

/// Sums of eight differences at a time under each of their 256 flips.
struct FlippedSums(Vec<[f64; 256]>);

impl FlippedSums {
    fn new(differences: &[f64]) -> Self {
        let of = |eight: &[f64], flip: usize| -> f64 {
            eight.iter().enumerate().map(|(i, d)| if flip >> i & 1 == 1 { -d } else { *d }).sum()
        };
        Self(differences.chunks(8).map(|eight| std::array::from_fn(|flip| of(eight, flip))).collect())
    }

    /// The sum of all, those flipped whose bit in `signs` is set.
    fn of(&self, signs: &[u8]) -> f64 {
        self.0.iter().zip(signs).map(|(sums, &flip)| sums[usize::from(flip)]).sum()
    }
}

/// P-values corrected for their number by Holm's step-down method (Scandinavian Journal of Statistics 6, 1979): the chance
/// that any of several tests of nothing falls below a level is no greater than the level.
pub(crate) fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let mut corrected = vec![1.0; p.len()];
    let mut least: f64 = 0.0;
    for (rank, &i) in order.iter().enumerate() {
        least = least.max((p[i] * (p.len() - rank) as f64).min(1.0));
        corrected[i] = least;
    }
    corrected
}

#[cfg(test)]
mod tests;
