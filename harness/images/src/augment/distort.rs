//! Distortions of the images that the network must restore, each in its own file.

use super::{Drawn, Draws, RandomChange, Visit, require, within};
use harness_record::random;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Declares a file of this folder as a module, and as a distortion that specs can name. The name also seeds its draws.
macro_rules! distortions {
    ($($(#[$doc:meta])* $variant:ident = $name:literal in $module:ident::$spec:ident;)+) => {
        $(mod $module; pub use $module::$spec;)+

        /// A distortion.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        pub enum DistortionSpec {
            /// No distortion: the network restores the image that it sees.
            #[serde(rename = "none")]
            None,
            $($(#[$doc])* #[serde(rename = $name)] $variant($spec),)+
            /// One of several distortions, drawn at random.
            #[serde(rename = "mix")]
            Mix(MixSpec),
        }

        impl DistortionSpec {
            /// The name and the settings of a single distortion.
            fn single(&self) -> Option<(&'static str, &dyn RandomChange)> {
                match self {
                    $(Self::$variant(settings) => Some(($name, settings)),)+
                    Self::None | Self::Mix(_) => None,
                }
            }
        }
    };
}

distortions! {
    /// Fills a rectangle.
    Mask = "mask" in mask::MaskSpec;
    /// Rotates by quarter turns.
    Rotate = "rotate" in rotate::RotateSpec;
    /// Changes brightness, contrast, saturation and hue.
    Jitter = "jitter" in jitter::JitterSpec;
    /// Removes the colours of some images.
    Greyscale = "greyscale" in greyscale::GreyscaleSpec;
}

/// One of several distortions, all equally likely.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MixSpec {
    /// The distortions, at least two, none of them a mix. A distortion that is listed twice is drawn twice as often.
    pub of: Vec<DistortionSpec>,
    /// The interval at which one is drawn. If absent, it is that of the published work.
    #[serde(default)]
    pub draw: DrawSpec,
}

/// The interval at which a distortion of a mix is drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DrawSpec {
    /// A distortion is drawn for each image.
    PerImage,
    /// A distortion is drawn for each batch, as in the published work.
    #[default]
    PerBatch,
}

impl DistortionSpec {
    /// Checks the settings. The error names the invalid field and the expected value.
    pub fn check(&self) -> Result<(), (String, String)> {
        match (self, self.single()) {
            (_, Some((name, settings))) => settings.check().map_err(within(name)),
            (Self::Mix(mix), None) => mix.check().map_err(within("mix")),
            (_, None) => Ok(()),
        }
    }

    /// The distortion in words: `greyscale with probability 0.2`.
    pub fn describe(&self) -> String {
        match (self, self.single()) {
            (_, Some((_, settings))) => settings.describe(),
            (Self::Mix(mix), None) => mix.describe(),
            (_, None) => "the image itself, undistorted".to_owned(),
        }
    }

    /// Draws the changes of one batch for one epoch: the training images `visits`, of `side` pixels a side.
    pub fn draw(&self, side: usize, visits: &[impl Into<Visit> + Copy], seed: u64, epoch: u32) -> Vec<Drawn> {
        let draws = Draws { seed, epoch };
        let visits: Vec<Visit> = visits.iter().map(|&visit| visit.into()).collect();
        let kinds = match self {
            Self::Mix(mix) => mix.drawn(&visits, draws),
            single => vec![single; visits.len()],
        };
        let drawn = |(kind, &visit): (&Self, &Visit)| {
            let changes = kind
                .single()
                .map(|(name, settings)| settings.draw(side, &mut draws.of(name, visit)))
                .unwrap_or_default();
            Drawn { place: visit.place, changes }
        };
        kinds.into_iter().zip(&visits).map(drawn).collect()
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

    /// The distortion of the mix for each visit.
    fn drawn(&self, visits: &[Visit], draws: Draws) -> Vec<&DistortionSpec> {
        let draw = |&visit: &Visit| &self.of[random::below(&mut draws.of("mix", visit), self.of.len() as u32) as usize];
        match self.draw {
            DrawSpec::PerImage => visits.iter().map(draw).collect(),
            DrawSpec::PerBatch => visits.first().map_or(Vec::new(), |first| vec![draw(first); visits.len()]),
        }
    }
}
