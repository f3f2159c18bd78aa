//! What is done to an image that the network must restore.

use crate::random;
use candle_core::{Result, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which distortion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DistortionSpec {
    /// A filled rectangle.
    Mask(MaskSpec),
}

/// One rectangle an image, whose height and width are the same random share of the image's. The defaults are published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MaskSpec {
    /// Least share of the side, in 0..1.
    pub least: f32,
    /// Largest share of the side, in 0..1.
    pub most: f32,
    /// What the rectangle is filled with, in 0..1.
    pub fill: f32,
}

impl Default for MaskSpec {
    fn default() -> Self {
        Self { least: 0.05, most: 0.25, fill: 0.5 }
    }
}

impl DistortionSpec {
    /// What is impossible in it: the field and what was expected of it.
    pub fn check(&self) -> std::result::Result<(), (String, String)> {
        let Self::Mask(MaskSpec { least, most, fill }) = self;
        let fail = |field: &str, expected: &str| Err((format!("mask.{field}"), expected.to_owned()));
        if !(*least > 0.0 && *least <= 1.0) {
            return fail("least", "a share above 0 and at most 1");
        }
        if !(most >= least && *most <= 1.0) {
            return fail("most", "a share of at least `least` and at most 1");
        }
        if !(0.0..=1.0).contains(fill) {
            return fail("fill", "a brightness in 0..=1");
        }
        Ok(())
    }

    /// In words.
    pub fn describe(&self) -> String {
        let Self::Mask(MaskSpec { least, most, fill }) = self;
        format!("one rectangle of {} to {} % of the side, filled with {fill}", least * 100.0, most * 100.0)
    }

    /// Distorts `images` `[B, 3, S, S]`, the training images `places` in that epoch.
    pub(super) fn apply(&self, images: &Tensor, places: &[u32], seed: u64, epoch: u32) -> Result<Tensor> {
        let Self::Mask(mask) = self;
        let (batch, _, height, width) = images.dims4()?;
        let mut keep = vec![1.0f32; batch * height * width];
        for (place, keep) in places.iter().zip(keep.chunks_mut(height * width)) {
            let words = ["mask", &seed.to_string(), &epoch.to_string(), &place.to_string()];
            let (from, size) = mask.rectangle((height, width), &mut random::generator(&words));
            for row in keep.chunks_mut(width).skip(from.0).take(size.0) {
                row[from.1..from.1 + size.1].fill(0.0);
            }
        }
        let keep = Tensor::from_vec(keep, (batch, 1, height, width), images.device())?;
        let fill = (keep.affine(-1.0, 1.0)? * f64::from(mask.fill))?;
        images.broadcast_mul(&keep)?.broadcast_add(&fill)
    }
}

impl MaskSpec {
    /// Upper left corner and size of a rectangle, as (rows, columns).
    fn rectangle(
        &self,
        (height, width): (usize, usize),
        rng: &mut impl rand_chacha::rand_core::Rng,
    ) -> ((usize, usize), (usize, usize)) {
        let share = self.least + (self.most - self.least) * random::unit(rng);
        let side = |n: usize| ((n as f32 * share) as usize).clamp(1, n);
        let size = (side(height), side(width));
        let mut place = |n: usize, size: usize| random::below(rng, (n - size + 1) as u32) as usize;
        ((place(height, size.0), place(width, size.1)), size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};

    #[test]
    fn a_mask_is_one_rectangle_of_the_right_size_and_fill() {
        let spec = DistortionSpec::Mask(MaskSpec::default());
        let clean = Tensor::ones((50, 3, 40, 40), DType::F32, &Device::Cpu).unwrap();
        let places: Vec<u32> = (0..50).collect();
        let masked = spec.apply(&clean, &places, 7, 1).unwrap();
        assert_ne!(
            masked.flatten_all().unwrap().to_vec1::<f32>().unwrap(),
            spec.apply(&clean, &places, 7, 2).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap(),
            "every epoch draws anew"
        );
        let mut areas = Vec::new();
        for i in 0..50 {
            let planes = masked.get(i).unwrap().to_vec3::<f32>().unwrap();
            assert!(planes[0] == planes[1] && planes[1] == planes[2]);
            let filled: Vec<(usize, usize)> =
                (0..1600).map(|p| (p / 40, p % 40)).filter(|&(y, x)| planes[0][y][x] == 0.5).collect();
            let (top, bottom) = (filled[0].0, filled[filled.len() - 1].0);
            let (left, right) = (filled[0].1, filled[filled.len() - 1].1);
            assert_eq!(filled.len(), (bottom - top + 1) * (right - left + 1), "not a rectangle");
            assert_eq!(bottom - top, right - left);
            areas.push(bottom - top + 1);
        }
        assert!(areas.iter().all(|a| (2..=10).contains(a)) && areas.iter().max() > areas.iter().min());
    }
}
