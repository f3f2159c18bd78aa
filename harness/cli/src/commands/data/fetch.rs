//! `data fetch`: downloads into the data folder.

use crate::{
    cli::DataFetch,
    failure::Outcome,
    fetching,
    manifests::Manifests,
    output::{count, say, say_json},
    progress::Progress,
};
use harness_fetch::{
    human,
    manifest::{Manifest, Origin},
};
use serde_json::json;
use std::path::Path;

pub(super) fn run(options: &DataFetch, manifests: &Manifests, data: &Path, progress: &Progress) -> Outcome {
    let catalogue = manifests.catalogue();
    let named: Vec<&Manifest> = if options.all {
        manifests.none_invalid()?;
        let fetched = |m: &&Manifest| matches!(m.origin, Origin::Download(_) | Origin::OneOf(_));
        catalogue.all().iter().filter(fetched).collect()
    } else {
        options.names.iter().map(|name| manifests.named(name)).collect::<Outcome<_>>()?
    };
    let mut wanted: Vec<&Manifest> = Vec::new();
    for manifest in named {
        for leaf in manifests.leaves(manifest)? {
            if !wanted.contains(&leaf) {
                wanted.push(leaf);
            }
        }
    }
    let brought = fetching::install(&wanted, data, options.offline, options.keep, progress)?;
    let mut told = Vec::new();
    for manifest in wanted {
        let holding = brought.iter().find(|holding| holding.manifest == manifest.name);
        if options.json {
            let came = holding.map(|holding| &holding.came);
            told.push(json!({
                "name": manifest.name, "fetched": holding.is_some(), "folder": manifest.place(data), "files": came,
            }));
            continue;
        }
        match (holding, &manifest.origin) {
            (None, Origin::BuiltIn) => say(&format!("{}: built in, nothing to fetch", manifest.name))?,
            (None, _) => say(&format!("{}: ready in {}", manifest.name, manifest.place(data).display()))?,
            (Some(holding), _) => {
                let bytes = holding.files.iter().map(|file| file.bytes).sum();
                let files = count(holding.files.len(), "file");
                let place = manifest.place(data);
                say(&format!("{}: fetched, {files}, {} in {}", manifest.name, human(bytes), place.display()))?;
                fetching::unverified(manifest, holding).iter().try_for_each(|line| say(line))?;
            }
        }
    }
    if options.json { say_json(&told) } else { Ok(()) }
}
