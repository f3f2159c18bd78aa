//! The words that specs, records and reports share. The only spelling of each is defined here.

use crate::{
    digest,
    metrics::{Metric, batch_dice, soft_dice},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A text that is none of the allowed words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not a {kind}; expected {expected}")]
pub struct UnknownWord {
    /// The kind of word that was expected: `stage`.
    pub kind: &'static str,
    /// The text.
    pub found: String,
    /// The allowed words, or the form that they have.
    pub expected: String,
}

/// Defines an enum whose variants have one spelling in code, specs, CSV and JSON.
macro_rules! words {
    ($(#[$doc:meta])* $kind:literal $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant),+
        }

        impl $name {
            /// All variants, in the order of tables.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$variant),+];

            /// The word for the variant in specs, records and reports.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                Self::ALL.into_iter().find(|word| word.name() == text).ok_or_else(|| UnknownWord {
                    kind: $kind,
                    found: text.to_owned(),
                    expected: [$($word),+].join(", "),
                })
            }
        }
    };
}

words! {
    /// A step of an arm: the unit that is run, stored, resumed and shared.
    "stage" Stage {
        /// Training on images without labels.
        Pretrain = "pretrain",
        /// Training on images with masks.
        Finetune = "finetune",
        /// Testing.
        Evaluate = "evaluate",
    }
}

words! {
    /// The procedure that gives the numbers of a run.
    "protocol" Protocol {
        /// The way the printed numbers were obtained, with the quirks that each network's file lists under `PUBLISHED`.
        Published = "published",
        /// Training mode for training, evaluation mode for validation and test, and the network's output unchanged.
        Corrected = "corrected",
    }
}

words! {
    /// A part of the images.
    "split" Split {
        /// Images for training the weights.
        Train = "train",
        /// Images that are evaluated during training and decide which weights are kept.
        Validation = "validation",
        /// Images that are evaluated once, at the end.
        Test = "test",
    }
}

words! {
    /// The purpose for which pictures are read.
    "purpose" Purpose {
        /// Training on pictures without labels.
        Pretraining = "pretraining",
        /// Training or testing with masks.
        Segmentation = "segmentation",
    }
}

words! {
    /// The use of a file of a data set.
    "use of a file" FileUse {
        /// It was used for training.
        Train = "train",
        /// It was used for validation.
        Validation = "validation",
        /// It was used for testing.
        Test = "test",
        /// It is damaged and was skipped.
        Skipped = "skipped",
        /// It was left out for another reason.
        Unused = "unused",
    }
}

impl FileUse {
    /// The split that the file is in. `None` if it was left out.
    pub const fn split(self) -> Option<Split> {
        match self {
            Self::Train => Some(Split::Train),
            Self::Validation => Some(Split::Validation),
            Self::Test => Some(Split::Test),
            Self::Skipped | Self::Unused => None,
        }
    }
}

impl From<Split> for FileUse {
    fn from(split: Split) -> Self {
        match split {
            Split::Train => Self::Train,
            Split::Validation => Self::Validation,
            Split::Test => Self::Test,
        }
    }
}

words! {
    /// The content of a picture of a tested image.
    "content of a picture" PictureContent {
        /// The image as the network saw it.
        Image = "image",
        /// The true classes.
        Truth = "truth",
        /// The predicted classes.
        Prediction = "prediction",
    }
}

words! {
    /// A sheet of pictures of tested images.
    "sheet of pictures" PictureSheet {
        /// RGB images.
        Images = "images.png",
        /// Class indices, as grey values.
        Masks = "masks.png",
    }
}

words! {
    /// A prediction that needs no network.
    "baseline" Baseline {
        /// Background everywhere.
        AllBackground = "all-background",
        /// The most frequent class of the training images, everywhere.
        MajorityClass = "majority-class",
        /// Background everywhere, as outputs of 0 and 1. It shows the values of the published work's soft metrics for a
        /// network that knows only background, whose outputs lie between 0 and 1 and then go through a sigmoid.
        BackgroundInUnitRange = "background-in-unit-range",
        /// The truth, as outputs of 0 and 1. It shows the values of the published work's soft metrics for a perfect
        /// network whose outputs lie between 0 and 1 and then go through a sigmoid.
        PerfectInUnitRange = "perfect-in-unit-range",
    }
}

