//! The weights of old samples in new ones.

/// Fractional bits of a filter weight. Of 32 bits, a sample needs 8 and the headroom 2.
pub(super) const PRECISION: u32 = 32 - 8 - 2;

pub(super) const HALF: i32 = 1 << (PRECISION - 1);

/// The old samples that contribute to one new sample, and their weights in units of 2⁻²².
pub(super) struct Taps {
    pub(super) first: usize,
    pub(super) weights: Vec<i32>,
}

/// Taps of each of `new` samples, computed from `old` samples.
pub(super) fn triangle(old: u32, new: u32) -> Vec<Taps> {
    let scale = f64::from(old) / f64::from(new);
    let support = scale.max(1.0);
    let per_sample = 1.0 / support;
    (0..new)
        .map(|at| {
            let centre = (f64::from(at) + 0.5) * scale;
            let first = (centre - support + 0.5).max(0.0) as usize;
            let end = ((centre + support + 0.5) as usize).min(old as usize);
            let weight = |x: usize| {
                let distance = ((x as f64 - centre + 0.5) * per_sample).abs();
                if distance < 1.0 { 1.0 - distance } else { 0.0 }
            };
            let total: f64 = (first..end).map(weight).sum();
            let fixed = |x| (0.5 + weight(x) / total * f64::from(1 << PRECISION)) as i32;
            Taps { first, weights: (first..end).map(fixed).collect() }
        })
        .collect()
}
