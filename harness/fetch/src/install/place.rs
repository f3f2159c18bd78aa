//! Installs data atomically: made in a temporary folder, counted, hashed, renamed.

use super::InstallError;
use crate::{
    archive,
    fetch::Had,
    holdings::{self, Came, Held, Holding, How, NOTES},
    human,
    manifest::{Manifest, RemoteFile},
};
use harness_record::{RecordError, digest, monitor::Monitor};
use rayon::prelude::*;
use std::{
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
};
use walkdir::WalkDir;

/// A manifest's file on disk.
pub(crate) struct Given<'a> {
    pub(crate) file: &'a RemoteFile,
    pub(crate) had: Had,
}

impl Given<'_> {
    fn came(&self) -> Came {
        Came { file: self.file.file.clone(), from: self.had.from.clone(), seen: self.had.seen.clone() }
    }
}

fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> RecordError {
    let path = path.to_owned();
    move |source| RecordError::Io { action, path, source }
}

/// Installs a manifest's files and records them. The caller holds the manifest's lock.
pub(crate) fn put(
    manifest: &Manifest,
    given: &[Given<'_>],
    how: How,
    data: &Path,
    monitor: &dyn Monitor,
) -> Result<Holding, InstallError> {
    let place = manifest.place(data);
    let came = given.iter().map(Given::came).collect();
    if !manifest.owns_folder() {
        let mut held = Vec::new();
        for Given { file, had } in given {
            copy_whole(&had.path, &place.join(&file.file))?;
            held.push(Held { path: file.file.clone(), bytes: had.seen.bytes, sha256: had.seen.sha256.clone() });
        }
        let holding = Holding::new(manifest, how, came, held);
        holding.write(manifest, data)?;
        return Ok(holding);
    }
    let scratch = data.join(NOTES).join(format!("{}.unpacking", manifest.name));
    remove(&scratch)?; // left by a killed process
    let whole = scratch.join("whole");
    fs::create_dir_all(&whole).map_err(io("make", &whole))?;
    let result = (|| {
        for (i, given) in given.iter().enumerate() {
            bring(given, &scratch.join(i.to_string()), &whole, monitor)?;
        }
        let lacking = manifest.lacks(&whole);
        if !lacking.is_empty() {
            let names: Vec<&str> = given.iter().map(|given| given.file.file.as_str()).collect();
            return Err(InstallError::NotIt { what: names.join(" and "), manifest: manifest.name.clone(), lacking });
        }
        let holding = Holding::new(manifest, how, came, hashed(&whole, &manifest.name, monitor)?);
        move_to(&whole, &place)?;
        holding.write(manifest, data)?;
        Ok(holding)
    })();
    // Leaves nothing incomplete behind. An earlier error is the one to report.
    let removed = remove(&scratch);
    result.and_then(|holding| removed.map(|()| holding).map_err(Into::into))
}

/// Makes a user's folder the place of a manifest's data, by symbolic link or copy. The caller holds the manifest's lock.
pub(crate) fn link(
    manifest: &Manifest,
    folder: &Path,
    copy: bool,
    data: &Path,
    monitor: &dyn Monitor,
) -> Result<Holding, InstallError> {
    let place = manifest.place(data);
    let held = hashed(folder, &manifest.name, monitor)?;
    if copy || !cfg!(unix) {
        let scratch = data.join(NOTES).join(format!("{}.unpacking", manifest.name));
        remove(&scratch)?;
        let result = copy_folder(folder, &held, &scratch, &manifest.name, monitor).and_then(|()| {
            Ok(move_to(&scratch, &place)?) //
        });
        if result.is_err() {
            let _ = remove(&scratch); // the first error is the one to report
        }
        result?;
    } else {
        make_link(folder, &place)?;
    }
    let how = if copy || !cfg!(unix) { How::Copied } else { How::Linked };
    let holding = Holding::new(manifest, how, Vec::new(), held);
    holding.write(manifest, data)?;
    Ok(holding)
}

#[cfg(unix)]
fn make_link(folder: &Path, place: &Path) -> Result<(), RecordError> {
    prepare(place)?;
    std::os::unix::fs::symlink(folder, place).map_err(io("link", place))
}

#[cfg(not(unix))]
fn make_link(_folder: &Path, _place: &Path) -> Result<(), RecordError> {
    Ok(()) // links need a privilege here: `link` copies instead
}

fn copy_folder(from: &Path, files: &[Held], to: &Path, name: &str, monitor: &dyn Monitor) -> Result<(), InstallError> {
    crate::fetch::room(to, files.iter().map(|file| file.bytes).sum())?;
    monitor.begin(&format!("copy {name}"), files.len() as u64);
    for file in files {
        if monitor.stopped() {
            monitor.end();
            return Err(InstallError::Stopped);
        }
        let target = to.join(&file.path);
        let folder = target.parent().unwrap_or(to);
        fs::create_dir_all(folder).map_err(io("make", folder))?;
        fs::copy(from.join(&file.path), &target).map_err(io("copy to", &target))?;
        monitor.advance(1);
    }
    monitor.end();
    Ok(())
}

/// Unpacks an archive, or copies a file, into `whole`.
fn bring(given: &Given<'_>, own: &Path, whole: &Path, monitor: &dyn Monitor) -> Result<(), InstallError> {
    let Some(format) = given.file.unpack else {
        copy_whole(&given.had.path, &whole.join(&given.file.file))?;
        return Ok(());
    };
    monitor.begin(&format!("unpack {}", given.file.file), 1);
    let mut see = |progress: archive::Progress| {
        monitor.advance(0);
        monitor.note(&format!("{} files, {}", progress.files, human(progress.bytes)));
        if monitor.stopped() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let unpacked = archive::unpack(&given.had.path, format, own, &archive::Limits::default(), &mut see);
    monitor.end();
    unpacked?;
    merge(own, whole)
}

/// Moves everything from `from` into `into`. Two archives may share folders, but not files.
fn merge(from: &Path, into: &Path) -> Result<(), InstallError> {
    for entry in fs::read_dir(from).map_err(io("list", from))? {
        let entry = entry.map_err(io("list", from))?;
        let target = into.join(entry.file_name());
        let is_folder = entry.file_type().map_err(io("look at", &entry.path()))?.is_dir();
        if target.is_dir() && is_folder {
            merge(&entry.path(), &target)?;
        } else if fs::symlink_metadata(&target).is_ok() {
            let name = entry.file_name().to_string_lossy().into_owned();
            return Err(InstallError::Import(format!("two archives both contain {name}; one of them is wrong")));
        } else {
            fs::rename(entry.path(), &target).map_err(io("move to", &target))?;
        }
    }
    Ok(())
}

/// All files below a folder, with their digests. Links in it are not followed.
fn hashed(folder: &Path, name: &str, monitor: &dyn Monitor) -> Result<Vec<Held>, InstallError> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in WalkDir::new(folder).follow_root_links(true) {
        let entry = entry.map_err(|error| io("list", folder)(error.into()))?;
        if entry.file_type().is_file() {
            paths.push(entry.into_path());
        }
    }
    monitor.begin(&format!("hash {name}"), paths.len() as u64);
    let hashed: Result<Vec<Option<Held>>, RecordError> = paths
        .par_iter()
        .map(|path| {
            if monitor.stopped() {
                return Ok(None);
            }
            let below = path.strip_prefix(folder).unwrap_or(path);
            let parts: Vec<String> = below.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            let bytes = fs::metadata(path).map_err(io("look at", path))?.len();
            let held = Held { path: parts.join("/"), bytes, sha256: digest::of_file(path)? };
            monitor.advance(1);
            Ok(Some(held))
        })
        .collect();
    monitor.end();
    let hashed = hashed?;
    if hashed.iter().any(Option::is_none) {
        Err(InstallError::Stopped)
    } else {
        Ok(hashed.into_iter().flatten().collect())
    }
}

/// Prepares a name: creates its parent, and removes an empty folder of that name.
fn prepare(place: &Path) -> Result<(), RecordError> {
    if let Some(parent) = place.parent() {
        fs::create_dir_all(parent).map_err(io("make", parent))?;
    }
    if place.is_dir() && !holdings::has_content(place) {
        fs::remove_dir(place).map_err(io("replace", place))?;
    }
    Ok(())
}

fn move_to(whole: &Path, place: &Path) -> Result<(), RecordError> {
    prepare(place)?;
    fs::rename(whole, place).map_err(io("move to", place))
}

/// Copies a file unless it is already there. The copy appears whole or not at all.
fn copy_whole(from: &Path, to: &Path) -> Result<(), RecordError> {
    if from == to {
        return Ok(());
    }
    let folder = to.parent().unwrap_or(to);
    fs::create_dir_all(folder).map_err(io("make", folder))?;
    let part = to.with_file_name(format!(".{}.copying", to.file_name().unwrap_or_default().to_string_lossy()));
    let copied =
        fs::copy(from, &part).and_then(|_| fs::File::open(&part)?.sync_all()).and_then(|()| fs::rename(&part, to));
    if copied.is_err() {
        let _ = fs::remove_file(&part); // the first error is the one to report
    }
    copied.map_err(io("copy to", to))
}

/// Removes the unpacked archives.
pub(super) fn clear_downloads(manifest: &Manifest, data: &Path) -> Result<(), RecordError> {
    for file in manifest.files() {
        let path = manifest.place_of(file, data);
        if path.is_file() {
            fs::remove_file(&path).map_err(io("remove", &path))?;
        }
    }
    // The folders stay if a user put something else there.
    let own = manifest.downloads(data);
    for folder in own.ancestors().take(2) {
        let _ = fs::remove_dir(folder);
    }
    Ok(())
}

fn remove(folder: &Path) -> Result<(), RecordError> {
    match fs::remove_dir_all(folder) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(io("remove", folder)(source)),
        _ => Ok(()),
    }
}
