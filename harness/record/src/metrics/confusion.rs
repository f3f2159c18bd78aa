//! Pixel counts of masks. Every hard metric is computed from them.

use super::CLASSES;
use std::iter::Sum;

/// Pixels by true and predicted class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Confusion {
    counts: [[u64; CLASSES]; CLASSES],
}

impl Confusion {
    /// Counts the pixels of one image. Classes above the last are not allowed.
    pub fn of(truth: &[u8], prediction: &[u8]) -> Self {
        let mut counts = [[0; CLASSES]; CLASSES];
        for (&t, &p) in truth.iter().zip(prediction) {
            counts[usize::from(t)][usize::from(p)] += 1;
        }
        Self { counts }
    }

    /// Takes existing counts: `counts[true class][predicted class]`.
    pub fn from_counts(counts: [[u64; CLASSES]; CLASSES]) -> Self {
        Self { counts }
    }

    /// `counts[true class][predicted class]`.
    pub fn counts(&self) -> [[u64; CLASSES]; CLASSES] {
        self.counts
    }

    /// Number of pixels.
    pub fn pixels(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }

    /// Number of correctly classified pixels.
    pub fn right(&self) -> u64 {
        (0..CLASSES).map(|class| self.overlap(class)).sum()
    }

    /// `|T∩P|` of a class.
    pub fn overlap(&self, class: usize) -> u64 {
        self.counts[class][class]
    }

    /// `|T|` of a class.
    pub fn truth(&self, class: usize) -> u64 {
        self.counts[class].iter().sum()
    }

    /// `|P|` of a class.
    pub fn predicted(&self, class: usize) -> u64 {
        self.counts.iter().map(|row| row[class]).sum()
    }

    /// `|T∪P|` of a class.
    pub fn union(&self, class: usize) -> u64 {
        self.truth(class) + self.predicted(class) - self.overlap(class)
    }
}

/// Adds the counts of several images.
impl Sum for Confusion {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |mut sum, one| {
            for (sum, one) in sum.counts.iter_mut().flatten().zip(one.counts.iter().flatten()) {
                *sum += one;
            }
            sum
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_a_class() {
        let c = Confusion::of(&[0, 0, 1, 1, 2], &[0, 1, 1, 1, 0]);
        assert_eq!((c.pixels(), c.right()), (5, 3));
        assert_eq!([0, 1, 2].map(|k| (c.overlap(k), c.truth(k), c.predicted(k))), [(1, 2, 2), (2, 2, 3), (0, 1, 0)]);
        assert_eq!([0, 1, 2].map(|k| c.union(k)), [3, 3, 1]);
        assert_eq!(Confusion::from_counts([[1, 1, 0], [0, 2, 0], [1, 0, 0]]), c);
    }

    #[test]
    fn images_together_are_counted_as_one() {
        let parts = [Confusion::of(&[0, 2], &[1, 2]), Confusion::of(&[1], &[1])];
        assert_eq!(parts.into_iter().sum::<Confusion>(), Confusion::of(&[0, 2, 1], &[1, 2, 1]));
        assert_eq!(std::iter::empty().sum::<Confusion>(), Confusion::default());
    }
}
