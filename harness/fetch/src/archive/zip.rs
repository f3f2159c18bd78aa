//! Zip, read by the list of members at its end.

use super::{ArchiveError, Refusal, read::Counted, unpacking::Unpacking};
use ::zip::{CompressionMethod, ZipArchive, read::ZipFile, result::ZipError};
use std::io::{BufReader, Read};

/// The largest list of members, in bytes. The `zip` crate keeps all of it in memory.
const DIRECTORY: u64 = 32 << 20;

/// Kinds of file in the upper bits of a Unix mode.
const KIND: u32 = 0o170_000;
const FILE: u32 = 0o100_000;
const FOLDER: u32 = 0o040_000;

pub(super) fn unpack(unpacking: &mut Unpacking<'_>) -> Result<(), ArchiveError> {
    let (file, count) = unpacking.open()?;
    // Members are read in the order of the list. Reading the list counts as progress, too.
    let counted = Counted::new(file, count);
    let budget = counted.budget();
    budget.set(DIRECTORY);
    let mut archive = ZipArchive::new(BufReader::new(counted)).map_err(|e| failed(unpacking, e))?;
    if archive.has_duplicate_names() {
        return Err(unpacking.damaged("its list of members contains a name twice".into()));
    }
    if archive.len() as u64 > unpacking.limits().entries {
        return Err(unpacking.refuse(Refusal::Entries(unpacking.limits().entries)));
    }
    budget.set(u64::MAX);
    if archive.has_overlapping_files().map_err(|e| failed(unpacking, e))? {
        return Err(unpacking.damaged("members share bytes".into()));
    }
    for index in 0..archive.len() {
        let raw = archive.by_index_raw(index).map_err(|e| failed(unpacking, e))?;
        unpacking.enter(raw.name_raw());
        unpacking.count()?;
        judge(unpacking, &raw)?;
        drop(raw);
        let mut member = archive.by_index(index).map_err(|e| failed(unpacking, e))?;
        let name = member.name().map_err(|e| failed(unpacking, e))?.into_owned();
        if member.is_dir() {
            unpacking.folder(name.as_bytes())?;
            continue;
        }
        let (size, packed) = (member.size(), member.compressed_size());
        let target = unpacking.file(name.as_bytes(), size)?;
        unpacking.copy(&mut member, size, Some(packed), &target)?;
        // The checksum is compared at the end of the member.
        match member.read(&mut [0]) {
            Ok(0) => {}
            Ok(_) => return Err(unpacking.damaged("the member is longer than the list says".into())),
            Err(error) => return Err(unpacking.failed(&error)),
        }
    }
    Ok(())
}

/// Refuses everything but plain files and folders.
fn judge<R: Read>(unpacking: &Unpacking<'_>, member: &ZipFile<'_, R>) -> Result<(), ArchiveError> {
    if member.encrypted() {
        return Err(unpacking.refuse(Refusal::Encrypted));
    }
    let method = member.compression();
    if ![CompressionMethod::Stored, CompressionMethod::Deflated].contains(&method) {
        return Err(unpacking.refuse(Refusal::Method(method.to_string())));
    }
    let kind = match member.unix_mode().map_or(0, |mode| mode & KIND) {
        0 | FILE if !member.is_dir() => return Ok(()),
        0 | FOLDER if member.is_dir() && member.size() == 0 => return Ok(()),
        0o120_000 => "a symbolic link",
        0o020_000 | 0o060_000 => "a device",
        0o010_000 => "a pipe",
        FILE | FOLDER => "a file by its mode but a folder by its name, or the other way round",
        _ => "of an unknown kind",
    };
    Err(unpacking.refuse(Refusal::Kind(kind)))
}

fn failed(unpacking: &Unpacking<'_>, error: ZipError) -> ArchiveError {
    match error {
        ZipError::Io(error) => unpacking.failed(&error),
        other => unpacking.damaged(other.to_string()),
    }
}
