//! Installs data that a study can read: fetches what is missing, unpacks, counts and hashes the files, and moves them
//! into place atomically.

mod error;
mod missing;
mod place;
#[cfg(test)]
mod tests;

pub use error::InstallError;
pub use missing::{by_hand, missing};
pub(crate) use place::{Given, link, put};

use crate::{
    digests,
    fetch::{self, FetchError, Had, Job, Network},
    holdings::{self, Holding, How, State},
    manifest::{Manifest, Origin, RemoteFile},
};
use harness_record::{RecordError, files::Lock, monitor::Monitor};
use std::{path::Path, sync::Arc};

/// The options of a fetch.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// The data folder.
    pub data: &'a Path,
    /// The network, or the reason not to use it: `nothing may be fetched (--offline)`.
    pub network: Result<&'a Arc<Network>, &'a str>,
    /// True to keep archives after unpacking.
    pub keep: bool,
}

/// The number of bytes that fetching `manifest` would transfer, 0 if it is installed; and true if all sizes are known.
pub fn needed(manifest: &Manifest, data: &Path) -> Result<(u64, bool), RecordError> {
    let have = match holdings::state(manifest, data)? {
        State::Missing => 0,
        State::Begun(bytes) => bytes,
        _ => return Ok((0, true)),
    };
    let (bytes, known) = manifest.bytes();
    Ok((bytes.saturating_sub(have), known))
}

/// A manifest whose data are being installed.
struct Wanted<'a> {
    manifest: &'a Manifest,
    /// Files that are ready, each with its index in the manifest.
    ready: Vec<(usize, Had)>,
    /// Files still to be fetched.
    open: Vec<usize>,
    failures: Vec<String>,
}

/// Ensures that the data of all `manifests` are installed. Returns the new records; existing data are left alone.
pub fn install(
    manifests: &[&Manifest],
    options: &Options<'_>,
    monitor: &dyn Monitor,
) -> Result<Vec<Holding>, InstallError> {
    let mut sorted: Vec<&Manifest> = manifests.to_vec();
    sorted.sort_by(|a, b| a.name.cmp(&b.name)); // the order ensures that two processes never wait for each other
    sorted.dedup_by(|a, b| a.name == b.name);
    let mut absent = Vec::new();
    for manifest in sorted {
        match holdings::state(manifest, options.data)? {
            state if state.is_absent() => absent.push(manifest),
            State::Incomplete(why) | State::Changed(why) => {
                return Err(InstallError::InTheWay { place: manifest.place(options.data), why });
            }
            _ => {}
        }
    }
    refuse_what_cannot_come(&absent, options)?;
    let (mut wanted, mut locks): (Vec<Wanted<'_>>, Vec<Lock>) = (Vec::new(), Vec::new());
    for manifest in absent {
        locks.push(holdings::lock(manifest, options.data, monitor)?.ok_or(InstallError::Stopped)?);
        // Another process may have installed it in the meantime.
        if holdings::state(manifest, options.data)?.is_absent() {
            wanted.push(look(manifest, options.data)?);
        }
    }
    fetch_all(&mut wanted, options, monitor)?;
    let mut holdings = Vec::new();
    for wanted in wanted {
        holdings.push(finish(wanted, options, monitor)?);
    }
    Ok(holdings)
}

/// If there is no network, or no network has the data, fails at once with instructions, before creating any lock or
/// folder.
fn refuse_what_cannot_come(absent: &[&Manifest], options: &Options<'_>) -> Result<(), InstallError> {
    let mut texts = Vec::new();
    for manifest in absent {
        let there = |file: &RemoteFile| manifest.place_of(file, options.data).is_file();
        let complete = matches!(manifest.origin, Origin::Download(_)) && manifest.files().iter().all(there);
        match options.network {
            _ if matches!(manifest.origin, Origin::Local(_)) => {
                texts.push(missing(manifest, options.data, "cannot be fetched"));
            }
            Err(why) if !complete => texts.push(missing(manifest, options.data, why)),
            _ => {}
        }
    }
    if texts.is_empty() { Ok(()) } else { Err(InstallError::Missing(texts.join("\n\n"))) }
}

/// Finds the files that are already there, whole and right.
fn look<'a>(manifest: &'a Manifest, data: &Path) -> Result<Wanted<'a>, InstallError> {
    let mut wanted = Wanted { manifest, ready: Vec::new(), open: Vec::new(), failures: Vec::new() };
    for (i, file) in manifest.files().iter().enumerate() {
        let path = manifest.place_of(file, data);
        if !path.is_file() {
            wanted.open.push(i);
            continue;
        }
        let seen = digests::of_file(&path)?;
        if let Some(why) = file.refuses(&seen) {
            return Err(InstallError::Wrong { path, why });
        }
        wanted.ready.push((i, Had { from: path.display().to_string(), path, seen }));
    }
    Ok(wanted)
}

