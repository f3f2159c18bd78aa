//! The squared norm of a vector.

use crate::{
    elementwise::for_lanes,
    isa::{Isa, kernel},
    lanes::Sums,
    output::pieces,
};

/// `Σ x²`, in f64.
pub fn sum_of_squares(isa: Isa, x: &[f32]) -> f64 {
    pieces(x.len(), |range| squares(isa, &x[range])).into_iter().sum()
}

kernel! {
    fn squares<V>(x: &[f32]) -> f64 {
        let mut sum = V::Sums::zero();
        for_lanes!(V, [x], { sum = sum.add_product(x, x); });
        sum.total()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{numbers, on_threads};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn squares_are_added(length in 0usize..100, seed in 0u64..1000) {
            let x = numbers(length, seed);
            let truth: f64 = x.iter().map(|&v| f64::from(v).powi(2)).sum();
            let bits = sum_of_squares(Isa::PORTABLE, &x).to_bits();
            for isa in Isa::available() {
                let found = sum_of_squares(isa, &x);
                prop_assert!((found - truth).abs() <= 1e-12 * truth);
                prop_assert_eq!(found.to_bits(), bits);
            }
        }
    }

    #[test]
    fn bits_do_not_depend_on_threads() {
        let x = numbers(100_001, 1);
        on_threads(|| sum_of_squares(Isa::best(), &x).to_bits());
    }
}
