//! The split of images into training, validation and test.
//!
//! * [`SplitSpec`]: the cut of labelled images
//! * [`Selection`]: the part of the training images that is used
//! * [`split`]: splits labelled images; [`unlabelled`]: splits images for pretraining
//!
//! Which images are tested depends only on the list of images and on the cut's own seed, so that all runs of a study test
//! the same images. The cut into training and validation is the same for all runs as well, or [drawn anew](Redraw) for
//! every seed of the study. Then results over several seeds also vary with the choice of the training images, as they
//! would if the study were repeated.
//!
//! Each cut shuffles the list once. If breeds should have their share, the first images of each breed in that order are
//! taken. So a cut in proportion draws the same random numbers as a plain one.

mod selection;
mod spec;
mod strata;

pub use selection::Selection;
pub use spec::{Amount, MergedSplit, OfficialSplit, SplitSpec};

use crate::datasets::{Item, Part, Pictures};
use harness_record::{random, rows::FileRow, vocabulary::FileUse};

/// Places in a list of images, each in at most one of the three lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// For training, in random order.
    pub train: Vec<u32>,
    /// For validation after each epoch, in random order.
    pub validation: Vec<u32>,
    /// For the test, in the order of the data set.
    pub test: Vec<u32>,
    /// Number of images for training before some of them were selected.
    pub trainable: u32,
}

/// The seed of the study with which a run draws its own cut into training and validation; `None` if all runs share the
/// cut.
pub type Redraw = Option<u64>;

/// The reason that images cannot be split as requested.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SplitError {
    /// No images would be left for training.
    #[error("{wanted} of {there} images are requested for {purpose}, but at least one must remain for training")]
    TooFew {
        /// `validation` or `the test`.
        purpose: &'static str,
        /// Number of images requested.
        wanted: u32,
        /// Number of images available.
        there: u32,
    },
    /// No image for training or validation shows a breed that the spec names.
    #[error(
        "no image for training or validation shows a {species} of breed `{breed}`{}; the breeds of {species}s among them: {}",
        meant.as_ref().map_or_else(String::new, |meant| format!(", did you mean `{meant}`?")),
        if there.is_empty() { "none".to_owned() } else { there.join(", ") }
    )]
    UnknownBreed {
        /// `cat` or `dog`.
        species: &'static str,
        /// The breed as the spec names it.
        breed: String,
        /// The most similar breed of the species, if one is similar enough.
        meant: Option<String>,
        /// All breeds of the species among these images.
        there: Vec<String>,
    },
    /// No training image shows a selected breed.
    #[error("none of the {there} training images is of a selected breed")]
    NoneSelected {
        /// Number of training images.
        there: u32,
    },
}

/// Cuts labelled images as `spec` says, then keeps only the training images of `selection`.
pub fn split(items: &[Item], spec: &SplitSpec, selection: &Selection, redraw: Redraw) -> Result<Partition, SplitError> {
    let cut = match spec {
        SplitSpec::Official(spec) => official(items, spec, redraw)?,
        SplitSpec::Merged(spec) => merged(items, spec, redraw)?,
    };
    let train = selection.of(items, cut.train, &cut.validation)?;
    Ok(Partition { train, ..cut })
}

/// Cuts images for pretraining: `validation` of them are held out, and a `fraction` in (0, 1] of the rest is used for
/// training.
///
/// The fraction does not change which images are held out. Of the n remaining images, ⌊n · fraction⌋ but at least one
/// are used for training, and every group (breed or class) has its share of them to within one image. A smaller
/// fraction is part of every larger one.
pub fn unlabelled(items: &[Item], validation: u32, fraction: f64, redraw: Redraw) -> Result<Partition, SplitError> {
    let mut rest = shuffled(&all(items), &["split", "pretraining"], redraw);
    leaves_some("validation", validation, rest.len())?;
    let validation = rest.split_off(rest.len() - validation as usize);
    let wanted = share_of(rest.len(), fraction);
    let trainable = rest.len() as u32;
    Ok(Partition { train: strata::nested(items, rest, wanted), validation, test: Vec::new(), trainable })
}

