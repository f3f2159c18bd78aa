//! `provenance.json`: what a report was made of, for machines. Keys sorted, no clock, no host.

use crate::{
    figures::{data::Data, runs::all_versions},
    inputs::study::Setting,
};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Fields in alphabetical order, because they are written in the order in which they stand here.
#[derive(Serialize)]
struct Provenance<'a> {
    command: &'a str,
    /// SHA-256 of every file of the data folder.
    data: &'a BTreeMap<String, String>,
    deterministic: bool,
    devices: BTreeSet<&'a str>,
    profile: &'a str,
    protocols: &'a [String],
    recipe: Vec<&'a str>,
    runs: BTreeMap<&'a str, Run<'a>>,
    seeds: &'a [u64],
    setting: Setting,
    study: &'a str,
    versions: BTreeMap<&'a str, BTreeSet<&'a str>>,
}

#[derive(Serialize)]
struct Run<'a> {
    commit: Option<&'a str>,
    data: &'a str,
    device: &'a str,
    dirty: bool,
    parents: &'a [String],
    seed: u64,
    stage: &'a str,
}

/// The text of the file.
pub(crate) fn json(data: &Data) -> Vec<u8> {
    let runs = data.runs.iter().map(|place| {
        let r = &place.record;
        let run = Run {
            commit: r.commit.as_deref(),
            data: &r.data,
            device: &r.device,
            dirty: r.dirty,
            parents: &r.parents,
            seed: place.seed,
            stage: &place.stage,
        };
        (r.key.as_str(), run)
    });
    let versions = all_versions(data);
    let provenance = Provenance {
        command: &data.study.command,
        data: &data.digests,
        deterministic: data.study.deterministic,
        devices: data.runs.iter().map(|place| place.record.device.as_str()).collect(),
        profile: &data.study.profile,
        protocols: &data.study.protocols,
        recipe: versions.get("recipe").into_iter().flatten().copied().collect(),
        runs: runs.collect(),
        seeds: &data.study.seeds,
        setting: data.study.setting,
        study: &data.study.study,
        versions,
    };
    // Maps with text keys and plain values: writing them to memory cannot fail.
    let mut text = serde_json::to_vec_pretty(&provenance).unwrap_or_default();
    text.push(b'\n');
    text
}
