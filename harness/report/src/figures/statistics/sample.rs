//! Scores of images under seeds.

/// The score of each image under each seed. An image has a score under every seed or under none; a missing score is
/// NaN.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    /// The seeds. Empty for values that are the same under every seed, such as those of a baseline; there is then one
    /// column.
    seeds: Vec<u64>,
    /// One column for each seed, with one score for each image.
    columns: Vec<Vec<f64>>,
}

impl Sample {
    /// Creates a sample. Each column holds one score for each image, NaN if undefined. If an image is undefined under
    /// some of the seeds, it gets the mean of its other scores there, which does not change its mean over seeds.
    pub(crate) fn new(seeds: Vec<u64>, mut columns: Vec<Vec<f64>>) -> Self {
        for image in 0..columns.first().map_or(0, Vec::len) {
            let defined = columns.iter().map(|column| column[image]).filter(|v| !v.is_nan());
            let (sum, count) = defined.fold((0.0, 0), |(sum, count), v| (sum + v, count + 1));
            for column in &mut columns {
                if count > 0 && column[image].is_nan() {
                    column[image] = sum / f64::from(count);
                }
            }
        }
        Self { seeds, columns }
    }

    /// Returns the number of seeds; 0 for values that are the same under every seed.
    pub(crate) fn seeds(&self) -> usize {
        self.seeds.len()
    }

    pub(super) fn columns(&self) -> &[Vec<f64>] {
        &self.columns
    }

    /// Returns the scores under the first seed.
    pub(crate) fn first(&self) -> Option<&[f64]> {
        self.columns.first().map(Vec::as_slice)
    }

    /// Returns the indices of the images that have a score.
    pub(super) fn images(&self) -> Vec<usize> {
        let first = self.first().unwrap_or_default();
        (0..first.len()).filter(|&image| !first[image].is_nan()).collect()
    }

    /// Returns the mean over seeds of each image, NaN if undefined.
    pub(crate) fn means(&self) -> Vec<f64> {
        let images = self.columns.first().map_or(0, Vec::len);
        let n = self.columns.len() as f64;
        (0..images).map(|image| self.columns.iter().map(|column| column[image]).sum::<f64>() / n).collect()
    }

    /// Returns the means of the images that have a score.
    pub(crate) fn defined(&self) -> Vec<f64> {
        self.means().into_iter().filter(|v| !v.is_nan()).collect()
    }

    /// Returns `self − other`, image by image and seed by seed, for the seeds that both have.
    pub(crate) fn minus(&self, other: &Self) -> Self {
        let differences = |left: &Vec<f64>, right: &Vec<f64>| left.iter().zip(right).map(|(l, r)| l - r).collect();
        let seeds: Vec<u64> = match (self.seeds.is_empty(), other.seeds.is_empty()) {
            (true, true) => {
                let columns = self.columns.iter().zip(&other.columns).map(|(l, r)| differences(l, r)).collect();
                return Self { seeds: Vec::new(), columns };
            }
            (true, false) => other.seeds.clone(),
            (false, true) => self.seeds.clone(),
            (false, false) => self.seeds.iter().copied().filter(|seed| other.seeds.contains(seed)).collect(),
        };
        let pairs = seeds.iter().filter_map(|&seed| Some((self.under(seed)?, other.under(seed)?)));
        let columns = pairs.map(|(l, r)| differences(l, r)).collect();
        Self { seeds, columns }
    }

    /// Returns these differences from `base` relative to its mean, over their own seeds and images. The mean of the result is the
    /// relative change r, and its spread is that of r to first order: each score is (d − r·b) / mean(b) + r, for a
    /// difference d from the score b (the delta method for a ratio of means). Returns `None` if the base lacks a seed or an image,
    /// or if its mean is not above zero.
    pub(crate) fn relative_to(&self, base: &Self) -> Option<Self> {
        let base = base.like(self)?;
        let (differences, base_means) = (self.defined(), base.defined());
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let (change, level) = (mean(&differences), mean(&base_means));
        if base.images() != self.images() || level.is_nan() || level <= 0.0 {
            return None;
        }
        let ratio = change / level;
        let columns = self.columns.iter().zip(&base.columns).map(|(differences, base)| {
            differences.iter().zip(base).map(|(d, b)| (d - ratio * b) / level + ratio).collect() //
        });
        Some(Self { seeds: self.seeds.clone(), columns: columns.collect() })
    }

    /// Returns the scores of `self` for the seeds and images of `other`, or `None` if a seed is missing.
    fn like(&self, other: &Self) -> Option<Self> {
        let columns = if other.seeds.is_empty() {
            self.columns.clone()
        } else {
            other.seeds.iter().map(|&seed| self.under(seed).cloned()).collect::<Option<_>>()?
        };
        let kept = other.first()?;
        Some(Self { seeds: other.seeds.clone(), columns }.only(|image| kept.get(image).is_some_and(|v| !v.is_nan())))
    }

    /// Returns the seeds; empty for values that are the same under every seed.
    pub(crate) fn seed_numbers(&self) -> &[u64] {
        &self.seeds
    }

    /// Returns the scores under the given seeds.
    pub(crate) fn of_seeds(&self, seeds: &[u64]) -> Self {
        let columns = seeds.iter().filter_map(|&seed| self.under(seed)).cloned().collect();
        Self { seeds: seeds.to_vec(), columns }
    }

