//! Fetches one file of the hub at a pinned commit: from the hub's cache on this machine, or over the network and into that
//! cache.

use super::{
    Job,
    hub::Hub,
    meter::Meter,
    network::Network,
    part::{Part, Whole},
    transfer,
    trouble::Trouble,
};
use crate::{
    digests::{Seen, Sums},
    manifest::{HubFile, RemoteFile},
};
use harness_record::RecordError;
use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::Path,
};

/// Brings the file of `job` to its place.
pub(super) fn transfer(job: &Job, source: &HubFile, network: &Network, meter: &Meter) -> Result<Seen, Trouble> {
    let (hub, cached): (&Hub, _) = (&network.hub, network.hub.cached(source));
    let url = hub.address(source);
    if cached.is_file() {
        match copy(job, &cached, &url, meter) {
            // The file in the cache is damaged; the hub has an intact one.
            Err(Trouble::Wrong { why, .. }) => meter.say(format!("{}: {why}", cached.display())),
            ended => return ended,
        }
    }
    let seen = transfer::transfer(job, &url, Some(hub), network, meter)?;
    // A cache that cannot be written is no reason to fail: the file is in place.
    let _ = keep(&job.target, &cached);
    Ok(seen)
}

/// Copies the file from the cache to its place, whole or not at all.
fn copy(job: &Job, cached: &Path, url: &str, meter: &Meter) -> Result<Seen, Trouble> {
    let part = Part::of(&job.target);
    let read = |source| RecordError::Io { action: "read", path: cached.to_owned(), source };
    let mut from = File::open(cached).map_err(read)?;
    let mut to = part.begin(&Whole { url: url.to_owned(), ..Whole::default() })?;
    let (mut sums, mut buffer) = (Sums::default(), vec![0; 1 << 16]);
    loop {
        let n = from.read(&mut buffer).map_err(read)?;
        if n == 0 {
            break;
        }
        to.write_all(&buffer[..n]).map_err(|source| part.io("write", source))?;
        sums.update(&buffer[..n]);
        if meter.stopped() {
            part.remove()?;
            return Err(Trouble::Stopped);
        }
    }
    let seen = sums.finish();
    meter.have(job.number, seen.bytes);
    meter.want(job.number, seen.bytes);
    // The cache stores large files under the hub's SHA-256 of them.
    let blob = cached.canonicalize().unwrap_or_else(|_| cached.to_owned());
    let promised = blob.file_name().and_then(|name| name.to_str()).and_then(transfer::sha256);
    let wrong = transfer::refuses(promised, &seen).or_else(|| RemoteFile::refuses(&job.file, &seen));
    if let Some(why) = wrong {
        part.remove()?;
        return Err(Trouble::Wrong { why, resumed: false });
    }
    part.complete(&job.target)?;
    Ok(seen)
}

/// Puts the file into the cache, whole or not at all. A link saves space.
fn keep(file: &Path, cached: &Path) -> io::Result<()> {
    let folder = cached.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let passing = folder.join(format!(".{}.incomplete", std::process::id()));
    fs::hard_link(file, &passing).or_else(|_| fs::copy(file, &passing).map(drop))?;
    fs::rename(&passing, cached)
}
