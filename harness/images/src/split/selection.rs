//! The `selection` section of a spec.

use super::{SplitError, share_of, spec::percent};
use crate::datasets::Item;
use harness_record::{suggest::closest, vocabulary::Species};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The part of the training images that is used for training: the images of some breeds, and a fraction of these. It is
/// applied after the cut and only to the training images. Validation and test stay whole.
///
/// Cats and dogs are told apart by the names of Oxford-IIIT Pet: names of cat breeds begin with a capital letter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Selection {
    /// Share of the selected images that is used for training, above 0 and at most 1. These are the first of the
    /// shuffled training images, so a smaller fraction is part of every larger one.
    pub fraction: f64,
    /// Breeds of cats to keep; all if absent, none if empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cats: Option<Vec<String>>,
    /// Breeds of dogs to keep; all if absent, none if empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dogs: Option<Vec<String>>,
}

impl Default for Selection {
    fn default() -> Self {
        Self { fraction: 1.0, cats: None, dogs: None }
    }
}

/// The breeds in words: `all dogs`, `the dog breeds beagle and pug`. `None` if the list is empty.
fn in_words(species: Species, breeds: Option<&Vec<String>>) -> Option<String> {
    match breeds.map(Vec::as_slice) {
        None => Some(format!("all {species}s")),
        Some([]) => None,
        Some([breed]) => Some(format!("the {species} breed {breed}")),
        Some([first @ .., last]) => Some(format!("the {species} breeds {} and {last}", first.join(", "))),
    }
}

/// The spelling of the names of a species' breeds.
fn spelling(species: Species) -> &'static str {
    match species {
        Species::Cat => "a breed of cats, whose name begins with a capital, as in Maine_Coon",
        Species::Dog => "a breed of dogs, whose name begins with a small letter, as in beagle",
    }
}

impl Selection {
    /// Checks the settings. The error names the invalid field, below the section, and the expected value.
    pub fn check(&self) -> Result<(), (String, String)> {
        if !(self.fraction > 0.0 && self.fraction <= 1.0) {
            return Err(("fraction".into(), "a number above 0 and at most 1".into()));
        }
        for (species, breeds) in self.lists() {
            let breeds = breeds.map_or(&[][..], Vec::as_slice);
            for (i, breed) in breeds.iter().enumerate() {
                let field = || format!("{species}s[{i}]");
                if Species::of_breed(breed) != Some(species) {
                    return Err((field(), spelling(species).into()));
                }
                if breeds[..i].contains(breed) {
                    return Err((field(), "each breed once".into()));
                }
            }
        }
        if self.lists().iter().all(|(_, breeds)| breeds.is_some_and(Vec::is_empty)) {
            return Err(("dogs".into(), "at least one breed here or in `cats`".into()));
        }
        Ok(())
    }

    /// The selection in words:
    /// `the first 50 % of the training images of the cat breeds Birman and Bombay and of all dogs`.
    pub fn describe(&self) -> String {
        let parts: Vec<String> =
            self.lists().into_iter().filter_map(|(species, breeds)| in_words(species, breeds)).collect();
        let images = match (&self.cats, &self.dogs) {
            (None, None) => "training images".to_owned(),
            _ => format!("training images of {}", parts.join(" and of ")),
        };
        if self.fraction < 1.0 {
            format!("the first {} of the {images}", percent(self.fraction))
        } else {
            format!("all {images}")
        }
    }

    fn lists(&self) -> [(Species, Option<&Vec<String>>); 2] {
        [(Species::Cat, self.cats.as_ref()), (Species::Dog, self.dogs.as_ref())]
    }

    /// Selects from the shuffled training images `train` and keeps their order. Of the n images of the selected breeds,
    /// the first ⌊n · fraction⌋ are taken, and at least one. A breed may have all of its images in `validation`, by chance.
    pub(super) fn of(&self, items: &[Item], train: Vec<u32>, validation: &[u32]) -> Result<Vec<u32>, SplitError> {
        let there = train.len() as u32;
        let breed = |place: u32| items[place as usize].group.as_str();
        let breeds: BTreeSet<&str> = train.iter().chain(validation).map(|&place| breed(place)).collect();
        for (species, named) in self.lists() {
            named.map_or(Ok(()), |named| known(species, named, &breeds))?;
        }
        let wanted = |place: &u32| {
            let breed = breed(*place);
            let list = if Species::of_breed(breed) == Some(Species::Cat) { &self.cats } else { &self.dogs };
            list.as_ref().is_none_or(|named| named.iter().any(|name| name == breed))
        };
        let mut selected: Vec<u32> = train.into_iter().filter(wanted).collect();
        if selected.is_empty() {
            return Err(SplitError::NoneSelected { there });
        }
        selected.truncate(share_of(selected.len(), self.fraction));
        Ok(selected)
    }
}

/// Refuses a breed in `named` that is not a breed of its species in `breeds`.
fn known(species: Species, named: &[String], breeds: &BTreeSet<&str>) -> Result<(), SplitError> {
    let there: Vec<&str> = breeds.iter().copied().filter(|breed| Species::of_breed(breed) == Some(species)).collect();
    match named.iter().find(|name| !there.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(SplitError::UnknownBreed {
            species: species.name(),
            breed: name.clone(),
            meant: closest(name, &there),
            there: there.into_iter().map(str::to_owned).collect(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Selection {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn an_empty_section_selects_everything_and_is_written_short() {
        assert_eq!(read("{}"), Selection::default());
        assert_eq!(serde_json::to_string(&Selection::default()).unwrap(), r#"{"fraction":1.0}"#);
        assert!(serde_json::from_str::<Selection>(r#"{"cat": []}"#).is_err());
        assert_eq!(Selection::default().check(), Ok(()));
    }

    #[test]
    fn what_cannot_be_selected_is_refused_with_its_field() {
        for (json, field) in [
            (r#"{"fraction": 0}"#, "fraction"),
            (r#"{"fraction": 1.01}"#, "fraction"),
            (r#"{"cats": ["Birman", "beagle"]}"#, "cats[1]"),
            (r#"{"cats": ["Birman", "Birman"]}"#, "cats[1]"),
            (r#"{"dogs": ["Birman"]}"#, "dogs[0]"),
            (r#"{"dogs": [""]}"#, "dogs[0]"),
            (r#"{"cats": [], "dogs": []}"#, "dogs"),
        ] {
            assert_eq!(read(json).check().unwrap_err().0, field, "{json}");
        }
        assert_eq!(read(r#"{"cats": [], "dogs": ["beagle"], "fraction": 0.5}"#).check(), Ok(()));
        assert!(Selection { fraction: f64::NAN, ..Selection::default() }.check().is_err());
    }

    #[test]
    fn a_selection_in_words() {
        assert_eq!(read("{}").describe(), "all training images");
        assert_eq!(read(r#"{"fraction": 0.25}"#).describe(), "the first 25 % of the training images");
        assert_eq!(
            read(r#"{"cats": ["Maine_Coon", "Birman", "Bombay"]}"#).describe(),
            "all training images of the cat breeds Maine_Coon, Birman and Bombay and of all dogs"
        );
        assert_eq!(
            read(r#"{"cats": [], "dogs": ["pug"], "fraction": 0.5}"#).describe(),
            "the first 50 % of the training images of the dog breed pug"
        );
    }
}
