//! Colour jitter.

use crate::augment::{Change, RandomChange, require};
use harness_record::random;
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Maximum distance of a factor from 1.
const MOST: f64 = 10.0;

/// Changes brightness, contrast, saturation and hue in random order, like torchvision's `ColorJitter`. The defaults are
/// those of the published work. A range of 0 leaves that property unchanged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct JitterSpec {
    /// Range of brightness. Its factor is drawn uniformly from 1 ± this value, but not below 0.
    pub brightness: f64,
    /// Range of contrast, likewise.
    pub contrast: f64,
    /// Range of saturation, likewise.
    pub saturation: f64,
    /// Range of hue in turns of the colour circle, at most 0.5. The turn is drawn uniformly from ± this value.
    pub hue: f64,
}

impl Default for JitterSpec {
    fn default() -> Self {
        Self { brightness: 0.5, contrast: 0.5, saturation: 0.5, hue: 0.1 }
    }
}

impl RandomChange for JitterSpec {
    fn check(&self) -> Result<(), (String, String)> {
        let factors = [("brightness", self.brightness), ("contrast", self.contrast), ("saturation", self.saturation)];
        for (field, reach) in factors {
            require((0.0..=MOST).contains(&reach), field, &format!("a number in 0..={MOST}"))?;
        }
        require((0.0..=0.5).contains(&self.hue), "hue", "a fraction of a turn in 0..=0.5")
    }

    fn describe(&self) -> String {
        let Self { brightness, contrast, saturation, hue } = self;
        format!("colour jitter of brightness ±{brightness}, contrast ±{contrast}, saturation ±{saturation}, hue ±{hue}")
    }

    /// The four changes in random order.
    fn draw(&self, _: usize, rng: &mut ChaCha8Rng) -> Vec<Change> {
        let order = random::shuffled(4, rng);
        // All four are drawn whatever their ranges are, so that no draw depends on the range of another.
        let brightness = factor(self.brightness, rng);
        let contrast = factor(self.contrast, rng);
        let saturation = factor(self.saturation, rng);
        let turns = self.hue * (2.0 * f64::from(random::unit(rng)) - 1.0);
        let change = |property| match property {
            0 => Some(Change::Brightness(brightness)),
            1 => Some(Change::Contrast(contrast)),
            2 => Some(Change::Saturation(saturation)),
            // Even a turn by 0 changes bytes, so a range of 0 must give no change.
            _ => (self.hue > 0.0).then_some(Change::Hue(turns)),
        };
        order.into_iter().filter_map(change).collect()
    }
}

/// A factor drawn uniformly from 1 ± `reach`, but not below 0.
fn factor(reach: f64, rng: &mut ChaCha8Rng) -> f32 {
    let least = (1.0 - reach).max(0.0);
    (least + (1.0 + reach - least) * f64::from(random::unit(rng))) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        augment::{Drawn, Draws},
        pixels,
    };

    /// Side of the test image.
    const SIDE: usize = 20;

    #[test]
    fn jitter_changes_the_order_of_its_changes() {
        // White saturates first or last, so the result shows whether contrast or brightness came first.
        let picture = [[250u8; 3], [150, 150, 150], [20, 20, 20], [90, 90, 90]].concat().repeat(SIDE * SIDE / 4);
        let jitter = JitterSpec { brightness: 1.0, contrast: 1.0, saturation: 0.0, hue: 0.0 };
        let (mut contrast_first, mut brightness_first) = (0, 0);
        for place in 0..200 {
            let draws = Draws { seed: 1, epoch: 1 };
            let changes = jitter.draw(SIDE, &mut draws.of("jitter", place.into()));
            let out = Drawn { place, changes }.picture(&picture, SIDE as u32).into_owned();
            let rng = &mut draws.of("jitter", place.into());
            let order = random::shuffled(4, rng);
            let factors = [0, 1].map(|_| (2.0 * f64::from(random::unit(rng))) as f32);
            let bright = |rgb: &[u8]| pixels::adjust_brightness(rgb, factors[0]);
            let contrast = |rgb: &[u8]| pixels::adjust_contrast(rgb, factors[1]);
            let first = order.iter().find(|&&property| property < 2).unwrap();
            if *first == 0 {
                assert_eq!(out, contrast(&bright(&picture)));
                brightness_first += 1;
            } else {
                assert_eq!(out, bright(&contrast(&picture)));
                contrast_first += 1;
            }
        }
        assert!(brightness_first > 70 && contrast_first > 70, "{brightness_first} {contrast_first}");
    }
}
