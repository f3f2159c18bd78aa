//! Augmentation: random changes of labelled images and their class maps.

use super::{
    Change, Drawn, Draws, JitterSpec, RandomChange, Visit, check_probability, happens, percent, require, within,
};
use harness_record::random;
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Maximum number of changes in a list.
const MOST: usize = 8;

/// Changes of training images, applied in order. None if the list is empty.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct AugmentationSpec(pub Vec<Augmentation>);

/// One change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Augmentation {
    /// Swaps left and right of some images.
    Flip(FlipSpec),
    /// Enlarges a square part to the whole image.
    Crop(CropSpec),
    /// Changes brightness, contrast, saturation and hue. The classes stay.
    Jitter(JitterSpec),
}

/// Swaps left and right, like torchvision's `RandomHorizontalFlip`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FlipSpec {
    /// Probability that an image is flipped.
    pub probability: f64,
}

impl Default for FlipSpec {
    fn default() -> Self {
        Self { probability: 0.5 }
    }
}

/// Cuts out a square at a random place and resizes it to the whole image: bilinear for the picture, nearest for the
/// classes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CropSpec {
    /// Least share of the side, in 0..1. Every whole number of pixels from this share to the whole side is equally
    /// likely.
    pub least: f64,
}

impl Default for CropSpec {
    fn default() -> Self {
        Self { least: 0.5 }
    }
}

impl AugmentationSpec {
    /// Checks the settings. The error names the invalid field, below the list (`[1].crop.least`), and the expected
    /// value.
    pub fn check(&self) -> Result<(), (String, String)> {
        require(self.0.len() <= MOST, "", &format!("at most {MOST} changes"))?;
        self.0.iter().enumerate().try_for_each(|(i, change)| {
            let (name, settings) = change.name_and_settings();
            settings.check().map_err(within(name)).map_err(within(&format!("[{i}]")))
        })
    }

    /// The changes in words.
    pub fn describe(&self) -> String {
        let changes: Vec<String> = self.0.iter().map(|change| change.name_and_settings().1.describe()).collect();
        if changes.is_empty() { "none".to_owned() } else { changes.join(", then ") }
    }

    /// Draws the changes of the training images `visits`, of `side` pixels a side, for one epoch.
    pub fn draw(&self, side: u32, visits: &[impl Into<Visit> + Copy], seed: u64, epoch: u32) -> Vec<Drawn> {
        let draws = Draws { seed, epoch };
        let changes = |visit| -> Vec<Change> {
            let of = |(i, change): (usize, &Augmentation)| {
                // The position in the list is part of the purpose, so the same change listed twice makes two different
                // draws.
                let (name, settings) = change.name_and_settings();
                let purpose = format!("augmentation {i}: {name}");
                settings.draw(side as usize, &mut draws.of(&purpose, visit))
            };
            self.0.iter().enumerate().flat_map(of).collect()
        };
        let drawn = |visit: Visit| Drawn { place: visit.place, changes: changes(visit) };
        visits.iter().map(|&visit| drawn(visit.into())).collect()
    }
}

impl Augmentation {
    fn name_and_settings(&self) -> (&'static str, &dyn RandomChange) {
        match self {
            Self::Flip(flip) => ("flip", flip),
            Self::Crop(crop) => ("crop", crop),
            Self::Jitter(jitter) => ("jitter", jitter),
        }
    }
}

impl RandomChange for FlipSpec {
    fn check(&self) -> Result<(), (String, String)> {
        check_probability(self.probability)
    }

    fn describe(&self) -> String {
        format!("left-right flip with probability {}", self.probability)
    }

    fn draw(&self, _: usize, rng: &mut ChaCha8Rng) -> Vec<Change> {
        if happens(self.probability, rng) { vec![Change::Mirror] } else { Vec::new() }
    }
}

impl RandomChange for CropSpec {
    fn check(&self) -> Result<(), (String, String)> {
        require(self.least > 0.0 && self.least <= 1.0, "least", "a share above 0 and at most 1")
    }

    fn describe(&self) -> String {
        format!("crop of a square of {} to 100 % of the side", percent(self.least))
    }

    fn draw(&self, whole: usize, rng: &mut ChaCha8Rng) -> Vec<Change> {
        let whole = whole as u32;
        let least = ((f64::from(whole) * self.least).round() as u32).clamp(1, whole);
        let side = least + random::below(rng, whole - least + 1);
        let mut offset = || random::below(rng, whole - side + 1);
        let (left, top) = (offset(), offset());
        if side == whole { Vec::new() } else { vec![Change::Crop { side, left, top }] }
    }
}
