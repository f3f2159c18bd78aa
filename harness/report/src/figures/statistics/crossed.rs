//! The test behind a claim about training recipes: training seeds and test images are both drawn by chance, and crossed.

use super::{
    sample::Sample,
    summary::{LEVEL, mean, quantile, variance},
};
use std::collections::BTreeMap;

/// The smallest number of seeds that a claim about recipes is tested with.
pub(crate) const SEEDS: usize = 3;

/// Says how many networks there are, if they are too few: `one network`.
pub(crate) fn too_few_seeds(seeds: usize) -> &'static str {
    if seeds == 2 { "two networks" } else { "one network" }
}

/// The smallest number of groups that count as drawn by chance. Fewer, such as two species, are fixed: a claim is about these.
pub(crate) const GROUPS: usize = 10;

/// p-values below this are not computed.
const LEAST: f64 = 1e-12;

/// A mean difference, with the interval and the p-value of one model of chance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Crossed {
    pub(crate) mean: f64,
    /// The ends of the 95 % interval. It contains 0 exactly if `p` is at least 0.05.
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// The two-sided p-value for a difference of zero.
    pub(crate) p: f64,
    /// The standard deviation of the seeds' means.
    pub(crate) deviation: f64,
}

/// Tests differences of seeds and images; `groups` names the group of each image. Returns `None` with fewer than two seeds or two
/// images.
///
/// The mean's variance has two parts: A, of the seeds' means, and B − C, of the images' means without what their
/// interaction with seeds adds. Each part has a quantile of its own, so half of the interval is √(t(S−1)²·A + t(G−1)²·(B−C)).
/// The p-value is the level at which that interval ends at 0. If there are at least [`GROUPS`] groups, images of a group count
/// together, otherwise each alone. `reference/verdicts.py` simulates its error rates, beside those of other rules.
///
/// Banerjee, Sankhya 22, 1960, adds the squared halves of intervals in this way.
pub(crate) fn crossed(sample: &Sample, groups: &[String]) -> Option<Crossed> {
    of_columns(sample.columns(), groups)
}

/// Tests the mean of `b` minus the mean of `a`, where the two share neither seeds nor images: the variance has the two parts
/// of [`crossed`] for each of them. Returns `None` if one has fewer than two seeds or two images.
pub(crate) fn crossed_apart(a: (&Sample, &[String]), b: (&Sample, &[String])) -> Option<Crossed> {
    let [a, b] = [a, b].map(|(sample, groups)| Parts::of(sample.columns(), groups));
    let (a, b) = (a?, b?);
    let all = [a.all, b.all].concat();
    Some(Parts { mean: b.mean - a.mean, all, deviation: a.deviation.hypot(b.deviation) }.tested())
}

/// Tests one difference for each seed, without a value for each image: Student's test. Returns `None` with fewer than two seeds.
pub(crate) fn of_seeds(differences: &[f64]) -> Option<Crossed> {
    let parts = Parts::of_seeds(differences)?;
    Some(parts.tested())
}

/// The test of one column for each seed, with one value for each image.
fn of_columns(columns: &[Vec<f64>], groups: &[String]) -> Option<Crossed> {
    Some(Parts::of(columns, groups)?.tested())
}

/// A mean, and the parts of its variance.
struct Parts {
    mean: f64,
    all: Vec<Part>,
    /// The standard deviation of the seeds' means.
    deviation: f64,
}

/// A part of the variance of a mean.
#[derive(Debug, Clone, Copy)]
struct Part {
    degrees: usize,
    variance: f64,
}

impl Parts {
    fn of_seeds(means: &[f64]) -> Option<Self> {
        let mean = mean(means).filter(|_| means.len() > 1)?;
        let spread = variance(means, mean);
        let of_seeds = Part { degrees: means.len() - 1, variance: spread / means.len() as f64 };
        Some(Self { mean, all: vec![of_seeds], deviation: spread.sqrt() })
    }

    fn of(columns: &[Vec<f64>], groups: &[String]) -> Option<Self> {
        let defined: Vec<usize> =
            (0..columns.first()?.len()).filter(|&i| columns.iter().all(|column| !column[i].is_nan())).collect();
        let (seeds, images) = (columns.len(), defined.len());
        if seeds < 2 || images < 2 {
            return None;
        }
        let of_seed = |column: &Vec<f64>| mean(&defined.iter().map(|&i| column[i]).collect::<Vec<_>>());
        let seed_means = columns.iter().map(of_seed).collect::<Option<Vec<_>>>()?;
        let image_means: Vec<f64> =
            defined.iter().map(|&i| columns.iter().map(|column| column[i]).sum::<f64>() / seeds as f64).collect();
        let all = mean(&image_means)?;
        // The images of each unit, as places in `defined`.
        let mut units: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (place, &i) in defined.iter().enumerate() {
            units.entry(groups.get(i).map_or("", String::as_str)).or_default().push(place);
        }
        let mut units: Vec<Vec<usize>> = units.into_values().collect();
        if units.len() < GROUPS {
            units = (0..images).map(|place| vec![place]).collect();
        }
        let scale = units.len() as f64 / (units.len() - 1) as f64 / (images as f64).powi(2);
        let sum_of = |value: &dyn Fn(usize) -> f64| {
            units.iter().map(|unit| unit.iter().map(|&place| value(place)).sum::<f64>().powi(2)).sum::<f64>()
        };
        let between = scale * sum_of(&|place| image_means[place] - all);
        let rest = columns.iter().zip(&seed_means).map(|(column, seed_mean)| {
            sum_of(&|place| column[defined[place]] - seed_mean - image_means[place] + all) //
        });
        let interaction = scale * rest.sum::<f64>() / ((seeds - 1) * seeds) as f64;
        let mut found = Self { mean: all, ..Self::of_seeds(&seed_means)? };
        found.all.push(Part { degrees: units.len() - 1, variance: (between - interaction).max(0.0) });
        Some(found)
    }

