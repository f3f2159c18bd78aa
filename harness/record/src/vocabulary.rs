//! The words that specs, records and reports share. Each has one spelling, which is defined here.

use crate::metrics::{Metric, batch_dice, soft_dice};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A text that is not a valid word.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not a {kind}; expected {expected}")]
pub struct UnknownWord {
    /// The kind of word expected: `stage`.
    pub kind: &'static str,
    /// The text.
    pub found: String,
    /// The valid words, or their form.
    pub expected: String,
}

/// An enum whose variants have one spelling each, in code, specs, CSV and JSON.
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

            /// Its word in specs, CSV and JSON.
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
        /// Learns from pictures alone.
        Pretrain = "pretrain",
        /// Learns masks.
        Finetune = "finetune",
        /// Tests.
        Evaluate = "evaluate",
    }
}

words! {
    /// How the numbers of a run are obtained.
    "protocol" Protocol {
        /// As the printed numbers were obtained, with the quirks that each network's file lists under `PUBLISHED`.
        Published = "published",
        /// Training mode to train, evaluation mode to validate and test, and the network's output unchanged.
        Corrected = "corrected",
    }
}

words! {
    /// A part of the images.
    "split" Split {
        /// Images that weights are learnt from.
        Train = "train",
        /// Images used during training to decide which weights are kept.
        Validation = "validation",
        /// Images used once, at the end.
        Test = "test",
    }
}

words! {
    /// A prediction that needs no network.
    "baseline" Baseline {
        /// Background everywhere.
        AllBackground = "all-background",
        /// The most frequent class of the training images everywhere.
        MajorityClass = "majority-class",
        /// The truth, as outputs of 0 and 1. It shows the soft metrics of the published work for a perfect network whose
        /// outputs lie between 0 and 1 and then pass a sigmoid.
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
    /// The metric that was printed as the Dice and `IoU` of a network.
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
    /// Cats and dogs. Reports use them to compare breeds.
    "species" Species {
        /// Cat.
        Cat = "cat",
        /// Dog.
        Dog = "dog",
    }
}

impl Species {
    /// The species of a breed as Oxford-IIIT Pet names it: names of cats begin with a capital letter, names of dogs do not.
    /// `None` for an empty name.
    pub fn of_breed(breed: &str) -> Option<Self> {
        breed.chars().next().map(|first| if first.is_uppercase() { Self::Cat } else { Self::Dog })
    }
}

/// The predictor of a mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Predictor {
    /// The network of the run.
    Model,
    /// A baseline for comparison.
    Baseline(Baseline),
}

impl Predictor {
    /// Its word in specs, CSV and JSON.
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

/// The treatment of images before a network sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Condition {
    /// Unchanged.
    Clean,
    /// Blurred by this many per cent: `blur-25`.
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
        // A level has a single spelling: `blur-025` is not `blur-25`.
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
    /// Number of digits in the name of a run's folder in a report.
    pub const SHORT: usize = 8;

    /// All its digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first digits. They name its folder in a report, and identify it in text.
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
mod tests {
    use super::*;
    use std::fmt::Debug;

    fn travels<T: Serialize + for<'de> Deserialize<'de> + FromStr + PartialEq + Debug>(value: &T, word: &str) {
        let json = serde_json::to_string(value).unwrap();
        assert_eq!(json, format!("\"{word}\""));
        assert_eq!(serde_json::from_str::<T>(&json).unwrap(), *value);
        assert!(word.parse::<T>().is_ok_and(|parsed| parsed == *value), "{word}");
    }

    #[test]
    fn a_word_is_spelled_the_same_everywhere() {
        for word in Stage::ALL {
            travels(&word, word.name());
        }
        for word in Protocol::ALL {
            travels(&word, word.name());
        }
        for word in Split::ALL {
            travels(&word, word.name());
        }
        for word in Species::ALL {
            travels(&word, word.name());
        }
        for word in PrintedDice::ALL {
            travels(&word, word.name());
        }
        for word in Baseline::ALL {
            travels(&word, word.name());
            travels(&Predictor::Baseline(word), word.name());
        }
        travels(&Predictor::Model, "model");
        travels(&Condition::Clean, "clean");
        travels(&Condition::Blur(25), "blur-25");
        let key = "0123456789abcdef".repeat(4);
        travels(&key.parse::<Key>().unwrap(), &key);
        assert_eq!(key.parse::<Key>().unwrap().short(), "01234567");
    }

    #[test]
    fn what_is_no_word_is_refused_with_the_words_there_are() {
        let error = "fine-tune".parse::<Stage>().unwrap_err();
        assert_eq!(error.to_string(), "`fine-tune` is not a stage; expected pretrain, finetune, evaluate");
        let error = "nobody".parse::<Predictor>().unwrap_err().to_string();
        assert_eq!(
            error,
            "`nobody` is not a predictor; expected model, all-background, majority-class, perfect-in-unit-range"
        );
        for text in ["blur", "blur-", "blur-025", "blur--1", "blur-+5", "Clean", ""] {
            assert!(text.parse::<Condition>().is_err(), "{text}");
        }
        for text in ["", "0123", &"A".repeat(64), &"0".repeat(65), &format!("{}../", "0".repeat(61)), &"é".repeat(32)]
        {
            assert!(text.parse::<Key>().is_err(), "{text}");
        }
    }

    #[test]
    fn cats_begin_with_a_capital_letter() {
        let breeds = ["Maine_Coon", "english_cocker_spaniel", ""].map(Species::of_breed);
        assert_eq!(breeds, [Some(Species::Cat), Some(Species::Dog), None]);
    }
}
