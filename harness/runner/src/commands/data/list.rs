//! `data list`: what there is, what of it is here, its licence.

use crate::{
    commands::{say, say_json, table},
    failure::Outcome,
    manifests::Manifests,
};
use harness_data::{
    holdings::{self, State},
    human, install,
    manifest::{Catalogue, Manifest, Origin},
};
use serde::Serialize;
use std::path::Path;

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
    let catalogue = manifests.catalogue();
    let rows: Vec<Row> =
        catalogue.all().iter().map(|manifest| row(manifest, catalogue, data)).collect::<Outcome<_>>()?;
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

fn row(manifest: &Manifest, catalogue: &Catalogue, data: &Path) -> Outcome<Row> {
    let (state, problems) = state_of(manifest, catalogue, data)?;
    let (mut bytes_on_disk, mut to_fetch) = (0, Some(0));
    for leaf in catalogue.leaves(manifest) {
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

/// The state of a manifest's data in words, and what is wrong with them. A composed one is as ready as its parts.
pub(crate) fn state_of(manifest: &Manifest, catalogue: &Catalogue, data: &Path) -> Outcome<(String, Vec<String>)> {
    if !matches!(manifest.origin, Origin::Composed(_)) {
        let state = holdings::state(manifest, data)?;
        let name = state.name().to_owned();
        return Ok(match state {
            State::Incomplete(why) | State::Changed(why) => (name, why),
            _ => (name, Vec::new()),
        });
    }
    let leaves = catalogue.leaves(manifest);
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
