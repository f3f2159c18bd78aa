//! Runs and the places that each has in the study. Arms and protocols can share a run.

use super::data::Data;
use crate::{inputs::runs::Run, markdown::listed};
use harness_record::rows::PlaceRow;
use std::collections::{BTreeMap, BTreeSet};

/// A run and its places; it has at least one.
pub(crate) struct Placed<'a> {
    pub(crate) run: &'a Run,
    places: Vec<&'a PlaceRow>,
}

/// Returns all runs of a report, in the order in which they first appear.
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
    /// Returns the first place.
    pub(crate) fn first(&self) -> &'a PlaceRow {
        self.places[0]
    }

    /// Returns the labels of the run's arms.
    pub(crate) fn arms(&self, data: &Data) -> String {
        listed(&self.each_once(|place| Some(data.arm_label(&place.arm).to_owned())))
    }

    /// Returns the names of the run's protocols; empty if the run is the same under both.
    pub(crate) fn protocols(&self) -> String {
        self.each_once(|place| place.protocol.map(|protocol| protocol.to_string())).join(", ")
    }

    /// Returns the seeds of the run.
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

/// Returns every version that any run records, by name.
pub(crate) fn all_versions(data: &Data) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut all: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, version) in data.runs.places().flat_map(|(_, run)| &run.record.versions) {
        all.entry(name).or_default().insert(version);
    }
    all
}