impl Baseline {
    /// Returns true if it stands for outputs between 0 and 1 that go through a sigmoid.
    pub const fn is_in_unit_range(self) -> bool {
        matches!(self, Self::BackgroundInUnitRange | Self::PerfectInUnitRange)
    }

    /// Its label in tables and charts.
    pub const fn label(self) -> &'static str {
        match self {
            Self::AllBackground => "All background",
            Self::MajorityClass => "Majority class",
            Self::BackgroundInUnitRange => "All background in 0 to 1",
            Self::PerfectInUnitRange => "Perfect mask in 0 to 1",
        }
    }
}

words! {
    /// The metric that was printed as the Dice and `IoU` of a network.
    "printed Dice" PrintedDice {
        /// Soft Dice of each image.
        Soft = "soft",
        /// Dice of the masks of a whole batch.
        Batch = "batch",
    }
}

impl PrintedDice {
    /// The metric that was printed as Dice.
    pub const fn metric(self) -> &'static Metric {
        match self {
            Self::Soft => &soft_dice::SOFT_DICE,
            Self::Batch => &batch_dice::BATCH_DICE,
        }
    }
}

words! {
    /// The species of a breed. Reports compare cats with dogs.
    "species" Species {
        /// Cat.
        Cat = "cat",
        /// Dog.
        Dog = "dog",
    }
}

impl Species {
    /// The species of a breed, given its name in Oxford-IIIT Pet. Names of cats begin with a capital letter and names
    /// of dogs do not. `None` for an empty name.
    pub fn of_breed(breed: &str) -> Option<Self> {
        breed.chars().next().map(|first| if first.is_uppercase() { Self::Cat } else { Self::Dog })
    }
}

/// The source of a mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Predictor {
    /// The network of the run.
    Model,
    /// A baseline that is compared with it.
    Baseline(Baseline),
}

impl Predictor {
    /// The word for the predictor in specs, records and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Baseline(baseline) => baseline.name(),
        }
    }
}

impl fmt::Display for Predictor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Predictor {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        if text == Self::Model.name() {
            return Ok(Self::Model);
        }
        text.parse().map(Self::Baseline).map_err(|unknown: UnknownWord| UnknownWord {
            kind: "predictor",
            expected: format!("{}, {}", Self::Model, unknown.expected),
            ..unknown
        })
    }
}

/// The change made to the images before a network saw them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Condition {
    /// No change.
    Clean,
    /// A blur of this level in per cent: `blur-25`.
    Blur(u32),
}

const BLUR: &str = "blur-";

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clean => f.write_str("clean"),
            Self::Blur(level) => write!(f, "{BLUR}{level}"),
        }
    }
}

impl FromStr for Condition {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let level = || text.strip_prefix(BLUR)?.parse().ok().map(Self::Blur);
        // Each level has only one spelling: `blur-025` is not `blur-25`.
        let found = if text == "clean" { Some(Self::Clean) } else { level() };
        found.filter(|condition| condition.to_string() == text).ok_or_else(|| UnknownWord {
            kind: "condition",
            found: text.to_owned(),
            expected: "clean, or blur- and a level such as blur-25".to_owned(),
        })
    }
}

/// The key of a run: the SHA-256 of its canonical settings, as 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

impl Key {
    /// Number of digits that name the folder of a run in a report.
    pub const SHORT: usize = 8;

    /// The key of canonical settings.
    ///
    /// # Errors
    /// The settings cannot be written as JSON.
    pub fn of(settings: &impl Serialize) -> serde_json::Result<Self> {
        digest::of_settings(settings).map(Self)
    }

    /// The 64 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first digits. They name its folder in a report and identify it in text.
    pub fn short(&self) -> &str {
        &self.0[..Self::SHORT]
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Key {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == 64 && text.bytes().all(is_digit) {
            return Ok(Self(text.to_owned()));
        }
        let expected = "64 lower-case hexadecimal digits".to_owned();
        Err(UnknownWord { kind: "key", found: text.to_owned(), expected })
    }
}

/// Reads and writes a word as text.
macro_rules! as_text {
    ($($name:ident),+) => {
        $(impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;

                impl serde::de::Visitor<'_> for Text {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str(concat!("the text of a ", stringify!($name)))
                    }

                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }
                }

                deserializer.deserialize_str(Text)
            }
        })+
    };
}

as_text!(Predictor, Condition, Key);

#[cfg(test)]
mod tests;
