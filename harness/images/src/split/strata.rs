//! Selects parts of a list in which every group has its share.

use crate::datasets::Item;
use std::collections::BTreeMap;

/// The groups of the images at `places`.
struct Groups {
    /// Number of the group of each place. Groups are numbered in the order in which they first appear.
    of: Vec<usize>,
    /// Images of each group.
    sizes: Vec<u64>,
}

impl Groups {
    fn new(items: &[Item], places: &[u32]) -> Self {
        let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
        let mut sizes = Vec::new();
        let number = |&place: &u32| {
            let next = numbers.len();
            let group = *numbers.entry(&items[place as usize].group).or_insert(next);
            if group == sizes.len() {
                sizes.push(0);
            }
            sizes[group] += 1;
            group
        };
        Self { of: places.iter().map(number).collect(), sizes }
    }

    /// Divides `places` into the first `quotas[g]` of each group g, and the rest. Both parts keep their order.
    fn divide(&self, places: Vec<u32>, mut quotas: Vec<u64>) -> (Vec<u32>, Vec<u32>) {
        let (mut first, mut rest) = (Vec::new(), Vec::new());
        for (place, &group) in places.into_iter().zip(&self.of) {
            if quotas[group] > 0 {
                quotas[group] -= 1;
                first.push(place);
            } else {
                rest.push(place);
            }
        }
        (first, rest)
    }

    /// Shares of `wanted` images by largest remainder: each group's exact share is rounded down, and the groups that
    /// lose most by that get one more. If losses are equal, the group that appears first wins, which is random in a
    /// shuffled list.
    fn by_largest_remainder(&self, wanted: u64) -> Vec<u64> {
        let total: u64 = self.sizes.iter().sum();
        let mut quotas: Vec<u64> = self.sizes.iter().map(|size| size * wanted / total).collect();
        let mut losers: Vec<usize> = (0..self.sizes.len()).collect();
        losers.sort_by_key(|&group| std::cmp::Reverse(self.sizes[group] * wanted % total));
        let missing = wanted - quotas.iter().sum::<u64>();
        losers.into_iter().take(missing as usize).for_each(|group| quotas[group] += 1);
        quotas
    }

    /// Shares of `wanted` images, each within one image of the exact share. No share falls when more images are wanted.
    ///
    /// Largest remainders do not have that property: with one more image to share out, a group can lose one. This is
    /// the quota method of Balinski and Young, "The quota method of apportionment", American Mathematical Monthly 82,
    /// 1975. The images are given out one by one. Each goes to the group that would wait longest for its exact share to
    /// reach its next whole number, among those groups that the image would not put a whole image ahead of their share.
    fn by_quota_method(&self, wanted: u64) -> Vec<u64> {
        let total: u64 = self.sizes.iter().sum();
        let mut quotas = vec![0; self.sizes.len()];
        for given in 1..=wanted {
            let behind = (0..quotas.len()).filter(|&group| quotas[group] * total < given * self.sizes[group]);
            let next = behind.reduce(|best, group| {
                // (q + 1) / size, without the division.
                let sooner = (quotas[group] + 1) * self.sizes[best] < (quotas[best] + 1) * self.sizes[group];
                if sooner { group } else { best }
            });
            if let Some(group) = next {
                quotas[group] += 1;
            }
        }
        quotas
    }
}

/// Cuts `places` in two: `wanted` of them, with each group's share to within one image, and the rest. The first part
/// has the first places of each group. Both parts keep the order.
pub(super) fn cut(items: &[Item], places: Vec<u32>, wanted: usize) -> (Vec<u32>, Vec<u32>) {
    let groups = Groups::new(items, &places);
    let quotas = groups.by_largest_remainder(wanted as u64);
    groups.divide(places, quotas)
}

/// Selects `wanted` of `places`, with each group's share to within one image, in the order of `places`. A selection for
/// a smaller number is part of the selection for every larger one.
pub(super) fn nested(items: &[Item], places: Vec<u32>, wanted: usize) -> Vec<u32> {
    let groups = Groups::new(items, &places);
    let quotas = groups.by_quota_method(wanted as u64);
    groups.divide(places, quotas).0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(sizes: &[u64]) -> Groups {
        let of = sizes.iter().enumerate().flat_map(|(group, &size)| vec![group; size as usize]).collect();
        Groups { of, sizes: sizes.to_vec() }
    }

    #[test]
    fn the_largest_remainders_get_what_rounding_down_leaves() {
        // Exact shares of 7 among 10, 3, 2 of 15: 4.67, 1.4, 0.93.
        assert_eq!(groups(&[10, 3, 2]).by_largest_remainder(7), [5, 1, 1]);
        // If remainders are equal, the group that appears first wins.
        assert_eq!(groups(&[5, 5, 5]).by_largest_remainder(2), [1, 1, 0]);
        assert_eq!(groups(&[4, 4]).by_largest_remainder(8), [4, 4]);
        assert_eq!(groups(&[4, 4]).by_largest_remainder(0), [0, 0]);
    }

    #[test]
    fn the_quota_method_never_takes_back_where_largest_remainders_do() {
        // The Alabama paradox: the third group has 2 of 10 and 1 of 11.
        let alabama = groups(&[6, 6, 2]);
        assert_eq!(alabama.by_largest_remainder(10), [4, 4, 2]);
        assert_eq!(alabama.by_largest_remainder(11), [5, 5, 1]);
        let mut before = vec![0; 3];
        for wanted in 1..=14u64 {
            let now = alabama.by_quota_method(wanted);
            assert_eq!(now.iter().sum::<u64>(), wanted);
            assert!(now.iter().zip(&before).all(|(now, before)| now >= before), "{before:?} {now:?}");
            for (quota, size) in now.iter().zip(&alabama.sizes) {
                assert!((quota * 14).abs_diff(wanted * size) < 14, "{now:?} of {wanted}");
            }
            before = now;
        }
    }
}
