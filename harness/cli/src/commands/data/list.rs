//! `data list`: lists the known data, what of them is here, and their licences.

use super::dataset;
use crate::{
    failure::{Failure, Outcome},
    manifests::Manifests,
    output::{say, say_json, table},
};
use harness_fetch::{
    holdings::{self, State},
    human, install,
    manifest::{Manifest, Origin},
};
use harness_images::datasets;
use harness_study::spec::diagnosis::Diagnosis;
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// The state of data whose manifest is invalid, or that have a part with an invalid manifest.
const INVALID: &str = "invalid";

#[derive(Serialize)]
struct Row {
    name: String,
    title: String,
    state: String,
    /// The problems found; empty if there are none.
    problems: Vec<String>,
    bytes_on_disk: u64,
    /// Bytes that are still to be fetched; `None` if unknown.
    bytes_to_fetch: Option<u64>,
    folder: Option<String>,
    licence: String,
}

pub(super) fn run(manifests: &Manifests, data: &Path, as_json: bool) -> Outcome {
    let here = Here::look(manifests, data);
    let sound = manifests.catalogue().all().iter();
    let mut rows: Vec<Row> = sound.map(|manifest| row(manifest, &here)).collect::<Outcome<_>>()?;
    rows.extend(manifests.invalid().iter().map(|invalid| unreadable(&invalid.name, INVALID, invalid.lines())));
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    rows.extend(here.damage.iter().map(|damage| unreadable("packs", "damaged", vec![damage.clone()])));
    if as_json {
        return say_json(&rows);
    }
    let mut cells = vec![["name", "state", "on disk", "to fetch", "licence"].map(str::to_owned).to_vec()];
    cells.extend(rows.iter().map(|row| {
        let size = |bytes: u64| if bytes == 0 { "-".to_owned() } else { human(bytes) };
        let fetch = row.bytes_to_fetch.map_or("not known".to_owned(), size);
        vec![row.name.clone(), row.state.clone(), size(row.bytes_on_disk), fetch, row.licence.clone()]
    }));
    say(&table(&cells))?;
    for row in rows {
        for problem in row.problems.iter().take(5) {
            say(&format!("{}: {problem}", row.name))?;
        }
    }
    Ok(())
}

fn row(manifest: &Manifest, here: &Here<'_>) -> Outcome<Row> {
    let Here { manifests, data, .. } = here;
    let (state, problems) = here.state_of(manifest)?;
    // The size of an invalid part is unknown.
    let whole = manifests.leaves(manifest).is_ok();
    let (mut bytes_on_disk, mut to_fetch) = (0, whole.then_some(0));
    for leaf in manifests.catalogue().leaves(manifest) {
        bytes_on_disk += holdings::size(leaf, data);
        let (bytes, known) = install::needed(leaf, data)?;
        to_fetch = to_fetch.filter(|_| known).map(|sum| sum + bytes);
    }
    let stored = !matches!(manifest.origin, Origin::BuiltIn | Origin::Composed(_));
    Ok(Row {
        name: manifest.name.clone(),
        title: manifest.title.clone(),
        state,
        problems,
        bytes_on_disk,
        bytes_to_fetch: to_fetch,
        folder: stored.then(|| manifest.place(data).display().to_string()),
        licence: manifest.licence.clone(),
    })
}

/// The row of a manifest that cannot be read: only its problems are known.
fn unreadable(name: &str, state: &str, problems: Vec<String>) -> Row {
    Row {
        name: name.to_owned(),
        title: name.to_owned(),
        state: state.to_owned(),
        problems,
        bytes_on_disk: 0,
        bytes_to_fetch: None,
        folder: None,
        licence: "not known".to_owned(),
    }
}

/// The data that are here.
pub(crate) struct Here<'a> {
    manifests: &'a Manifests,
    data: &'a Path,
    /// The folders that lie in packs, each with the picture sizes packed there.
    packed: BTreeMap<String, Vec<u32>>,
    /// The reason why packs cannot be read, if they cannot; their content is then unknown.
    pub(crate) damage: Option<String>,
}

impl<'a> Here<'a> {
    pub(crate) fn look(manifests: &'a Manifests, data: &'a Path) -> Self {
        let (packed, damage) = match datasets::packed(data) {
            Ok(packed) => (packed, None),
            Err(error) => (BTreeMap::new(), Some(error.to_string())),
        };
        Self { manifests, data, packed, damage }
    }

    /// The sizes at which a data set is packed, in words; `None` if it is not packed, or not completely.
    fn packed(&self, manifest: &Manifest) -> Option<String> {
        let spec = dataset::of_manifest(manifest).ok()?; // weights are in no pack
        let sizes: Option<Vec<&Vec<u32>>> = spec.folders().into_iter().map(|folder| self.packed.get(folder)).collect();
        let sizes: BTreeSet<u32> = sizes?.into_iter().flatten().copied().collect();
        let sizes: Vec<String> = sizes.iter().map(|size| format!("{size} px")).collect();
        (!sizes.is_empty()).then(|| format!("packed, {}", sizes.join(" and ")))
    }

    /// The state of a manifest's data in words, and the problems with them. A composed data set is as ready as its
    /// parts.
    pub(crate) fn state_of(&self, manifest: &Manifest) -> Outcome<(String, Vec<String>)> {
        if !matches!(manifest.origin, Origin::Composed(_)) {
            let state = holdings::state(manifest, self.data)?;
            if let (true, Some(packed)) = (state.is_absent(), self.packed(manifest)) {
                return Ok((packed, Vec::new()));
            }
            let name = state.name().to_owned();
            return Ok(match state {
                State::Incomplete(why) | State::Changed(why) => (name, why),
                _ => (name, Vec::new()),
            });
        }
        let leaves = match self.manifests.leaves(manifest) {
            Err(Failure::Spec(problems)) => {
                return Ok((INVALID.to_owned(), problems.all().iter().map(Diagnosis::line).collect()));
            }
            leaves => leaves?,
        };
        let mut ready = 0;
        for leaf in &leaves {
            let state = holdings::state(leaf, self.data)?;
            ready += usize::from(state.is_ready() || (state.is_absent() && self.packed(leaf).is_some()));
        }
        let state = match ready {
            0 => "missing".to_owned(),
            all if all == leaves.len() => "ready".to_owned(),
            some => format!("{some} of {} parts", leaves.len()),
        };
        Ok((state, Vec::new()))
    }
}
