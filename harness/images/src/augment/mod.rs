//! Random changes of training images: the distortions of pretraining, and the augmentation of fine-tuning.
//!
//! Colours and places change on bytes, as torchvision's transforms change Pillow images. Only a mask is applied to the
//! floating-point values. Every draw has its own generator, seeded by its purpose, the seed, the epoch and the image.
//! So no draw depends on the image's batch, on other draws, or on threads. The only exception is a mix that is drawn
//! once per batch.

mod change;
mod distort;
mod labelled;
mod table;

pub use change::{Change, Drawn};
pub use distort::*;
pub use labelled::{Augmentation, AugmentationSpec, CropSpec, FlipSpec};
pub use table::Table;

use harness_record::random;
use rand_chacha::ChaCha8Rng;

/// The values that a network learns to give for drawn images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The images without the random changes.
    Images,
    /// The classes of the images.
    Classes,
}

/// The settings of a random change of images.
trait RandomChange {
    /// Checks the settings. The error names the invalid field and the expected value.
    fn check(&self) -> Result<(), (String, String)>;

    /// The change in words: `greyscale with probability 0.2`.
    fn describe(&self) -> String;

    /// Draws the changes of an image of `side` pixels a side.
    fn draw(&self, side: usize, rng: &mut ChaCha8Rng) -> Vec<Change>;
}

/// A training image of a batch. An epoch that is longer than the list of images visits some of them several times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visit {
    /// Place of the image in the data set.
    pub place: u32,
    /// Number of the epoch's earlier visits. Each visit has draws of its own.
    pub earlier: u32,
}

impl From<u32> for Visit {
    fn from(place: u32) -> Self {
        Self { place, earlier: 0 }
    }
}

/// The draws of an epoch.
#[derive(Debug, Clone, Copy)]
struct Draws {
    /// Seed of the study.
    seed: u64,
    /// Epoch, counted from 1. 0 for validation.
    epoch: u32,
}

impl Draws {
    /// The generator for one purpose and one visit of an image.
    fn of(self, purpose: &str, visit: Visit) -> ChaCha8Rng {
        let [seed, epoch, place] = [self.seed.to_string(), self.epoch.to_string(), visit.place.to_string()];
        let words = [purpose, &seed, &epoch, &place];
        match visit.earlier {
            0 => random::generator(&words),
            earlier => random::generator(&[&words[..], &["again", &earlier.to_string()]].concat()),
        }
    }
}

/// Returns true with this probability.
fn happens(probability: f64, rng: &mut ChaCha8Rng) -> bool {
    f64::from(random::unit(rng)) < probability
}

/// A share as a percentage, without digits that are only rounding errors.
fn percent(share: f64) -> f64 {
    (share * 1e4).round() / 100.0
}

/// Returns an error with the field and the expected value, unless `right`.
fn require(right: bool, field: &str, expected: &str) -> Result<(), (String, String)> {
    if right { Ok(()) } else { Err((field.to_owned(), expected.to_owned())) }
}

/// Prefixes the invalid field of an error with the section `name`.
fn within(name: &str) -> impl Fn((String, String)) -> (String, String) {
    move |(field, expected)| (format!("{name}.{field}"), expected)
}

/// Checks a probability.
fn check_probability(probability: f64) -> Result<(), (String, String)> {
    require((0.0..=1.0).contains(&probability), "probability", "a probability in 0..=1")
}
