//! The sign-flip test of paired differences, and Holm's correction.

use super::summary::RESAMPLES;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng as _, SeedableRng as _},
};

/// Up to this number of differences, all sign flips are enumerated: there are at most 2^13, fewer than would be drawn.
pub(crate) const ENUMERATED: usize = 13;

/// Tests differences, one for each image, by flipping their signs. If only chance made the differences, each could
/// equally well have had the other sign. The p-value is the share of flips whose mean is at least as far from zero as
/// the observed mean. Up to 13 differences, all flips are used. Above that, flips are drawn and the observed one is
/// counted among them (Phipson and Smyth, Statistical Applications in Genetics and Molecular Biology 9, 2010). So the
/// p-value is never zero.
pub(crate) fn sign_flip_test(differences: &[f64], seed: [u8; 32]) -> f64 {
    let sums = FlippedSums::new(differences);
    let found: f64 = differences.iter().sum::<f64>().abs();
    // Flips with the same sum in another order of addition must count as equal.
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

/// The sums of each group of eight differences, for all of their 256 flips.
struct FlippedSums(Vec<[f64; 256]>);

impl FlippedSums {
    fn new(differences: &[f64]) -> Self {
        let of = |eight: &[f64], flip: usize| -> f64 {
            eight.iter().enumerate().map(|(i, d)| if flip >> i & 1 == 1 { -d } else { *d }).sum()
        };
        Self(differences.chunks(8).map(|eight| std::array::from_fn(|flip| of(eight, flip))).collect())
    }

    /// Returns the sum of all differences, where those whose bit in `signs` is set are flipped.
    fn of(&self, signs: &[u8]) -> f64 {
        self.0.iter().zip(signs).map(|(sums, &flip)| sums[usize::from(flip)]).sum()
    }
}

/// Corrects p-values for their number by Holm's step-down method (Scandinavian Journal of Statistics 6, 1979). If no
/// tested difference is real, the chance that any corrected p-value falls below a level is at most that level.
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
