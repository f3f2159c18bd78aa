//! The images that arms were trained on.

use super::data::Data;
use crate::{
    inputs::datasets::{DatasetInput, GroupCount},
    markdown::count,
};
use harness_record::vocabulary::{Protocol, Purpose, Species, Split};

/// The images that an arm was fine-tuned on, by species.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TrainedOn {
    pub(crate) images: u64,
    /// The number of breeds with at least one image.
    pub(crate) breeds: u64,
    pub(crate) cats: u64,
    pub(crate) cat_breeds: u64,
    pub(crate) dogs: u64,
}

impl TrainedOn {
    pub(crate) fn new(groups: &[GroupCount]) -> Self {
        let trained: Vec<&GroupCount> = groups.iter().filter(|group| group.train > 0).collect();
        let of = |species: Species| {
            let own = || trained.iter().filter(|group| Species::of_breed(&group.group) == Some(species));
            (own().map(|group| group.train).sum(), own().count() as u64)
        };
        let ((cats, cat_breeds), (dogs, _)) = (of(Species::Cat), of(Species::Dog));
        let images = trained.iter().map(|group| group.train).sum();
        Self { images, breeds: trained.len() as u64, cats, cat_breeds, dogs }
    }

    /// The counts of both species: `85 of cats and 78 of dogs`.
    pub(crate) fn in_words(&self) -> String {
        format!("{} of cats and {} of dogs", count(self.cats), count(self.dogs))
    }
}

impl Data {
    /// Returns the data set that an arm used for a purpose under a protocol, and its place in the list of data sets. Without
    /// a protocol, it is the first that the arm used.
    pub(crate) fn dataset(
        &self,
        arm: &str,
        purpose: Purpose,
        protocol: Option<Protocol>,
    ) -> Option<(usize, &DatasetInput)> {
        let is_of = |set: &DatasetInput| set.arms.is_empty() || set.arms.iter().any(|name| name == arm);
        let is_under = |set: &DatasetInput| {
            set.protocols.is_empty() || protocol.is_none_or(|protocol| set.protocols.contains(&protocol))
        };
        let mut sets = self.study.datasets.iter().enumerate();
        sets.find(|(_, set)| set.purpose == purpose && is_of(set) && is_under(set))
    }

    /// Returns the images that an arm was fine-tuned on, if they were counted by breed.
    pub(crate) fn trained_on(&self, arm: &str) -> Option<TrainedOn> {
        let (_, set) = self.dataset(arm, Purpose::Segmentation, None)?;
        (!set.groups.is_empty()).then(|| TrainedOn::new(&set.groups))
    }
}

impl DatasetInput {
    /// Returns the number of training images.
    pub(crate) fn training_images(&self) -> Option<u64> {
        self.splits.iter().find(|split| split.split == Split::Train).map(|split| split.images)
    }
}

/// Links a number of images to the counts of the data set at a place in the list.
pub(crate) fn to_counts(images: u64, place: usize) -> String {
    format!("[{}](data.html#set-{})", count(images), place + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breeds_without_images_do_not_count() {
        let group = |name: &str, train| GroupCount { group: name.to_owned(), train, validation: 7, test: 9 };
        let found = TrainedOn::new(&[group("Bengal", 3), group("Birman", 0), group("beagle", 1), group("boxer", 4)]);
        assert_eq!(found, TrainedOn { images: 8, breeds: 3, cats: 3, cat_breeds: 1, dogs: 5 });
        assert_eq!(found.in_words(), "3 of cats and 5 of dogs");
    }
}
