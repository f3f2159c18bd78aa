//! Augmentation: labelled images changed together with their class maps.

use super::{Draws, JitterSpec, check_probability, happens, percent, require, within};
use crate::{
    datasets::Pictures,
    pixels::{self, Labels, Picture},
    random,
    train::{classes, images, tensor},
};
use candle_core::{Device, Result, Tensor};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
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

/// A batch for training.
#[derive(Debug)]
pub(crate) struct Labelled {
    /// `[B, 3, S, S]` in 0..1.
    pub(crate) images: Tensor,
    /// Classes, `[B, S, S]` of u8.
    pub(crate) target: Tensor,
}

/// One image and its classes.
struct Example {
    picture: Picture,
    labels: Labels,
}

impl AugmentationSpec {
    /// What is impossible in it: the field below the list (`[1].crop.least`) and what was expected of it.
    pub fn check(&self) -> std::result::Result<(), (String, String)> {
        require(self.0.len() <= MOST, "", &format!("at most {MOST} changes"))?;
        self.0.iter().enumerate().try_for_each(|(i, change)| change.check().map_err(within(&format!("[{i}]"))))
    }

    /// In words.
    pub fn describe(&self) -> String {
        let changes: Vec<String> = self.0.iter().map(Augmentation::describe).collect();
        if changes.is_empty() { "none".to_owned() } else { changes.join(", then ") }
    }

    /// The labelled images at `places`, changed by the draws of that epoch.
    pub(crate) fn apply(
        &self,
        pictures: &Pictures,
        places: &[u32],
        seed: u64,
        epoch: u32,
        device: &Device,
    ) -> Result<Labelled> {
        if self.0.is_empty() {
            let (target, _) = classes(pictures, places, device)?;
            return Ok(Labelled { images: images(pictures, places, device)?, target });
        }
        let draws = Draws { seed, epoch };
        let examples: Vec<Example> = places.par_iter().map(|&place| self.example(pictures, place, draws)).collect();
        let side = pictures.size as usize;
        let images = tensor(examples.iter().map(|example| example.picture.data.as_slice()), side, device)?;
        let classes: Vec<u8> = examples.into_iter().flat_map(|example| example.labels.data).collect();
        let target = Tensor::from_vec(classes, (places.len(), side, side), &Device::Cpu)?.to_device(device)?;
        Ok(Labelled { images, target })
    }

    fn example(&self, pictures: &Pictures, place: u32, draws: Draws) -> Example {
        let (width, height) = (pictures.size, pictures.size);
        let picture = Picture { width, height, data: pictures.rgb_of(place as usize).to_vec() };
        let labels = Labels { width, height, data: pictures.classes_of(place as usize).to_vec() };
        self.0.iter().enumerate().fold(Example { picture, labels }, |example, (i, change)| {
            // The position is part of the purpose: the same change twice makes two draws.
            let purpose = format!("augmentation {i}: {}", change.name());
            change.apply(example, &mut draws.of(&purpose, place))
        })
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

    fn check(&self) -> std::result::Result<(), (String, String)> {
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

    fn apply(&self, example: Example, rng: &mut ChaCha8Rng) -> Example {
        let Example { picture, labels } = example;
        match self {
            Self::Flip(flip) if happens(flip.probability, rng) => {
                Example { picture: pixels::mirror(&picture), labels: pixels::mirror(&labels) }
            }
            Self::Flip(_) => Example { picture, labels },
            Self::Crop(crop) => crop.apply(&Example { picture, labels }, rng),
            Self::Jitter(jitter) => {
                Example { picture: Picture { data: jitter.apply(&picture.data, rng), ..picture }, labels }
            }
        }
    }
}

impl CropSpec {
    fn apply(&self, Example { picture, labels }: &Example, rng: &mut ChaCha8Rng) -> Example {
        let whole = picture.width;
        let least = ((f64::from(whole) * self.least).round() as u32).clamp(1, whole);
        let side = least + random::below(rng, whole - least + 1);
        let mut offset = || random::below(rng, whole - side + 1);
        let corner = (offset(), offset());
        let (picture, labels) =
            (pixels::crop(picture, corner, (side, side)), pixels::crop(labels, corner, (side, side)));
        Example {
            picture: pixels::resize_bilinear(&picture, whole, whole),
            labels: pixels::resize_nearest(&labels, whole, whole),
        }
    }
}
