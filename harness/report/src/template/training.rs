//! The images that an arm's network was fine-tuned on, for sentences on cats and dogs.

use super::{
    answer::{Answer, refuse},
    facts::Facts,
};
use crate::{figures::data::Data, inputs::datasets::GroupCount, markdown::count};
use harness_record::vocabulary::{Purpose, Species};
use minijinja::{Value, value::Serde};
use serde::Serialize;

/// The value that `training` returns. Numbers are formatted for printing.
#[derive(Debug, Default, Serialize)]
struct TrainedOn {
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
    let Some(named) = data.study.arms.iter().find(|known| known.name == arm) else {
        let names: Vec<_> = data.study.arms.iter().map(|known| known.name.as_str()).collect();
        return Err(refuse("arm", arm, &names));
    };
    let found = groups(data, &named.name).map(TrainedOn::new).unwrap_or_default();
    Ok(Value::from(Serde(found)))
}

/// Returns the images by breed of the data set that an arm was fine-tuned on.
fn groups<'a>(data: &'a Data, arm: &str) -> Option<&'a [GroupCount]> {
    let is_of = |arms: &[String]| arms.is_empty() || arms.iter().any(|name| name == arm);
    let set = data.study.datasets.iter().find(|set| set.purpose == Purpose::Segmentation && is_of(&set.arms))?;
    (!set.groups.is_empty()).then_some(&set.groups)
}

impl TrainedOn {
    fn new(groups: &[GroupCount]) -> Self {
        let trained: Vec<&GroupCount> = groups.iter().filter(|group| group.train > 0).collect();
        let of = |species: Species| {
            let own = || trained.iter().filter(|group| Species::of_breed(&group.group) == Some(species));
            (own().map(|group| group.train).sum::<u64>(), own().count() as u64)
        };
        let ((cats, cat_breeds), (dogs, _)) = (of(Species::Cat), of(Species::Dog));
        Self {
            known: true,
            images: count(trained.iter().map(|group| group.train).sum()),
            breeds: count(trained.len() as u64),
            cats: count(cats),
            cat_breeds: count(cat_breeds),
            dogs: count(dogs),
            cats_are_fewer: cats < dogs,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breeds_without_images_do_not_count() {
        let group = |name: &str, train| GroupCount { group: name.to_owned(), train, validation: 7, test: 9 };
        let found = TrainedOn::new(&[group("Bengal", 3), group("Birman", 0), group("beagle", 1), group("boxer", 4)]);
        assert!(found.known && found.cats_are_fewer);
        let numbers = [&found.images, &found.breeds, &found.cats, &found.cat_breeds, &found.dogs];
        assert_eq!(numbers, ["8", "3", "3", "1", "5"]);
    }
}
