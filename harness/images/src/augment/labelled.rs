//! Augmentation: labelled images changed together with their class maps.

use super::{Change, Drawn, Draws, JitterSpec, check_probability, happens, percent, require, within};
use harness_record::random;
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most changes in a list.
const MOST: usize = 8;

/// Changes of training images, made one after the other; none if the list is empty.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct AugmentationSpec(pub Vec<Augmentation>);

/// One change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Augmentation {
    /// Left and right swapped, at times.
    Flip(FlipSpec),
    /// A square part, enlarged to the whole.
    Crop(CropSpec),
    /// Other brightness, contrast, saturation and hue; the classes stay.
    Jitter(JitterSpec),
}

/// Left and right swapped, as torchvision's `RandomHorizontalFlip`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FlipSpec {
    /// How likely an image is flipped.
    pub probability: f64,
}

impl Default for FlipSpec {
    fn default() -> Self {
        Self { probability: 0.5 }
    }
}

/// A square at a random place, resized to the whole: bilinear for the picture, nearest for the classes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CropSpec {
    /// Least share of the side, in 0..1; each whole number of pixels from there to the whole side is as likely as the others.
    pub least: f64,
}

impl Default for CropSpec {
    fn default() -> Self {
        Self { least: 0.5 }
    }
}

impl AugmentationSpec {
    /// What is impossible in it: the field below the list (`[1].crop.least`) and what was expected of it.
    pub fn check(&self) -> Result<(), (String, String)> {
        require(self.0.len() <= MOST, "", &format!("at most {MOST} changes"))?;
        self.0.iter().enumerate().try_for_each(|(i, change)| change.check().map_err(within(&format!("[{i}]"))))
    }

    /// In words.
    pub fn describe(&self) -> String {
        let changes: Vec<String> = self.0.iter().map(Augmentation::describe).collect();
        if changes.is_empty() { "none".to_owned() } else { changes.join(", then ") }
    }

    /// Draws the changes of the training images `places`, of `side` pixels a side, for one epoch.
    pub fn draw(&self, side: u32, places: &[u32], seed: u64, epoch: u32) -> Vec<Drawn> {
        let draws = Draws { seed, epoch };
        let changes = |place| -> Vec<Change> {
            let of = |(i, change): (usize, &Augmentation)| {
                // The position is part of the purpose: the same change twice makes two draws.
                let purpose = format!("augmentation {i}: {}", change.name());
                change.draw(side, &mut draws.of(&purpose, place))
            };
            self.0.iter().enumerate().flat_map(of).collect()
        };
        places.iter().map(|&place| Drawn { place, changes: changes(place) }).collect()
    }
}

impl Augmentation {
    fn name(&self) -> &'static str {
        match self {
            Self::Flip(_) => "flip",
            Self::Crop(_) => "crop",
            Self::Jitter(_) => "jitter",
        }
    }

    fn check(&self) -> Result<(), (String, String)> {
        let checked = match self {
            Self::Flip(flip) => check_probability(flip.probability),
            Self::Crop(CropSpec { least }) => {
                require(*least > 0.0 && *least <= 1.0, "least", "a share above 0 and at most 1")
            }
            Self::Jitter(jitter) => jitter.check(),
        };
        checked.map_err(within(self.name()))
    }

    fn describe(&self) -> String {
        match self {
            Self::Flip(FlipSpec { probability }) => format!("left-right flip with probability {probability}"),
            Self::Crop(CropSpec { least }) => format!("crop of a square of {} to 100 % of the side", percent(*least)),
            Self::Jitter(jitter) => jitter.describe(),
        }
    }

    fn draw(&self, side: u32, rng: &mut ChaCha8Rng) -> Vec<Change> {
        match self {
            Self::Flip(flip) => {
                if happens(flip.probability, rng) {
                    vec![Change::Mirror]
                } else {
                    Vec::new()
                }
            }
            Self::Crop(crop) => crop.draw(side, rng),
            Self::Jitter(jitter) => jitter.draw(rng),
        }
    }
}

impl CropSpec {
    fn draw(&self, whole: u32, rng: &mut ChaCha8Rng) -> Vec<Change> {
        let least = ((f64::from(whole) * self.least).round() as u32).clamp(1, whole);
        let side = least + random::below(rng, whole - least + 1);
        let mut offset = || random::below(rng, whole - side + 1);
        let (left, top) = (offset(), offset());
        if side == whole { Vec::new() } else { vec![Change::Crop { side, left, top }] }
    }
}
