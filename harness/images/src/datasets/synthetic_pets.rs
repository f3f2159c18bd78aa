//! The drawn data set as a data set.

use super::{DataError, DataSet, Files, Folder, Item, Part, Source, Survey, digest_of};
use harness_drawn_pets as drawn_pets;
use harness_record::{monitor::Monitor, vocabulary::Purpose};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::Path;

/// Maximum number of pictures of one part. Their numbers have five digits, so that names sort in the order of drawing.
const MAX: u32 = 99_999;

/// The numbers of pictures in the demo.
const DEMO: SyntheticPets = SyntheticPets { trainval: 200, test: 80, unlabelled: 400, seed: 0 };

/// The numbers of pictures that are drawn.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct SyntheticPets {
    /// Pictures with trimaps for training and validation.
    #[schemars(range(max = 99_999))]
    pub trainval: u32,
    /// Pictures with trimaps for testing.
    #[schemars(range(max = 99_999))]
    pub test: u32,
    /// Pictures for pretraining.
    #[schemars(range(max = 99_999))]
    pub unlabelled: u32,
    /// Seed of the pictures. It is not the study's seed, because all seeds of a study share one data set.
    #[serde(default)]
    pub seed: u64,
}

impl DataSet for SyntheticPets {
    fn folders(&self) -> Vec<&str> {
        Vec::new()
    }

    fn check(&self) -> Result<(), (String, String)> {
        let counts = [("trainval", self.trainval), ("test", self.test), ("unlabelled", self.unlabelled)];
        match counts.iter().find(|(_, count)| *count > MAX) {
            Some((name, _)) => Err(((*name).to_owned(), format!("at most {MAX} pictures"))),
            None => Ok(()),
        }
    }

    fn has_trimaps(&self) -> bool {
        true
    }

    fn purposes(&self) -> Vec<Purpose> {
        let labelled = (self.trainval > 0 || self.test > 0).then_some(Purpose::Segmentation);
        let unlabelled = (self.unlabelled > 0).then_some(Purpose::Pretraining);
        labelled.into_iter().chain(unlabelled).collect()
    }

    fn is_drawn(&self) -> bool {
        true
    }

    fn describe(&self) -> String {
        "synthetic pets".to_owned()
    }

    fn of_layout(layout: &str, _: &str) -> Option<Self> {
        (layout == "drawn").then_some(DEMO)
    }

    fn open(&self, _: &Path) -> Result<Vec<Folder>, DataError> {
        Ok(Vec::new())
    }

    /// Lists the pictures to draw: trainval and test with trimaps, or the unlabelled ones.
    fn survey(&self, purpose: Purpose, _: &Path, _: &Path, _: &dyn Monitor) -> Result<Survey, DataError> {
        let parts: &[(Part, &str, u32)] = match purpose {
            Purpose::Segmentation => &[
                (Part::Trainval, "synthetic-pets.trainval", self.trainval),
                (Part::Test, "synthetic-pets.test", self.test),
            ],
            Purpose::Pretraining => &[(Part::Unlabelled, "synthetic-pets.unlabelled", self.unlabelled)],
        };
        let mut sources = Vec::new();
        for &(part, field, count) in parts {
            if count > MAX {
                return Err(DataError::Field { field, reason: format!("{count} pictures; expected at most {MAX}") });
            }
            sources.extend((0..count).map(|index| Source {
                // Name and breed are known only when the picture is drawn.
                item: Item { name: String::new(), group: String::new(), part },
                folder: 0,
                files: Files::Drawn { seed: self.seed, index },
            }));
        }
        if sources.is_empty() {
            let field = parts[0].1;
            return Err(DataError::Field {
                field,
                reason: "no pictures; expected at least 1, as the study uses them".into(),
            });
        }
        let options =
            json!({ "synthetic-pets": spec_options(self), "version": drawn_pets::VERSION, "purpose": purpose });
        Ok(Survey::of(digest_of(&options, &[], &[])?, sources))
    }
}

fn spec_options(spec: &SyntheticPets) -> serde_json::Value {
    json!({ "trainval": spec.trainval, "test": spec.test, "unlabelled": spec.unlabelled, "seed": spec.seed })
}

/// Draws one picture. Returns its item, its pixels and its classes.
pub(super) fn draw(seed: u64, part: Part, index: u32, size: u32) -> (Item, Vec<u8>, Vec<u8>) {
    let drawn = drawn_pets::draw(seed, part.name(), index, size);
    let name = format!("synthetic/{}/{index:05}-{}.png", part.name(), drawn.breed);
    (Item { name, group: drawn.breed.to_owned(), part }, drawn.rgb, drawn.classes)
}
