//! Measures how fast this machine trains. `docs/performance.md` compares the results with PyTorch.

mod profile;
mod train_step;

pub use profile::{Timed, profile};
pub use train_step::{StepTimes, TrainStep, train_step};

/// The median, as in Python's `statistics.median`: the middle value, or the mean of the middle two. 0 if there are no
/// values.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match (sorted.len(), sorted.len() / 2) {
        (0, _) => 0.0,
        (n, middle) if n % 2 == 1 => sorted[middle],
        (_, middle) => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!([median(&[]), median(&[3.0, 1.0, 2.0]), median(&[4.0, 1.0, 3.0, 2.0])], [0.0, 2.0, 2.5]);
    }
}
