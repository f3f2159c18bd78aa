//! Strata: the classes within which images are drawn.

use std::collections::BTreeMap;

/// The strata of the images of a sample. Each stratum holds positions in the list of images that it was made from.
///
/// From each stratum, one image fewer than it has is drawn with replacement, and the stratum keeps its share of all
/// images. This makes the variance of the drawn means unbiased, however small the strata are. With as many draws as
/// images, a stratum of two would give half the variance (Rao and Wu, Journal of the American Statistical Association
/// 83, 1988, with m = n − 1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Strata(Vec<Vec<usize>>);

impl Strata {
    /// Creates strata of at least two images each, if there are two images. A class of one image has no spread of its
    /// own, so such classes form one common stratum; a single such class joins the smallest stratum.
    pub(super) fn new<'a>(classes: impl Iterator<Item = &'a str>) -> Self {
        let mut by_class: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (position, class) in classes.enumerate() {
            by_class.entry(class).or_default().push(position);
        }
        let (mut strata, lone): (Vec<_>, Vec<_>) = by_class.into_values().partition(|members| members.len() > 1);
        let lone = lone.concat();
        match (lone.len(), strata.iter_mut().min_by_key(|members| members.len())) {
            (0, _) => {}
            (1, Some(smallest)) => smallest.extend(lone),
            _ => strata.push(lone),
        }
        Self(strata)
    }

    /// Returns the members and the number of draws of each stratum.
    pub(super) fn draws(&self) -> impl Iterator<Item = (&[usize], usize)> {
        self.0.iter().map(|members| (members.as_slice(), (members.len() - 1).max(1)))
    }

    /// Returns the number of draws of all strata together.
    pub(super) fn total(&self) -> usize {
        self.draws().map(|(_, draws)| draws).sum()
    }

    /// Returns, for each position, the weight of one draw in the mean over all positions.
    pub(super) fn weights(&self) -> Vec<f64> {
        let all: usize = self.0.iter().map(Vec::len).sum();
        let mut weights = vec![0.0; all];
        for (members, draws) in self.draws() {
            let weight = members.len() as f64 / all as f64 / draws as f64;
            for &position in members {
                weights[position] = weight;
            }
        }
        weights
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strata(classes: &str) -> Vec<Vec<usize>> {
        Strata::new(classes.split_whitespace()).0
    }

    #[test]
    fn classes_of_one_image_are_drawn_from_together() {
        assert_eq!(strata("a b a b b"), [vec![0, 2], vec![1, 3, 4]]);
        assert_eq!(strata("a b a c"), [vec![0, 2], vec![1, 3]]);
        assert_eq!(strata("a b a a c c"), [vec![0, 2, 3], vec![4, 5, 1]]);
        assert_eq!(strata("a"), [vec![0]]);
        assert!(strata("").is_empty());
    }

    #[test]
    fn weights_make_a_mean() {
        let strata = Strata::new("a b a b b".split(' '));
        assert_eq!((strata.total(), strata.weights()), (3, vec![0.4, 0.3, 0.4, 0.3, 0.3]));
    }
}
