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

    /// Returns the scores of `self` for the seeds and images of `other`, or `None` if a seed is missing.
    pub(super) fn like(&self, other: &Self) -> Option<Self> {
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

    /// Replaces the scores of each image by its mean over seeds, so that it can be paired with any seeds.
    pub(crate) fn averaged(&self) -> Self {
        Self { seeds: Vec::new(), columns: vec![self.means()] }
    }

    /// Returns the scores in another order of images. `places` holds, for each image of the new order, its index in
    /// this sample, if it is in it.
    pub(crate) fn placed(&self, places: &[Option<usize>]) -> Self {
        let column = |column: &Vec<f64>| places.iter().map(|place| place.map_or(f64::NAN, |at| column[at])).collect();
        Self { seeds: self.seeds.clone(), columns: self.columns.iter().map(column).collect() }
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
        assert_eq!((sample.averaged().defined(), sample.averaged().seeds()), (vec![1.0, 1.5], 0));
        let placed = sample.placed(&[Some(1), None, Some(0)]);
        assert_eq!(
            (placed.images(), placed.defined(), placed.seed_numbers()),
            (vec![0, 2], vec![1.5, 1.0], &[3, 5][..])
        );
    }
}