    /// Gives the columns other seeds, in their order. Columns without a seed are left out.
    pub(crate) fn renamed(&self, seeds: &[u64]) -> Self {
        let columns = self.columns.iter().take(seeds.len()).cloned().collect();
        Self { seeds: seeds.to_vec(), columns }
    }

    /// Returns the scores in another order of images. `places` holds, for each image of the new order, its index in
    /// this sample, if it is in it.
    pub(crate) fn placed(&self, places: &[Option<usize>]) -> Self {
        let column = |column: &Vec<f64>| places.iter().map(|place| place.map_or(f64::NAN, |at| column[at])).collect();
        Self { seeds: self.seeds.clone(), columns: self.columns.iter().map(column).collect() }
    }

    /// Returns true if every score is zero.
    pub(crate) fn is_zero(&self) -> bool {
        self.columns.iter().flatten().all(|score| score.is_nan() || *score == 0.0)
    }

    /// Subtracts `offset` from every score.
    pub(crate) fn below(mut self, offset: f64) -> Self {
        self.columns.iter_mut().flatten().for_each(|score| *score -= offset);
        self
    }

    /// Makes the images undefined for which `keep` returns false.
    pub(crate) fn only(mut self, keep: impl Fn(usize) -> bool) -> Self {
        for column in &mut self.columns {
            for (image, score) in column.iter_mut().enumerate() {
                if !keep(image) {
                    *score = f64::NAN;
                }
            }
        }
        self
    }

    fn under(&self, seed: u64) -> Option<&Vec<f64>> {
        if self.seeds.is_empty() {
            return self.columns.first();
        }
        self.columns.get(self.seeds.iter().position(|&s| s == seed)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: f64 = f64::NAN;

    #[test]
    fn an_image_undefined_under_a_seed_keeps_its_mean() {
        let sample = Sample::new(vec![3, 5], vec![vec![0.5, NONE, NONE], vec![1.0, 0.25, NONE]]);
        assert_eq!(sample.defined(), [0.75, 0.25]);
        assert_eq!(sample.images(), [0, 1]);
        assert_eq!(sample.only(|image| image == 1).defined(), [0.25]);
    }

    #[test]
    fn differences_pair_seeds_and_spread_baselines() {
        let a = Sample::new(vec![0, 1, 2], vec![vec![1.0], vec![2.0], vec![3.0]]);
        let b = Sample::new(vec![2, 1], vec![vec![0.5], vec![1.0]]);
        let baseline = Sample::new(Vec::new(), vec![vec![0.25]]);
        let difference = a.minus(&b);
        assert_eq!((difference.seeds(), difference.defined()), (2, vec![f64::midpoint(1.0, 2.5)]));
        assert_eq!((a.minus(&baseline).seeds(), baseline.minus(&a).below(1.0).defined()), (3, vec![-2.75]));
        let apart = Sample::new(vec![7], vec![vec![0.5]]);
        assert!(a.minus(&apart).defined().is_empty(), "no seed in common");
        assert_eq!((baseline.minus(&baseline).seeds(), baseline.minus(&baseline).defined()), (0, vec![0.0]));
    }

    #[test]
    fn scores_are_taken_by_seed_and_by_place() {
        let sample = Sample::new(vec![3, 5], vec![vec![0.5, 1.0], vec![1.5, 2.0]]);
        assert_eq!((sample.of_seeds(&[5]).defined(), sample.of_seeds(&[5]).seeds()), (vec![1.5, 2.0], 1));
        let other = sample.renamed(&[8]);
        assert_eq!((other.defined(), other.seed_numbers()), (vec![0.5, 1.0], &[8][..]));
        let placed = sample.placed(&[Some(1), None, Some(0)]);
        assert_eq!(
            (placed.images(), placed.defined(), placed.seed_numbers()),
            (vec![0, 2], vec![1.5, 1.0], &[3, 5][..])
        );
    }

    #[test]
    fn a_relative_change_is_a_ratio_of_means() {
        let base = Sample::new(vec![0, 1], vec![vec![0.5, 0.8, NONE], vec![0.6, 0.7, NONE]]);
        let times = |factor: f64| {
            Sample::new(vec![0, 1], base.columns.iter().map(|c| c.iter().map(|v| v * factor).collect()).collect())
        };
        // A tenth less for every image is a tenth less, without any spread.
        let tenth = times(0.9).minus(&base).relative_to(&base).unwrap();
        assert!(tenth.columns.iter().flatten().filter(|v| !v.is_nan()).all(|v| (v + 0.1).abs() < 1e-12), "{tenth:?}");
        // The mean of another change is the ratio of the means.
        let more = Sample::new(vec![0, 1], vec![vec![0.7, 0.8, 0.1], vec![0.6, 0.9, 0.1]]);
        let defined = more.minus(&base).relative_to(&base).unwrap().defined();
        assert!((f64::midpoint(defined[0], defined[1]) - 0.4 / 2.6).abs() < 1e-12, "{defined:?}");
        // The base must have every seed and image of the differences, and a mean above zero.
        let one = base.of_seeds(&[0]);
        assert!(more.minus(&base).relative_to(&one).is_none() && more.relative_to(&base).is_none());
        assert!(base.relative_to(&times(0.0)).is_none() && times(0.0).relative_to(&base).is_some());
    }
}
