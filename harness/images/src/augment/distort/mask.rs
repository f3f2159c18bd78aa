//! Masking: fills a rectangle of the image.

use crate::augment::{Change, RandomChange, percent, require};
use harness_record::random;
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One rectangle per image. Its height and width are the same random share of the image's. The defaults are those of
/// the published work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MaskSpec {
    /// Minimum share of the side, in 0..1.
    pub least: f32,
    /// Maximum share of the side, in 0..1.
    pub most: f32,
    /// The value that fills the rectangle, in 0..1.
    pub fill: f32,
}

impl Default for MaskSpec {
    fn default() -> Self {
        Self { least: 0.05, most: 0.25, fill: 0.5 }
    }
}

impl RandomChange for MaskSpec {
    fn check(&self) -> Result<(), (String, String)> {
        let Self { least, most, fill } = self;
        require(*least > 0.0 && *least <= 1.0, "least", "a share above 0 and at most 1")?;
        require(most >= least && *most <= 1.0, "most", "a share of at least `least` and at most 1")?;
        require((0.0..=1.0).contains(fill), "fill", "a brightness in 0..=1")
    }

    fn describe(&self) -> String {
        let (least, most) = (percent(self.least.into()), percent(self.most.into()));
        format!("one rectangle of {least} to {most} % of the side, filled with {}", self.fill)
    }

    fn draw(&self, side: usize, rng: &mut ChaCha8Rng) -> Vec<Change> {
        let ((top, left), (height, width)) = self.rectangle((side, side), rng);
        vec![Change::Mask { top, left, height, width, fill: self.fill }]
    }
}

impl MaskSpec {
    /// Upper left corner and size of a rectangle, as (rows, columns).
    fn rectangle(&self, (height, width): (usize, usize), rng: &mut ChaCha8Rng) -> ((usize, usize), (usize, usize)) {
        let share = self.least + (self.most - self.least) * random::unit(rng);
        let side = |n: usize| ((n as f32 * share) as usize).clamp(1, n);
        let size = (side(height), side(width));
        let mut place = |n: usize, size: usize| random::below(rng, (n - size + 1) as u32) as usize;
        ((place(height, size.0), place(width, size.1)), size)
    }
}
