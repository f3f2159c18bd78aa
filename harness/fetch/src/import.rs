//! Imports a user's data: a folder, an archive, or a folder of archives. The user's files are never moved or changed.

use crate::{
    digests,
    fetch::Had,
    holdings::{self, Holding, How, State},
    install::{Given, InstallError, link, put},
    manifest::{Catalogue, Manifest, Origin, RemoteFile},
};
use harness_record::monitor::Monitor;
use std::path::{Path, PathBuf};

/// The options of an import.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// The data folder.
    pub data: &'a Path,
    /// The manifest. If absent, it is detected by layout and digests.
    pub name: Option<&'a str>,
    /// True to copy a folder, instead of making a symbolic link.
    pub copy: bool,
}

/// Imports `from`.
pub fn import(
    catalogue: &Catalogue,
    from: &Path,
    options: &Options<'_>,
    monitor: &dyn Monitor,
) -> Result<Holding, InstallError> {
    let from = from.canonicalize().map_err(|source| harness_record::RecordError::Io {
        action: "find",
        path: from.to_owned(),
        source,
    })?;
    let candidates: Vec<&Manifest> = match options.name {
        Some(name) => catalogue.get(name).into_iter().collect(),
        None => catalogue.all().iter().collect(),
    };
    let stored = |manifest: &&Manifest| !matches!(manifest.origin, Origin::BuiltIn | Origin::Composed(_));
    let candidates: Vec<&Manifest> = candidates.into_iter().filter(stored).collect();
    if candidates.is_empty() {
        return Err(InstallError::Import("these data need no files, so there is nothing to import".to_owned()));
    }
    let found = find(&candidates, &from, options)?;
    let manifest = found.manifest();
    let _lock = holdings::lock(manifest, options.data, monitor)?.ok_or(InstallError::Stopped)?;
    vacant(manifest, options.data)?;
    match found {
        Found::Folder(manifest) => link(manifest, &from, options.copy, options.data, monitor),
        Found::Files(manifest, given) => put(manifest, &given, How::Copied, options.data, monitor),
    }
}

/// The kind of a user's folder or file.
enum Found<'a> {
    Folder(&'a Manifest),
    Files(&'a Manifest, Vec<Given<'a>>),
}

impl<'a> Found<'a> {
    fn manifest(&self) -> &'a Manifest {
        match self {
            Self::Folder(manifest) | Self::Files(manifest, _) => manifest,
        }
    }
}

fn find<'a>(candidates: &[&'a Manifest], from: &Path, options: &Options<'_>) -> Result<Found<'a>, InstallError> {
    if from.is_dir()
        && let Some(manifest) = by_layout(candidates, from)?
    {
        return Ok(Found::Folder(manifest));
    }
    let folder = if from.is_dir() { from } else { from.parent().unwrap_or(from) };
    let only = if from.is_dir() { None } else { Some(from) };
    let mut refused = Vec::new();
    for manifest in candidates {
        match by_files(manifest, folder, only)? {
            Matched::All(given) => return Ok(Found::Files(manifest, given)),
            Matched::Not(why) => refused.extend(why),
            Matched::No => {}
        }
    }
    Err(unknown(candidates, from, options, &refused))
}

/// The manifest whose expectations a folder meets; of several, the one with the most expectations.
fn by_layout<'a>(candidates: &[&'a Manifest], folder: &Path) -> Result<Option<&'a Manifest>, InstallError> {
    let meets = |manifest: &&&Manifest| {
        let asks = manifest.owns_folder() && !manifest.expect.is_empty();
        asks && manifest.lacks(folder).is_empty()
    };
    let weight = |manifest: &Manifest| -> u64 { manifest.expect.iter().map(crate::manifest::Expected::weight).sum() };
    let fitting: Vec<&Manifest> = candidates.iter().filter(meets).copied().collect();
    let Some(most) = fitting.iter().map(|manifest| weight(manifest)).max() else { return Ok(None) };
    let best: Vec<&Manifest> = fitting.into_iter().filter(|manifest| weight(manifest) == most).collect();
    match best.as_slice() {
        [one] => Ok(Some(one)),
        several => {
            let names: Vec<&str> = several.iter().map(|manifest| manifest.name.as_str()).collect();
            let text = format!("{} fits {}: choose one with --name", folder.display(), names.join(" and "));
            Err(InstallError::Import(text))
        }
    }
}

