//! The words that specs, records and reports share. Each has one spelling, which is written here.

use crate::{
    digest,
    metrics::{Metric, batch_dice, soft_dice},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A text that is not one of the words it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not a {kind}; expected {expected}")]
pub struct UnknownWord {
    /// What the word should name: `stage`.
    pub kind: &'static str,
    /// The text.
    pub found: String,
    /// The words that there are, or the form they have.
    pub expected: String,
}

/// An enum whose variants have one spelling, in code, specs, CSV and JSON.
macro_rules! words {
    ($(#[$doc:meta])* $kind:literal $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant),+
        }

        impl $name {
            /// All of them, in the order of tables.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$variant),+];

            /// The word that stands for it everywhere.
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
        /// Learning from pictures alone.
        Pretrain = "pretrain",
        /// Learning masks.
        Finetune = "finetune",
        /// Testing.
        Evaluate = "evaluate",
    }
}

words! {
    /// How the numbers of a run are obtained.
    "protocol" Protocol {
        /// As the printed numbers were obtained, with the quirks that each network's file lists under `PUBLISHED`.
        Published = "published",
        /// Training mode to train, evaluation mode to validate and test, and the output as the network gives it.
        Corrected = "corrected",
    }
}

words! {
    /// A part of the images.
    "split" Split {
        /// Images that weights are learned from.
        Train = "train",
        /// Images that are looked at while training, and decide what is kept.
        Validation = "validation",
        /// Images that are looked at once, at the end.
        Test = "test",
    }
}

words! {
    /// What became of a file of a data set.
    "use of a file" FileUse {
        /// It was trained on.
        Train = "train",
        /// It was validated on.
        Validation = "validation",
        /// It was tested on.
        Test = "test",
        /// It is damaged.
        Skipped = "skipped",
        /// Nothing says what it is for.
        Unused = "unused",
    }
}

impl FileUse {
    /// The split that it is in; `None` of a file that was left out.
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
    /// What a picture of a tested image shows.
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
        /// RGB.
        Images = "images.png",
        /// Indices of classes, as grey values.
        Masks = "masks.png",
    }
}

words! {
    /// A prediction that needs no network.
    "baseline" Baseline {
        /// Background everywhere.
        AllBackground = "all-background",
        /// Everywhere the class that is most frequent in the training images.
        MajorityClass = "majority-class",
        /// The truth, as outputs of 0 and 1. It shows what the soft metrics of the published work give a perfect network whose
        /// outputs lie between 0 and 1 and then go through a sigmoid.
        PerfectInUnitRange = "perfect-in-unit-range",
    }
}

impl Baseline {
    /// Its label in tables and charts.
    pub const fn label(self) -> &'static str {
        match self {
            Self::AllBackground => "All background",
            Self::MajorityClass => "Majority class",
            Self::PerfectInUnitRange => "Perfect mask in 0 to 1",
        }
    }
}

words! {
    /// What was printed as the Dice and `IoU` of a network.
    "printed Dice" PrintedDice {
        /// Soft Dice of each image.
        Soft = "soft",
        /// Dice of the masks of a whole batch.
        Batch = "batch",
    }
}

impl PrintedDice {
    /// The metric that was called Dice.
    pub const fn metric(self) -> &'static Metric {
        match self {
            Self::Soft => &soft_dice::SOFT_DICE,
            Self::Batch => &batch_dice::BATCH_DICE,
        }
    }
}

words! {
    /// Cats and dogs, by which reports compare breeds.
    "species" Species {
        /// Cat.
        Cat = "cat",
        /// Dog.
        Dog = "dog",
    }
}

impl Species {
    /// The species of a breed as Oxford-IIIT Pet names it: cats begin with a capital letter and dogs do not. `None` of an empty
    /// name.
    pub fn of_breed(breed: &str) -> Option<Self> {
        breed.chars().next().map(|first| if first.is_uppercase() { Self::Cat } else { Self::Dog })
    }
}

/// Who made a mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Predictor {
    /// The network of the run.
    Model,
    /// A baseline beside it.
    Baseline(Baseline),
}

impl Predictor {
    /// The word that stands for it everywhere.
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

/// What was done to the images before a network saw them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Condition {
    /// Nothing.
    Clean,
    /// A blur of so many per cent: `blur-25`.
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
        // A level has one spelling: `blur-025` is not `blur-25`.
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
    /// How many digits name the folder of a run in a report.
    pub const SHORT: usize = 8;

    /// The key of canonical settings.
    ///
    /// # Errors
    /// The settings have no JSON.
    pub fn of(settings: &impl Serialize) -> serde_json::Result<Self> {
        digest::of_settings(settings).map(Self)
    }

    /// Its digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first digits, which name its folder in a report and stand for it in text.
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
