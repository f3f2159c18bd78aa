//! `data verify`: hashes everything again, and writes digests that a manifest lacks into it.

use crate::{
    cli::DataVerify,
    failure::{Failure, Outcome},
    manifests::{self, Manifests},
    output::{count, say, say_json},
    progress::Progress,
};
use harness_fetch::{
    digests,
    holdings::{self, Holding, State, Verified},
    human,
    manifest::{Manifest, Origin, RemoteFile},
};
use serde_json::json;
use std::path::Path;

pub(super) fn run(
    options: &DataVerify,
    manifests: &Manifests,
    folder: &Path,
    data: &Path,
    progress: &Progress,
) -> Outcome {
    let (mut told, mut wrong) = (Vec::new(), Vec::new());
    if options.names.is_empty() {
        manifests.tell_invalid(progress);
    }
    for manifest in chosen(options, manifests, data)? {
        let verified = holdings::verify(manifest, data, progress)?;
        if verified.stopped {
            return Err(Failure::Interrupted);
        }
        let pinned =
            if options.record && verified.wrong.is_empty() { record(manifest, folder, data)? } else { Vec::new() };
        if options.json {
            let held = verified.held_against;
            told.push(json!({
                "name": manifest.name, "files": verified.files, "bytes": verified.bytes, "held_against_digests": held,
                "wrong": verified.wrong, "recorded": pinned,
            }));
        } else {
            say(&line(manifest, &verified))?;
            pinned.iter().try_for_each(|line| say(line))?;
        }
        wrong.extend(verified.wrong.into_iter().map(|why| format!("{}: {why}", manifest.name)));
    }
    if options.json {
        say_json(&told)?;
    } else if options.names.is_empty() && wrong.is_empty() && chosen(options, manifests, data)?.is_empty() {
        say(&format!("no data in {}", data.display()))?;
    }
    if wrong.is_empty() {
        return Ok(());
    }
    let shown: Vec<&String> = wrong.iter().take(20).collect();
    let more = wrong.len().saturating_sub(shown.len());
    let rest = if more > 0 { format!("\nand {more} more") } else { String::new() };
    let list = shown.into_iter().cloned().collect::<Vec<_>>().join("\n");
    Err(Failure::data(format!(
        "{} not as recorded:\n{list}{rest}\nmove the folder away and fetch or import it again",
        count(wrong.len(), "file")
    )))
}

/// The manifests that are named; without names, those of all data that are there.
fn chosen<'a>(options: &DataVerify, manifests: &'a Manifests, data: &Path) -> Outcome<Vec<&'a Manifest>> {
    let catalogue = manifests.catalogue();
    let mut chosen: Vec<&Manifest> = Vec::new();
    let named: Vec<&Manifest> = if options.names.is_empty() {
        catalogue.all().iter().collect()
    } else {
        options.names.iter().map(|name| manifests.named(name)).collect::<Outcome<_>>()?
    };
    let mut leaves = Vec::new();
    for manifest in named {
        // Without names, everything is verified as far as possible.
        leaves.extend(if options.names.is_empty() {
            catalogue.leaves(manifest)
        } else {
            manifests.leaves(manifest)?
        });
    }
    for manifest in leaves {
        let state = holdings::state(manifest, data)?;
        if state == State::BuiltIn || chosen.contains(&manifest) {
            continue;
        }
        if state.is_absent() {
            if options.names.is_empty() {
                continue;
            }
            return Err(Failure::data(harness_fetch::install::missing(manifest, data, "cannot be verified")));
        }
        chosen.push(manifest);
    }
    Ok(chosen)
}

fn line(manifest: &Manifest, verified: &Verified) -> String {
    let Verified { files, bytes, wrong, held_against, .. } = verified;
    let name = &manifest.name;
    match (wrong.len(), held_against) {
        (0, true) => format!("{name}: {}, {}: all unchanged", count(*files as usize, "file"), human(*bytes)),
        (0, false) => format!(
            "{name}: the number of files is right; it was put there by hand, so there are no digests to compare"
        ),
        (wrong, _) => format!("{name}: {wrong} of {} wrong", count(*files as usize, "file")),
    }
}

/// Writes the digests that the manifest does not know in full into it, and returns lines that say which.
fn record(manifest: &Manifest, folder: &Path, data: &Path) -> Outcome<Vec<String>> {
    let holding = Holding::read(manifest, data)?;
    let mut told = Vec::new();
    for (number, file) in manifest.files().iter().enumerate() {
        let known = file.sha256.as_ref().is_none_or(|digest| digest.len() == 64);
        if known {
            continue;
        }
        let Some(sha256) = seen(manifest, file, holding.as_ref(), data)? else {
            if !matches!(manifest.origin, Origin::OneOf(_)) {
                told.push(format!(
                    "{}: not recorded: only its unpacked files are here, not the file itself",
                    file.file
                ));
            }
            continue;
        };
        manifests::pin::pin(folder, manifest, number, &sha256)?;
        told.push(format!("{}: recorded SHA-256 {sha256} in {}/{}.yaml", file.file, manifests::FOLDER, manifest.name));
    }
    Ok(told)
}

/// The SHA-256 of a file as it was seen here; `None` if the file was not seen.
fn seen(manifest: &Manifest, file: &RemoteFile, holding: Option<&Holding>, data: &Path) -> Outcome<Option<String>> {
    let came = holding.and_then(|holding| holding.came.iter().find(|came| came.file == file.file));
    let path = manifest.place(data).join(&file.file);
    Ok(match came {
        Some(came) => Some(came.seen.sha256.clone()),
        None if !manifest.owns_folder() && path.is_file() => Some(digests::of_file(&path)?.sha256),
        None => None,
    })
}