    /// The mean with its interval and its p-value.
    fn tested(&self) -> Crossed {
        let Self { mean, deviation, .. } = *self;
        let half = self.half(LEVEL);
        let p = match () {
            () if mean == 0.0 => 1.0,
            () if self.half(LEAST) < mean.abs() => LEAST,
            () => self.level_at(mean.abs()),
        };
        Crossed { mean, low: mean - half, high: mean + half, p, deviation }
    }

    /// Half of the interval that covers all but a share of `level`.
    fn half(&self, level: f64) -> f64 {
        let of = |part: &Part| quantile(part.degrees, level).powi(2) * part.variance;
        self.all.iter().map(of).sum::<f64>().sqrt()
    }

    /// The level at which half of the interval is `size`.
    fn level_at(&self, size: f64) -> f64 {
        // The interval becomes shorter as the level rises.
        let (mut low, mut high) = (LEAST.ln(), 0.0_f64);
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            if self.half(middle.exp()) > size { low = middle } else { high = middle }
        }
        f64::midpoint(low, high).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: Crossed, [mean, low, high, p]: [f64; 4]) {
        for (ours, theirs) in [found.mean, found.low, found.high].into_iter().zip([mean, low, high]) {
            assert!((ours - theirs).abs() < 1e-9, "{found:?}");
        }
        assert!((found.p / p - 1.0).abs() < 1e-6, "{found:?}");
        assert_eq!(found.p >= LEVEL, found.low <= 0.0 && found.high >= 0.0, "{found:?}");
    }

    /// `summed` of `reference/rules.py` made these numbers with `SciPy`.
    #[test]
    fn intervals_and_p_values_are_those_of_the_reference() {
        let three = [
            vec![0.0367, 0.0374, 0.0018, -0.0087, 0.0123, 0.029],
            vec![-0.0022, 0.0286, -0.0027, -0.0106, -0.0138, 0.0146],
            vec![0.0315, 0.0396, 0.0138, 0.0106, 0.0101, 0.0161],
        ];
        let none: &[String] = &[];
        let expected =
            [0.013_561_111_111_111_112, -0.014_647_597_499_600_663, 0.041_769_819_721_822_886, 0.197_293_852_725_348_4];
        close(of_columns(&three, none).unwrap(), expected);
        let steady = [vec![0.5, 0.4, 0.6], vec![0.51, 0.41, 0.61], vec![0.49, 0.39, 0.59]];
        let expected = [0.5, 0.250_347_249_711_733_3, 0.749_652_750_288_266_6, 0.013_200_605_005_207_821];
        close(of_columns(&steady, none).unwrap(), expected);
        // `summed_apart` of the same file: the two samples have nothing in common.
        let [three, steady] = [three, steady].map(|columns| Sample::new(vec![0, 1, 2], columns.to_vec()));
        let expected =
            [0.486_438_888_888_888_8, 0.235_197_516_961_453_97, 0.737_680_260_816_323_7, 0.014_085_492_472_841_035];
        close(crossed_apart((&three, none), (&steady, none)).unwrap(), expected);
    }

    /// `SciPy`: `ttest_1samp(differences, 0)` and its `confidence_interval(0.95)`.
    #[test]
    fn seeds_alone_have_students_test() {
        let expected = [0.03, 0.000_948_372_842_452_350_3, 0.059_051_627_157_547_65, 0.046_205_091_353_363_28];
        close(of_seeds(&[0.02, 0.05, 0.01, 0.04]).unwrap(), expected);
        assert!(of_seeds(&[0.5]).is_none());
    }

    #[test]
    fn many_groups_count_as_units_and_few_do_not() {
        // Images of a group are alike, so that they say little more than one image.
        let groups = |n: usize| -> Vec<String> { (0..40).map(|i| format!("g{}", i % n)).collect() };
        let value = |seed: usize, i: usize| 0.1 + ((i % 20) as f64 - 9.5) * 0.05 + (seed as f64 - 1.0) * 0.001;
        let columns: Vec<Vec<f64>> = (0..3).map(|seed| (0..40).map(|i| value(seed, i)).collect()).collect();
        let [alone, two, twenty] = [0, 2, 20].map(|n| {
            let groups = if n == 0 { Vec::new() } else { groups(n) };
            of_columns(&columns, &groups).unwrap()
        });
        assert_eq!(alone, two);
        assert!(twenty.high - twenty.low > 1.3 * (alone.high - alone.low), "{twenty:?} {alone:?}");
        assert_eq!(twenty.mean, alone.mean);
    }

    #[test]
    fn nothing_and_everything() {
        let none: &[String] = &[];
        let same = |value: f64| vec![vec![value; 4]; 3];
        assert_eq!(of_columns(&same(0.0), none).unwrap().p, 1.0);
        let certain = of_columns(&same(0.25), none).unwrap();
        assert_eq!((certain.p, certain.low, certain.high), (LEAST, 0.25, 0.25));
        assert!(of_columns(&same(1.0)[..1], none).is_none() && of_columns(&[vec![0.5], vec![0.4]], none).is_none());
        // An image that is not defined is left out.
        let (mut holes, mut whole) = (same(0.5), same(0.5));
        for (seed, column) in holes.iter_mut().enumerate() {
            column[0] = 0.1 * seed as f64;
            column[1] = f64::NAN;
            whole[seed] = vec![0.1 * seed as f64, 0.5, 0.5];
        }
        assert_eq!(of_columns(&holes, none), of_columns(&whole, none));
    }
}