/// Fetches the missing files: all of them if all are needed, or alternatives one after another until one arrives.
fn fetch_all(all: &mut [Wanted<'_>], options: &Options<'_>, monitor: &dyn Monitor) -> Result<(), InstallError> {
    loop {
        let mut jobs: Vec<(usize, usize)> = Vec::new();
        for (w, wanted) in all.iter_mut().enumerate() {
            match wanted.manifest.origin {
                Origin::OneOf(_) if wanted.ready.is_empty() && !wanted.open.is_empty() => {
                    jobs.push((w, wanted.open.remove(0)));
                }
                Origin::Download(_) => jobs.extend(std::mem::take(&mut wanted.open).into_iter().map(|i| (w, i))),
                _ => {}
            }
        }
        if jobs.is_empty() {
            return Ok(());
        }
        let network = options.network.map_err(|why| InstallError::Missing(why.to_owned()))?;
        let fetched = fetch_some(all, &jobs, options.data, network, monitor)?;
        for ((w, i), result) in jobs.into_iter().zip(fetched) {
            match result {
                Ok(had) => all[w].ready.push((i, had)),
                Err(error @ FetchError::NoSource { .. }) => all[w].failures.push(error.to_string()),
                Err(FetchError::Stopped) => return Err(InstallError::Stopped),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn fetch_some(
    all: &[Wanted<'_>],
    jobs: &[(usize, usize)],
    data: &Path,
    network: &Arc<Network>,
    monitor: &dyn Monitor,
) -> Result<Vec<Result<Had, FetchError>>, InstallError> {
    let file = |(w, i): &(usize, usize)| &all[*w].manifest.files()[*i];
    let list = jobs.iter().map(|job| Job::new(file(job), all[job.0].manifest.place_of(file(job), data)));
    let list: Vec<Job> = list.collect();
    let room = |job: &Job| {
        let size = job.file.size.unwrap_or(0);
        // Photographs hardly compress: unpacked, they take about as much room as the archive.
        let unpacked = if job.file.unpack.is_some() { size + size / 5 } else { 0 };
        size.saturating_sub(job.begun()) + unpacked
    };
    fetch::room(data, list.iter().map(room).sum())?;
    let mut names: Vec<&str> = jobs.iter().map(|(w, _)| all[*w].manifest.name.as_str()).collect();
    names.dedup();
    match fetch::all(list, &names.join(", "), network, monitor) {
        Err(FetchError::Stopped) => Err(InstallError::Stopped),
        result => Ok(result?),
    }
}

/// Installs the fetched files.
fn finish(wanted: Wanted<'_>, options: &Options<'_>, monitor: &dyn Monitor) -> Result<Holding, InstallError> {
    let Wanted { manifest, ready, failures, .. } = wanted;
    let enough = match manifest.origin {
        Origin::OneOf(_) => !ready.is_empty(),
        _ => ready.len() == manifest.files().len(),
    };
    if !enough {
        let why = format!("cannot be fetched:\n{}", failures.join("\n"));
        return Err(InstallError::Missing(missing(manifest, options.data, &why)));
    }
    let given: Vec<Given<'_>> =
        ready.iter().map(|(i, had)| Given { file: &manifest.files()[*i], had: had.clone() }).collect();
    let holding = put(manifest, &given, How::Fetched, options.data, monitor)?;
    if manifest.owns_folder() && !options.keep {
        place::clear_downloads(manifest, options.data)?;
    }
    Ok(holding)
}
