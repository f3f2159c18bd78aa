//! `data list`: what there is, what of it is here, its licence.

use super::dataset;
use crate::{
    commands::{say, say_json, table},
    failure::{Failure, Outcome},
    manifests::{Invalid, Manifests},
    spec::diagnosis::Diagnosis,
};
use harness_data::{
    holdings::{self, State},
    human, install,
    manifest::{Manifest, Origin},
};
use harness_learn::datasets::{self, DataError};
use serde::Serialize;
use std::path::Path;

/// The state of what has an invalid manifest, or a part that has one.
const INVALID: &str = "invalid";

#[derive(Serialize)]
struct Row {
    name: String,
    title: String,
    state: String,
    /// What is wrong, where something is.
    problems: Vec<String>,
    bytes_on_disk: u64,
    /// Bytes that a fetch would still bring; none where that is not known.
    bytes_to_fetch: Option<u64>,
    folder: Option<String>,
    licence: String,
}

pub(super) fn run(manifests: &Manifests, data: &Path, as_json: bool) -> Outcome {
    let sound = manifests.catalogue().all().iter();
    let mut rows: Vec<Row> = sound.map(|manifest| row(manifest, manifests, data)).collect::<Outcome<_>>()?;
    rows.extend(manifests.invalid().iter().map(invalid));
    rows.sort_by(|a, b| a.name.cmp(&b.name));
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

fn row(manifest: &Manifest, manifests: &Manifests, data: &Path) -> Outcome<Row> {
    let (state, problems) = state_of(manifest, manifests, data)?;
    // What an invalid part would bring is not known.
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

/// Of a manifest that cannot be read no more is known than what is wrong with it.
fn invalid(manifest: &Invalid) -> Row {
    Row {
        name: manifest.name.clone(),
        title: manifest.name.clone(),
        state: INVALID.to_owned(),
        problems: manifest.lines(),
        bytes_on_disk: 0,
        bytes_to_fetch: None,
        folder: None,
        licence: "not known".to_owned(),
    }
}

/// That a data set is in a pack, and at which sizes; `None` if it is in none.
fn packed(manifest: &Manifest, data: &Path) -> Result<Option<String>, DataError> {
    let Ok(spec) = dataset::of_manifest(manifest) else { return Ok(None) }; // weights are in no pack
    let mut sizes = Vec::new();
    for folder in spec.folders() {
        sizes.extend(datasets::packed_sizes(data, folder)?);
    }
    let sizes: Vec<String> = sizes.iter().map(|size| format!("{size} px")).collect();
    Ok((!sizes.is_empty()).then(|| format!("packed, {}", sizes.join(" and "))))
}

/// The state of a manifest's data in words, and what is wrong with them. A composed one is as ready as its parts.
pub(crate) fn state_of(manifest: &Manifest, manifests: &Manifests, data: &Path) -> Outcome<(String, Vec<String>)> {
    if !matches!(manifest.origin, Origin::Composed(_)) {
        let state = holdings::state(manifest, data)?;
        if state.is_absent() {
            match packed(manifest, data) {
                Ok(None) => {}
                Ok(Some(packed)) => return Ok((packed, Vec::new())),
                // What a pack that cannot be read holds is not known.
                Err(error) => return Ok((state.name().to_owned(), vec![error.to_string()])),
            }
        }
        let name = state.name().to_owned();
        return Ok(match state {
            State::Incomplete(why) | State::Changed(why) => (name, why),
            _ => (name, Vec::new()),
        });
    }
    let leaves = match manifests.leaves(manifest) {
        Err(Failure::Spec(problems)) => {
            return Ok((INVALID.to_owned(), problems.all().iter().map(Diagnosis::line).collect()));
        }
        leaves => leaves?,
    };
    let mut ready = 0;
    for leaf in &leaves {
        ready += usize::from(holdings::state(leaf, data)?.is_ready());
    }
    let state = match ready {
        0 => "missing".to_owned(),
        all if all == leaves.len() => "ready".to_owned(),
        some => format!("{some} of {} parts", leaves.len()),
    };
    Ok((state, Vec::new()))
}
