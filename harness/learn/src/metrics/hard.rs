//! Metrics of arg-max masks, from one confusion count an image.

use super::CLASSES;

/// Pixels by true and predicted class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Confusion {
    counts: [[u64; CLASSES]; CLASSES],
}

impl Confusion {
    /// Counts the pixels of one image; classes above the last are not allowed.
    pub fn of(truth: &[u8], prediction: &[u8]) -> Self {
        let mut counts = [[0; CLASSES]; CLASSES];
        for (&t, &p) in truth.iter().zip(prediction) {
            counts[usize::from(t)][usize::from(p)] += 1;
        }
        Self { counts }
    }

    /// Share of pixels whose class is right.
    pub fn accuracy(&self) -> Option<f64> {
        let right: u64 = (0..CLASSES).map(|c| self.counts[c][c]).sum();
        ratio(right, self.counts.iter().flatten().sum())
    }

    /// `2·|T∩P| / (|T| + |P|)` of a class; undefined where neither truth nor prediction contains it.
    pub fn dice(&self, class: usize) -> Option<f64> {
        let (both, truth, prediction) = self.sizes(class);
        ratio(2 * both, truth + prediction)
    }

    /// `|T∩P| / |T∪P|` of a class; undefined where neither truth nor prediction contains it.
    pub fn iou(&self, class: usize) -> Option<f64> {
        let (both, truth, prediction) = self.sizes(class);
        ratio(both, truth + prediction - both)
    }

    /// Mean over the classes for which `metric` is defined.
    pub fn macro_mean(&self, metric: impl Fn(&Self, usize) -> Option<f64>) -> Option<f64> {
        let values: Vec<f64> = (0..CLASSES).filter_map(|c| metric(self, c)).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    }

    fn sizes(&self, class: usize) -> (u64, u64, u64) {
        let truth = self.counts[class].iter().sum();
        (self.counts[class][class], truth, self.counts.iter().map(|row| row[class]).sum())
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        // truth 0 0 1 1 against 0 1 1 1: class 0 overlaps in 1 of 2 and 1, class 1 in 2 of 2 and 3.
        let c = Confusion::of(&[0, 0, 1, 1], &[0, 1, 1, 1]);
        assert_eq!(c.accuracy(), Some(0.75));
        assert_eq!(c.dice(0), Some(2.0 / 3.0));
        assert_eq!(c.dice(1), Some(0.8));
        assert_eq!(c.iou(0), Some(0.5));
        assert_eq!(c.iou(1), Some(2.0 / 3.0));
        assert_eq!(c.dice(2), None, "a class in neither mask has no Dice");
        assert_eq!(c.macro_mean(Confusion::dice), Some(f64::midpoint(2.0 / 3.0, 0.8)));
    }

    #[test]
    fn a_class_that_is_only_predicted_counts_as_wrong() {
        let c = Confusion::of(&[0, 0], &[0, 2]);
        assert_eq!(c.dice(2), Some(0.0));
        assert_eq!(c.iou(2), Some(0.0));
    }

    #[test]
    fn no_pixels_have_no_metric() {
        assert_eq!(Confusion::of(&[], &[]).accuracy(), None);
    }
}
