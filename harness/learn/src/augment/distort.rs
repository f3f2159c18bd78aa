//! What is done to an image that the network must restore.

use super::{Draws, JitterSpec, MaskSpec, check_probability, happens, require, within};
use crate::{
    pixels::{self, Picture},
    random,
    train::tensor,
};
use candle_core::{Device, Result, Tensor};
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Which distortion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DistortionSpec {
    /// None: the network restores the image that it sees.
    None,
    /// A filled rectangle.
    Mask(MaskSpec),
    /// Rotation by quarter turns.
    Rotate(RotateSpec),
    /// Other brightness, contrast, saturation and hue.
    Jitter(JitterSpec),
    /// Greyscale, at times.
    Greyscale(GreyscaleSpec),
    /// One of several distortions, drawn at random.
    Mix(MixSpec),
}

/// By 0, 90, 180 or 270 degrees, each as likely as the others. The image to restore stays upright.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateSpec {}

/// Greyscale in three channels. The default is published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GreyscaleSpec {
    /// How likely an image loses its colours.
    pub probability: f64,
}

impl Default for GreyscaleSpec {
    fn default() -> Self {
        Self { probability: 0.2 }
    }
}

/// One of several distortions, each as likely as the others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MixSpec {
    /// The distortions, at least two, none of them a mix. One that is named twice is drawn twice as often.
    pub of: Vec<DistortionSpec>,
    /// How often one is drawn; as published if absent.
    #[serde(default)]
    pub draw: DrawSpec,
}

/// How often a distortion is drawn of a mix.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DrawSpec {
    /// For each image.
    PerImage,
    /// Once for a whole batch, as published.
    #[default]
    PerBatch,
}

impl DistortionSpec {
    /// What is impossible in it: the field and what was expected of it.
    pub fn check(&self) -> std::result::Result<(), (String, String)> {
        match self {
            Self::None | Self::Rotate(RotateSpec {}) => Ok(()),
            Self::Mask(mask) => mask.check().map_err(within("mask")),
            Self::Jitter(jitter) => jitter.check().map_err(within("jitter")),
            Self::Greyscale(grey) => check_probability(grey.probability).map_err(within("greyscale")),
            Self::Mix(mix) => mix.check().map_err(within("mix")),
        }
    }

    /// In words.
    pub fn describe(&self) -> String {
        match self {
            Self::None => "the image itself, undistorted".to_owned(),
            Self::Mask(mask) => mask.describe(),
            Self::Rotate(RotateSpec {}) => "a rotation by 0, 90, 180 or 270 degrees".to_owned(),
            Self::Jitter(jitter) => jitter.describe(),
            Self::Greyscale(GreyscaleSpec { probability }) => format!("greyscale with probability {probability}"),
            Self::Mix(mix) => mix.describe(),
        }
    }

    /// Distorts `pictures`, interleaved RGB of `side` pixels a side, which are the training images `places` in that epoch.
    /// Gives `[B, 3, S, S]` in 0..1.
    pub(crate) fn apply(
        &self,
        pictures: &[&[u8]],
        side: usize,
        places: &[u32],
        seed: u64,
        epoch: u32,
        device: &Device,
    ) -> Result<Tensor> {
        let draws = Draws { seed, epoch };
        let drawn = self.drawn(places, draws);
        let bytes: Vec<Cow<'_, [u8]>> = pictures
            .par_iter()
            .zip(&drawn)
            .zip(places)
            .map(|((rgb, distortion), &place)| distortion.on_bytes(rgb, side, draws, place))
            .collect();
        let images = tensor(bytes.iter().map(AsRef::as_ref), side, device)?;
        masked(images, &drawn, places, draws)
    }

    /// For each place the distortion, which is not a mix.
    fn drawn(&self, places: &[u32], draws: Draws) -> Vec<&Self> {
        match self {
            Self::Mix(mix) => mix.drawn(places, draws),
            single => vec![single; places.len()],
        }
    }

    /// Distorts an image as far as that is done on bytes.
    fn on_bytes<'a>(&self, rgb: &'a [u8], side: usize, draws: Draws, place: u32) -> Cow<'a, [u8]> {
        match self {
            Self::Rotate(RotateSpec {}) => match random::below(&mut draws.of("rotate", place), 4) {
                0 => Cow::Borrowed(rgb),
                quarters => Cow::Owned(rotated(rgb, side, quarters)),
            },
            Self::Jitter(jitter) => Cow::Owned(jitter.apply(rgb, &mut draws.of("jitter", place))),
            Self::Greyscale(grey) if happens(grey.probability, &mut draws.of("greyscale", place)) => {
                Cow::Owned(pixels::greyscale(rgb))
            }
            Self::None | Self::Greyscale(_) | Self::Mask(_) | Self::Mix(_) => Cow::Borrowed(rgb),
        }
    }
}

impl MixSpec {
    fn check(&self) -> std::result::Result<(), (String, String)> {
        require(self.of.len() >= 2, "of", "at least two distortions")?;
        for (i, part) in self.of.iter().enumerate() {
            let name = format!("of[{i}]");
            require(!matches!(part, DistortionSpec::Mix(_)), &name, "a distortion that is not itself a mix")?;
            part.check().map_err(within(&name))?;
        }
        Ok(())
    }

    fn describe(&self) -> String {
        let parts: Vec<String> = self.of.iter().map(DistortionSpec::describe).collect();
        let what = match self.draw {
            DrawSpec::PerImage => "image",
            DrawSpec::PerBatch => "batch",
        };
        format!("one of these, drawn for each {what}: {}", parts.join("; "))
    }

    /// For each place one of the mix.
    fn drawn(&self, places: &[u32], draws: Draws) -> Vec<&DistortionSpec> {
        let draw = |&place: &u32| &self.of[random::below(&mut draws.of("mix", place), self.of.len() as u32) as usize];
        match self.draw {
            DrawSpec::PerImage => places.iter().map(draw).collect(),
            DrawSpec::PerBatch => places.first().map_or(Vec::new(), |first| vec![draw(first); places.len()]),
        }
    }
}

fn rotated(rgb: &[u8], side: usize, quarters: u32) -> Vec<u8> {
    let picture = Picture { width: side as u32, height: side as u32, data: rgb.to_vec() };
    pixels::rotate(&picture, quarters).data
}

/// Fills a rectangle in those of `images` `[B, 3, S, S]` that are to be masked. This is done in floating point because a
/// fill of 0.5 is no byte.
fn masked(images: Tensor, drawn: &[&DistortionSpec], places: &[u32], draws: Draws) -> Result<Tensor> {
    if !drawn.iter().any(|distortion| matches!(distortion, DistortionSpec::Mask(_))) {
        return Ok(images);
    }
    let (batch, _, side, _) = images.dims4()?;
    let pixels = side * side;
    let (mut keep, mut fill) = (vec![1.0f32; batch * pixels], vec![0.0f32; batch * pixels]);
    let planes = keep.chunks_mut(pixels).zip(fill.chunks_mut(pixels));
    for ((distortion, &place), (keep, fill)) in drawn.iter().zip(places).zip(planes) {
        if let DistortionSpec::Mask(mask) = distortion {
            mask.lay(side, keep, fill, &mut draws.of("mask", place));
        }
    }
    let plane = |values| Tensor::from_vec(values, (batch, 1, side, side), images.device());
    images.broadcast_mul(&plane(keep)?)?.broadcast_add(&plane(fill)?)
}
