//! The drawn data set as a data set.

use super::{DataError, Files, Item, Part, Purpose, Source, Survey, SyntheticPets, digest_of};
use harness_drawn_pets as drawn_pets;
use serde_json::json;

/// Most pictures of one part: their numbers have five digits, so that names sort as they are drawn.
const MAX: u32 = 99_999;

/// What will be drawn: trainval and test with trimaps, or the unlabelled pictures.
pub(super) fn survey(spec: &SyntheticPets, purpose: Purpose) -> Result<Survey, DataError> {
    let parts: &[(Part, &str, u32)] = match purpose {
        Purpose::Segmentation => &[
            (Part::Trainval, "synthetic-pets.trainval", spec.trainval),
            (Part::Test, "synthetic-pets.test", spec.test),
        ],
        Purpose::Pretraining => &[(Part::Unlabelled, "synthetic-pets.unlabelled", spec.unlabelled)],
    };
    let mut sources = Vec::new();
    for &(part, field, count) in parts {
        if count > MAX {
            return Err(DataError::Field { field, reason: format!("{count} pictures; expected at most {MAX}") });
        }
        sources.extend((0..count).map(|index| Source {
            // Name and breed are known when it is drawn.
            item: Item { name: String::new(), group: String::new(), part },
            folder: 0,
            files: Files::Drawn { index },
        }));
    }
    if sources.is_empty() {
        let field = parts[0].1;
        return Err(DataError::Field {
            field,
            reason: "no pictures; expected at least 1, as the study uses them".into(),
        });
    }
    let options = json!({ "synthetic-pets": spec_options(spec), "version": drawn_pets::VERSION, "purpose": purpose });
    Ok(Survey::of(digest_of(&options, &[], &[])?, sources))
}

fn spec_options(spec: &SyntheticPets) -> serde_json::Value {
    json!({ "trainval": spec.trainval, "test": spec.test, "unlabelled": spec.unlabelled, "seed": spec.seed })
}

/// Draws one picture: its item, its pixels, its classes.
pub(super) fn draw(seed: u64, part: Part, index: u32, size: u32) -> (Item, Vec<u8>, Vec<u8>) {
    let drawn = drawn_pets::draw(seed, part.name(), index, size);
    let name = format!("synthetic/{}/{index:05}-{}.png", part.name(), drawn.breed);
    (Item { name, group: drawn.breed.to_owned(), part }, drawn.rgb, drawn.classes)
}
