//! The images that an arm's network was fine-tuned on, for sentences on cats and dogs.

use super::{
    answer::{Answer, refuse},
    facts::Facts,
};
use crate::{figures::trained::TrainedOn, markdown::count};
use minijinja::{Value, value::Serde};
use serde::Serialize;

/// The value that `training` returns. Numbers are formatted for printing.
#[derive(Debug, Default, Serialize)]
struct Training {
    /// True if images were counted by breed.
    known: bool,
    images: String,
    /// The number of breeds with at least one image.
    breeds: String,
    cats: String,
    cat_breeds: String,
    dogs: String,
    /// True if there are fewer images of cats than of dogs.
    cats_are_fewer: bool,
}

/// `training("imbalanced")`: the images that an arm was fine-tuned on, by species.
pub(super) fn training(facts: &Facts, arm: &str) -> Answer {
    let data = &facts.data;
    if data.arm(arm).is_none() {
        let names: Vec<_> = data.study.arms.iter().map(|known| known.name.as_str()).collect();
        return Err(refuse("arm", arm, &names));
    }
    Ok(Value::from(Serde(data.trained_on(arm).map(Training::from).unwrap_or_default())))
}

impl From<TrainedOn> for Training {
    fn from(on: TrainedOn) -> Self {
        Self {
            known: true,
            images: count(on.images),
            breeds: count(on.breeds),
            cats: count(on.cats),
            cat_breeds: count(on.cat_breeds),
            dogs: count(on.dogs),
            cats_are_fewer: on.cats < on.dogs,
        }
    }
}
