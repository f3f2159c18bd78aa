//! Which pictures train, which validate, which test.

use crate::{
    datasets::{Part, Pictures},
    random,
};
use harness_record::rows::FileRow;

/// Places in a [`Pictures`], each in at most one list, in the order in which they are used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// For training.
    pub train: Vec<u32>,
    /// For validation after each epoch.
    pub validation: Vec<u32>,
    /// For the test.
    pub test: Vec<u32>,
}

/// Asked for more images than there are.
#[derive(Debug, thiserror::Error)]
#[error("{wanted} images are wanted for {purpose}, but the data has only {there} of them left")]
pub struct TooFew {
    purpose: &'static str,
    wanted: u32,
    there: u32,
}

/// Cuts the pictures that are not for the test at random: `validation` of them validate, and of the rest the first `train`
/// (or all) train. The cut depends on `seed` alone, never on the study's seed, so that all runs of a study share it.
pub fn split(pictures: &Pictures, train: Option<u32>, validation: u32, seed: u64) -> Result<Split, TooFew> {
    let places = |test: bool| {
        let chosen = pictures.items.iter().enumerate().filter(move |(_, item)| (item.part == Part::Test) == test);
        chosen.map(|(place, _)| place as u32).collect::<Vec<_>>()
    };
    let rest = places(false);
    let order = random::shuffled(rest.len() as u32, &mut random::generator(&["split", &seed.to_string()]));
    let mut shuffled: Vec<u32> = order.into_iter().map(|i| rest[i as usize]).collect();
    if validation as usize >= shuffled.len() {
        return Err(TooFew { purpose: "validation", wanted: validation, there: shuffled.len() as u32 });
    }
    let mut training = shuffled.split_off(validation as usize);
    if let Some(wanted) = train {
        if wanted as usize > training.len() {
            return Err(TooFew { purpose: "training", wanted, there: training.len() as u32 });
        }
        training.truncate(wanted as usize);
    }
    Ok(Split { train: training, validation: shuffled, test: places(true) })
}

impl Split {
    /// Rows of `files.csv`: every picture of the split, then what was left out and why.
    pub fn files(&self, pictures: &Pictures) -> Vec<FileRow> {
        let row = |split: &str, place: u32| {
            let item = &pictures.items[place as usize];
            FileRow {
                split: split.to_owned(),
                file: item.name.clone(),
                group: item.group.clone(),
                reason: String::new(),
            }
        };
        let mut rows = Vec::new();
        for (name, places) in [("train", &self.train), ("validation", &self.validation), ("test", &self.test)] {
            let mut places = places.clone();
            places.sort_unstable();
            rows.extend(places.into_iter().map(|place| row(name, place)));
        }
        rows.extend(pictures.left_out.iter().cloned());
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::datasets::Item;

    fn pictures(trainval: u32, test: u32) -> Pictures {
        let item = |i: u32| Item {
            name: format!("{i}.jpg"),
            group: "Bengal".into(),
            part: if i < trainval { Part::Trainval } else { Part::Test },
        };
        Pictures {
            size: 0,
            digest: String::new(),
            items: (0..trainval + test).map(item).collect(),
            rgb: Vec::new(),
            classes: Vec::new(),
            left_out: Vec::new(),
        }
    }

    #[test]
    fn no_image_is_in_two_lists_and_none_is_lost() {
        let s = split(&pictures(100, 30), None, 20, 0).unwrap();
        assert_eq!((s.train.len(), s.validation.len(), s.test.len()), (80, 20, 30));
        let mut all = [s.train, s.validation, s.test].concat();
        all.sort_unstable();
        assert_eq!(all, (0..130).collect::<Vec<_>>());
    }

    #[test]
    fn fewer_training_images_are_a_subset() {
        let all = split(&pictures(100, 0), None, 20, 3).unwrap();
        let some = split(&pictures(100, 0), Some(40), 20, 3).unwrap();
        assert_eq!(some.train, all.train[..40]);
        assert_eq!(some.validation, all.validation);
        assert_ne!(all.train, split(&pictures(100, 0), None, 20, 4).unwrap().train);
    }

    #[test]
    fn too_few_images_are_refused() {
        let error = split(&pictures(10, 5), Some(9), 5, 0).unwrap_err().to_string();
        assert_eq!(error, "9 images are wanted for training, but the data has only 5 of them left");
        assert!(split(&pictures(10, 5), None, 10, 0).is_err());
    }
}