/// Uses the data set's own test images for testing, and cuts the others into train and validation.
fn official(items: &[Item], spec: &OfficialSplit, redraw: Redraw) -> Result<Partition, SplitError> {
    let (test, rest): (Vec<u32>, Vec<u32>) =
        all(items).into_iter().partition(|&place| items[place as usize].part == Part::Test);
    let mut order = shuffled(&rest, &["split", &spec.seed.to_string()], redraw);
    let wanted = spec.validation.of(order.len());
    leaves_some("validation", wanted, order.len())?;
    let (validation, train) = if spec.stratified {
        strata::cut(items, order, wanted as usize)
    } else {
        let train = order.split_off(wanted as usize);
        (order, train)
    };
    let trainable = train.len() as u32;
    Ok(Partition { train, validation, test, trainable })
}

/// Cuts all images into test and the rest, and the rest into validation and train, both in proportion to breeds.
fn merged(items: &[Item], spec: &MergedSplit, redraw: Redraw) -> Result<Partition, SplitError> {
    let words = ["split", "merged", &spec.seed.to_string()];
    let order = shuffled(&all(items), &words, None);
    let wanted = rounded_up(order.len(), spec.test);
    leaves_some("the test", wanted, order.len())?;
    let (mut test, mut rest) = strata::cut(items, order, wanted as usize);
    if redraw.is_some() {
        rest.sort_unstable();
        rest = shuffled(&rest, &words, redraw);
    }
    let wanted = rounded_up(rest.len(), spec.validation);
    leaves_some("validation", wanted, rest.len())?;
    let (validation, train) = strata::cut(items, rest, wanted as usize);
    test.sort_unstable();
    let trainable = train.len() as u32;
    Ok(Partition { train, validation, test, trainable })
}

fn all(items: &[Item]) -> Vec<u32> {
    (0..items.len() as u32).collect()
}

/// Shuffles `places` with the generator for `words`, and for the run's seed if the cut is redrawn.
fn shuffled(places: &[u32], words: &[&str], redraw: Redraw) -> Vec<u32> {
    let seed = redraw.map(|seed| seed.to_string());
    let own = seed.iter().flat_map(|seed| ["run", seed.as_str()]);
    let words: Vec<&str> = words.iter().copied().chain(own).collect();
    let order = random::shuffled(places.len() as u32, &mut random::generator(&words));
    order.into_iter().map(|i| places[i as usize]).collect()
}

/// ⌈n · share⌉, the size of the test part in scikit-learn's `train_test_split`.
fn rounded_up(n: usize, share: f64) -> u32 {
    (n as f64 * share).ceil() as u32
}

/// ⌊n · fraction⌋, at least one. A small number is added for fractions that binary numbers cannot represent: 0.29 of
/// 100 is 29.
fn share_of(n: usize, fraction: f64) -> usize {
    ((n as f64 * fraction + 1e-6).floor() as usize).clamp(1, n)
}

fn leaves_some(purpose: &'static str, wanted: u32, there: usize) -> Result<(), SplitError> {
    let there = there as u32;
    if wanted < there { Ok(()) } else { Err(SplitError::TooFew { purpose, wanted, there }) }
}

impl Partition {
    /// Rows of `files.csv`: every picture of the split, then every file that was left out, with the reason.
    pub fn files(&self, pictures: &Pictures) -> Vec<FileRow> {
        let row = |used: FileUse, place: u32| {
            let item = &pictures.items[place as usize];
            FileRow { used, file: item.name.clone(), group: item.group.clone(), reason: String::new() }
        };
        let mut rows = Vec::new();
        let parts =
            [(FileUse::Train, &self.train), (FileUse::Validation, &self.validation), (FileUse::Test, &self.test)];
        for (used, places) in parts {
            let mut places = places.clone();
            places.sort_unstable();
            rows.extend(places.into_iter().map(|place| row(used, place)));
        }
        rows.extend(pictures.left_out.iter().cloned());
        rows
    }
}