/// The match between a folder and a manifest's files.
enum Matched<'a> {
    All(Vec<Given<'a>>),
    /// A partial match, or other digests; the reason why that is not enough.
    Not(Vec<String>),
    No,
}

fn by_files<'a>(manifest: &'a Manifest, folder: &Path, only: Option<&Path>) -> Result<Matched<'a>, InstallError> {
    let files = manifest.files();
    let any = !manifest.owns_folder();
    let path = |file: &RemoteFile| match only {
        // If only one file is needed, it may have any name; its digest identifies it.
        Some(only) if files.len() == 1 || any => only.to_owned(),
        _ => folder.join(&file.file),
    };
    let paths: Vec<PathBuf> = files.iter().map(path).collect();
    let named = only.is_none_or(|only| paths.iter().any(|path| path == only));
    if files.is_empty() || !named || !paths.iter().any(|path| path.is_file()) {
        return Ok(Matched::No);
    }
    let (mut given, mut why) = (Vec::new(), Vec::new());
    for (file, path) in files.iter().zip(paths) {
        if !path.is_file() {
            why.push(format!("{}: {} is not in the same folder", manifest.name, file.file));
            continue;
        }
        let same_name = path.file_name().is_some_and(|name| name.to_string_lossy() == file.file.as_str());
        let sized = file.size.is_none_or(|size| path.metadata().is_ok_and(|about| about.len() == size));
        if !sized && !same_name {
            continue;
        }
        let seen = digests::of_file(&path)?;
        match file.refuses(&seen) {
            Some(reason) if same_name => why.push(format!("{}: {}: {reason}", manifest.name, file.file)),
            None if same_name || file.is_verified() => {
                let from = path.display().to_string();
                given.push(Given { file, had: Had { path, from, seen } });
            }
            _ => {}
        }
    }
    if any {
        given.truncate(1);
    }
    Ok(match given.len() {
        n if n == files.len() || (any && n > 0) => Matched::All(given),
        _ => Matched::Not(why),
    })
}

/// Fails if the place is taken: nothing is overwritten.
fn vacant(manifest: &Manifest, data: &Path) -> Result<(), InstallError> {
    let why = match holdings::state(manifest, data)? {
        State::Missing | State::Begun(_) | State::BuiltIn => return Ok(()),
        State::Ready | State::ByHand => vec!["it is complete already".to_owned()],
        State::Incomplete(why) | State::Changed(why) => why,
    };
    Err(InstallError::InTheWay { place: manifest.place(data), why })
}

fn unknown(candidates: &[&Manifest], from: &Path, options: &Options<'_>, refused: &[String]) -> InstallError {
    if !refused.is_empty() {
        return InstallError::Import(format!("{} cannot be imported:\n{}", from.display(), refused.join("\n")));
    }
    let (what, lacking) = match (options.name, candidates) {
        (Some(_), [manifest]) if from.is_dir() => (manifest.name.clone(), manifest.lacks(from)),
        (Some(name), _) => (name.to_owned(), vec!["none of its files is there".to_owned()]),
        (None, _) => {
            let names: Vec<&str> = candidates.iter().map(|manifest| manifest.name.as_str()).collect();
            let text = format!(
                "{} has neither the layout nor an archive of any of {}. `harness data import DIR --name NAME` says \
                 what is missing",
                from.display(),
                names.join(", ")
            );
            return InstallError::Import(text);
        }
    };
    InstallError::NotIt { what: from.display().to_string(), manifest: what, lacking }
}
