//! The confidence of a network in the classes that it predicted, and how often it was right.

use std::iter::Sum;

/// Number of bins, equally wide between 0 and 1, as in Guo et al. ("On Calibration of Modern Neural Networks", ICML 2017).
pub const BINS: usize = 15;

/// Pixels whose predicted class has a probability within the bin.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Bin {
    /// Number of pixels.
    pub pixels: u64,
    /// Number of correctly classified pixels.
    pub right: u64,
    /// Sum of the probabilities of the predicted classes.
    pub confidence: f64,
}

/// Pixels by the probability of their predicted class: the data of a reliability diagram.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Reliability {
    bins: [Bin; BINS],
}

impl Reliability {
    /// Takes existing counts.
    pub fn from_bins(bins: [Bin; BINS]) -> Self {
        Self { bins }
    }

    /// Counts a pixel whose predicted class has the probability `confidence` (0 to 1).
    pub fn count(&mut self, confidence: f32, right: bool) {
        let confidence = f64::from(confidence);
        // A bin includes its upper end, but not its lower one.
        let place = ((confidence * BINS as f64).ceil() as usize).clamp(1, BINS) - 1;
        let bin = &mut self.bins[place];
        bin.pixels += 1;
        bin.right += u64::from(right);
        bin.confidence += confidence;
    }

    /// The bins, from the least to the most confident.
    pub fn bins(&self) -> &[Bin; BINS] {
        &self.bins
    }

    /// Lower and upper end of a bin; bins are counted from 0.
    pub fn ends(bin: usize) -> (f64, f64) {
        (bin as f64 / BINS as f64, (bin + 1) as f64 / BINS as f64)
    }

    /// Number of pixels.
    pub fn pixels(&self) -> u64 {
        self.bins.iter().map(|bin| bin.pixels).sum()
    }

    /// Expected calibration error: the distance between mean probability and accuracy of each bin, weighted by its pixels.
    /// `None` if no pixel was counted.
    pub fn expected_error(&self) -> Option<f64> {
        let pixels = self.pixels();
        let distances: f64 = self.bins.iter().map(|bin| (bin.confidence - bin.right as f64).abs()).sum();
        (pixels > 0).then(|| distances / pixels as f64)
    }

    /// Mean probability of the predicted classes minus their accuracy. Above 0, the network is overconfident. `None` if no
    /// pixel was counted.
    pub fn overconfidence(&self) -> Option<f64> {
        let pixels = self.pixels();
        let sum: f64 = self.bins.iter().map(|bin| bin.confidence - bin.right as f64).sum();
        (pixels > 0).then(|| sum / pixels as f64)
    }
}

/// Adds the pixels of several images, in order.
impl Sum for Reliability {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |mut sum, one| {
            for (sum, one) in sum.bins.iter_mut().zip(&one.bins) {
                sum.pixels += one.pixels;
                sum.right += one.right;
                sum.confidence += one.confidence;
            }
            sum
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(pixels: &[(f32, bool)]) -> Reliability {
        let mut all = Reliability::default();
        for &(confidence, right) in pixels {
            all.count(confidence, right);
        }
        all
    }

    // `reference/scores.py` makes the error with torchmetrics.
    #[test]
    fn the_error_is_the_weighted_distance_of_the_bins() {
        // Two pixels at 0.9, one of them right, and two at 0.5, both right: (2·|0.9 − 0.5| + 2·|0.5 − 1|) / 4.
        let all = counted(&[(0.9, true), (0.9, false), (0.5, true), (0.5, true)]);
        assert!((all.expected_error().unwrap() - 0.45).abs() < 1e-7);
        assert!((all.overconfidence().unwrap() + 0.05).abs() < 1e-7);
        assert_eq!((Reliability::default().expected_error(), Reliability::default().overconfidence()), (None, None));
    }

    #[test]
    fn what_is_right_as_often_as_it_is_sure_has_no_error() {
        let all = counted(&[(0.75, true), (0.75, true), (0.75, true), (0.75, false)]);
        assert_eq!((all.expected_error(), all.overconfidence()), (Some(0.0), Some(0.0)));
    }

    #[test]
    fn every_probability_has_a_bin() {
        let all = counted(&[(0.0, true), (1.0, true), (0.2, true), (0.200_001, true), (1.5, true)]);
        let places: Vec<usize> = (0..BINS).filter(|&bin| all.bins()[bin].pixels > 0).collect();
        assert_eq!((places, all.pixels()), (vec![0, 3, 14], 5));
        // 0.2 in f32 is a little more than 3/15.
        assert_eq!((all.bins()[3].pixels, Reliability::ends(3)), (2, (0.2, 4.0 / 15.0)));
    }

    #[test]
    fn images_together_are_counted_as_one() {
        let (one, other) = (counted(&[(0.5, true)]), counted(&[(0.5, false), (1.0, true)]));
        assert_eq!([one, other].into_iter().sum::<Reliability>(), counted(&[(0.5, true), (0.5, false), (1.0, true)]));
    }
}
