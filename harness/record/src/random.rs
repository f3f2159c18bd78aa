//! The generators of all random numbers. Each is seeded by the words that name its purpose.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

/// The generator for the purpose named by `words`.
pub fn generator(words: &[&str]) -> ChaCha8Rng {
    ChaCha8Rng::from_seed(crate::digest::seed(words))
}

/// A number in `[0, 1)` on a grid of 2⁻²⁴.
pub fn unit(rng: &mut impl Rng) -> f32 {
    (rng.next_u32() >> 8) as f32 / (1u32 << 24) as f32
}

/// An integer drawn uniformly from `0..n`; 0 if `n` is 0.
pub fn below(rng: &mut impl Rng, n: u32) -> u32 {
    // Lemire's multiplication method. It rejects the few draws that would favour small numbers.
    let least = n.wrapping_neg().checked_rem(n).unwrap_or(0);
    loop {
        let product = u64::from(rng.next_u32()) * u64::from(n);
        if product as u32 >= least {
            return (product >> 32) as u32;
        }
    }
}

/// The numbers `0..n` in random order (Fisher–Yates).
pub fn shuffled(n: u32, rng: &mut impl Rng) -> Vec<u32> {
    let mut order: Vec<u32> = (0..n).collect();
    for i in (1..n).rev() {
        order.swap(i as usize, below(rng, i + 1) as usize);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shuffle_is_a_permutation_and_repeats() {
        let order = shuffled(100, &mut generator(&["test"]));
        assert_eq!(order, shuffled(100, &mut generator(&["test"])));
        assert_ne!(order, shuffled(100, &mut generator(&["other"])));
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<_>>());
        assert_ne!(order, sorted);
    }

    #[test]
    fn below_reaches_every_number_about_equally() {
        let mut rng = generator(&["below"]);
        let mut counts = [0; 7];
        (0..7000).for_each(|_| counts[below(&mut rng, 7) as usize] += 1);
        assert!(counts.iter().all(|c| (850..1150).contains(c)), "{counts:?}");
        assert_eq!(below(&mut rng, 0), 0);
    }
}
