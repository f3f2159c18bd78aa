//! Random changes of training images: what pretraining distorts and must restore, and what fine-tuning adds by augmentation.
//!
//! Colours and places change on bytes, as torchvision's transforms change Pillow images; only a mask is laid on the numbers.
//! Every draw has a generator of its own, seeded by what is drawn, seed, epoch and image, so no draw depends on the batch
//! that an image is in, on other draws, or on threads. The one exception says so: a mix drawn once a batch.

mod change;
mod distort;
mod labelled;
mod table;

pub use change::{Change, Drawn};
pub use distort::{DistortionSpec, DrawSpec, GreyscaleSpec, JitterSpec, MaskSpec, MixSpec, RotateSpec};
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

    /// The change for people: `greyscale with probability 0.2`.
    fn describe(&self) -> String;

    /// Draws the changes of an image of `side` pixels a side.
    fn draw(&self, side: usize, rng: &mut ChaCha8Rng) -> Vec<Change>;
}

/// The draws of an epoch.
#[derive(Debug, Clone, Copy)]
struct Draws {
    /// Seed of the study.
    seed: u64,
    /// Epoch, from 1; 0 for validation.
    epoch: u32,
}

impl Draws {
    /// The generator for one purpose and one image.
    fn of(self, purpose: &str, place: u32) -> ChaCha8Rng {
        random::generator(&[purpose, &self.seed.to_string(), &self.epoch.to_string(), &place.to_string()])
    }
}

/// True with that probability.
fn happens(probability: f64, rng: &mut ChaCha8Rng) -> bool {
    f64::from(random::unit(rng)) < probability
}

/// A share as a percentage, without the digits that are only rounding.
fn percent(share: f64) -> f64 {
    (share * 1e4).round() / 100.0
}

/// `Err` with the field and what was expected of it, unless `right`.
fn require(right: bool, field: &str, expected: &str) -> Result<(), (String, String)> {
    if right { Ok(()) } else { Err((field.to_owned(), expected.to_owned())) }
}

/// The same complaint about a field of the section `name`.
fn within(name: &str) -> impl Fn((String, String)) -> (String, String) {
    move |(field, expected)| (format!("{name}.{field}"), expected)
}

/// Checks a probability.
fn check_probability(probability: f64) -> Result<(), (String, String)> {
    require((0.0..=1.0).contains(&probability), "probability", "a probability in 0..=1")
}
