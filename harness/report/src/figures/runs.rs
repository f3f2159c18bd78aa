//! A run, and the places that it takes in the study: arms and protocols can share one.

use super::data::Data;
use crate::{inputs::runs::RunInput, markdown::listed};
use std::collections::{BTreeMap, BTreeSet};

/// A run and its places, of which there is at least one.
pub(crate) struct Run<'a> {
    places: Vec<&'a RunInput>,
}

/// All runs of a report, in the order in which they first appear.
pub(crate) fn runs_of(data: &Data) -> Vec<Run<'_>> {
    let mut runs: Vec<Run<'_>> = Vec::new();
    for place in &data.runs {
        match runs.iter_mut().find(|run| run.key() == place.record.key) {
            Some(run) => run.places.push(place),
            None => runs.push(Run { places: vec![place] }),
        }
    }
    runs
}

impl<'a> Run<'a> {
    /// Its first place, which says all but arm, protocol and seed for the others, too.
    pub(crate) fn first(&self) -> &'a RunInput {
        self.places[0]
    }

    pub(crate) fn key(&self) -> &'a str {
        &self.first().record.key
    }

    /// Labels of its arms.
    pub(crate) fn arms(&self, data: &Data) -> String {
        listed(&self.each_once(|place| data.arm_label(&place.arm).to_owned()))
    }

    /// Names of its protocols.
    pub(crate) fn protocols(&self) -> String {
        self.each_once(|place| place.protocol.clone()).join(", ")
    }

    /// Its seeds.
    pub(crate) fn seeds(&self) -> String {
        self.each_once(|place| place.seed.to_string()).join(", ")
    }

    fn each_once(&self, of: impl Fn(&RunInput) -> String) -> Vec<String> {
        let mut seen: Vec<String> = Vec::new();
        for text in self.places.iter().map(|place| of(place)) {
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
    for (name, version) in data.runs.iter().flat_map(|run| &run.record.versions) {
        all.entry(name).or_default().insert(version);
    }
    all
}
