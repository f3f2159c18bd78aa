//! Distortions of images that the network must restore.

use super::{Change, Drawn, Draws, JitterSpec, MaskSpec, check_probability, happens, require, within};
use harness_record::random;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    pub fn check(&self) -> Result<(), (String, String)> {
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

    /// Draws the changes of one batch for one epoch: of the training images `places`, of `side` pixels a side.
    pub fn draw(&self, side: usize, places: &[u32], seed: u64, epoch: u32) -> Vec<Drawn> {
        let draws = Draws { seed, epoch };
        let kinds = match self {
            Self::Mix(mix) => mix.drawn(places, draws),
            single => vec![single; places.len()],
        };
        let images = kinds.into_iter().zip(places);
        images.map(|(kind, &place)| Drawn { place, changes: kind.changes(side, draws, place) }).collect()
    }

    /// Draws the changes of a distortion that is not a mix.
    fn changes(&self, side: usize, draws: Draws, place: u32) -> Vec<Change> {
        match self {
            Self::Rotate(RotateSpec {}) => match random::below(&mut draws.of("rotate", place), 4) {
                0 => Vec::new(),
                quarters => vec![Change::Turn(quarters)],
            },
            Self::Jitter(jitter) => jitter.draw(&mut draws.of("jitter", place)),
            Self::Greyscale(grey) if happens(grey.probability, &mut draws.of("greyscale", place)) => vec![Change::Grey],
            Self::Mask(mask) => vec![mask.draw(side, &mut draws.of("mask", place))],
            Self::None | Self::Greyscale(_) | Self::Mix(_) => Vec::new(),
        }
    }
}

impl MixSpec {
    fn check(&self) -> Result<(), (String, String)> {
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
