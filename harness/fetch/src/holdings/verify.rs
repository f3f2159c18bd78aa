//! Hashes every file again.

use super::Holding;
use crate::{
    digests,
    manifest::{Manifest, UNVERIFIED},
};
use harness_record::{RecordError, digest, monitor::Monitor};
use rayon::prelude::*;
use std::path::Path;

/// The result of hashing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verified {
    /// Number of hashed files.
    pub files: u64,
    /// Number of hashed bytes.
    pub bytes: u64,
    /// The problems found.
    pub wrong: Vec<String>,
    /// True if there were digests to compare with.
    pub held_against: bool,
    /// True if the user stopped it.
    pub stopped: bool,
}

/// Hashes every file in the record of the installed data, and single files with digests in the manifest.
pub fn verify(manifest: &Manifest, data: &Path, monitor: &dyn Monitor) -> Result<Verified, RecordError> {
    let place = manifest.place(data);
    let mut verified = Verified::default();
    if let Some(holding) = Holding::read(manifest, data)? {
        let total = holding.files.len() as u64;
        monitor.begin(&format!("verify {}", manifest.name), total);
        let wrong: Vec<Option<String>> = holding
            .files
            .par_iter()
            .map(|file| {
                if monitor.stopped() {
                    return None;
                }
                let wrong = match digest::of_file(&place.join(&file.path)) {
                    Ok(sha256) if sha256 == file.sha256 => None,
                    Ok(sha256) => Some(format!("{} has the SHA-256 {sha256} instead of {}", file.path, file.sha256)),
                    Err(error) => Some(error.to_string()),
                };
                monitor.advance(1);
                wrong
            })
            .collect();
        monitor.end();
        verified.files = total;
        verified.bytes = holding.files.iter().map(|file| file.bytes).sum();
        verified.wrong = wrong.into_iter().flatten().collect();
        verified.held_against = true;
        verified.stopped = monitor.stopped();
    }
    if !manifest.owns_folder() {
        for file in manifest.files().iter().filter(|file| place.join(&file.file).is_file()) {
            let seen = digests::of_file(&place.join(&file.file))?;
            let known = file.is_verified() || file.sha256.as_deref().is_some_and(|digest| digest != UNVERIFIED);
            if !verified.held_against {
                verified.files += 1;
                verified.bytes += seen.bytes;
            }
            verified.held_against |= known;
            verified.wrong.extend(file.refuses(&seen).map(|why| format!("{}: {why}", file.file)));
        }
    }
    if manifest.owns_folder() && super::has_content(&place) {
        verified.wrong.extend(manifest.lacks(&place));
    }
    Ok(verified)
}
