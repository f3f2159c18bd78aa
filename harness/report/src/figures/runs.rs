//! A run, and the places that it takes in the study: arms and protocols can share one.

use super::data::Data;
use crate::{inputs::runs::Run, markdown::listed};
use harness_record::rows::PlaceRow;
use std::collections::{BTreeMap, BTreeSet};

/// A run and its places, of which there is at least one.
pub(crate) struct Placed<'a> {
    pub(crate) run: &'a Run,
    places: Vec<&'a PlaceRow>,
}

/// All runs of a report, in the order in which they first appear.
pub(crate) fn runs_of(data: &Data) -> Vec<Placed<'_>> {
    let mut runs: Vec<Placed<'_>> = Vec::new();
    for (place, run) in data.runs.places() {
        match runs.iter_mut().find(|other| other.run.key() == run.key()) {
            Some(other) => other.places.push(place),
            None => runs.push(Placed { run, places: vec![place] }),
        }
    }
    runs
}

impl<'a> Placed<'a> {
    /// Its first place.
    pub(crate) fn first(&self) -> &'a PlaceRow {
        self.places[0]
    }

    /// Labels of its arms.
    pub(crate) fn arms(&self, data: &Data) -> String {
        listed(&self.each_once(|place| Some(data.arm_label(&place.arm).to_owned())))
    }

    /// Names of its protocols; empty where it is the same under both.
    pub(crate) fn protocols(&self) -> String {
        self.each_once(|place| place.protocol.map(|protocol| protocol.to_string())).join(", ")
    }

    /// Its seeds.
    pub(crate) fn seeds(&self) -> String {
        self.each_once(|place| Some(place.seed.to_string())).join(", ")
    }

    fn each_once(&self, of: impl Fn(&PlaceRow) -> Option<String>) -> Vec<String> {
        let mut seen: Vec<String> = Vec::new();
        for text in self.places.iter().filter_map(|place| of(place)) {
            if !seen.contains(&text) {
                seen.push(text);
            }
        }
        seen
    }
}

/// Every version that some run names.
pub(crate) fn all_versions(data: &Data) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut all: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, version) in data.runs.places().flat_map(|(_, run)| &run.record.versions) {
        all.entry(name).or_default().insert(version);
    }
    all
}
