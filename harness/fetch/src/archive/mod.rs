//! Archives from strangers, unpacked with bounds: tar, tar in gzip, and zip.
//!
//! An archive is refused as a whole, with the member's name, as soon as one member would leave its folder, is no plain file or
//! folder, is called like another (also where only case or the spelling of accents differs: some file systems take both for
//! one), or where the bounds of [`Limits`] are passed. Nothing is read into memory but one buffer and the names.

mod error;
mod limits;
mod names;
mod read;
mod tar;
mod unpacking;
mod zip;

pub use error::{ArchiveError, Refusal};
pub use limits::Limits;

use serde::{Deserialize, Serialize};
use std::{ops::ControlFlow, path::Path};

/// How an archive is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Tar: ustar, GNU or pax.
    Tar,
    /// Tar, compressed with gzip.
    TarGz,
    /// Zip, with members stored or deflated.
    Zip,
}

/// How far unpacking has come. What is told last is the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Bytes read of the archive's file; they grow towards its size. In a zip they are those of the members looked at.
    pub read: u64,
    /// Files written.
    pub files: u64,
    /// Bytes written.
    pub bytes: u64,
}

/// Which members are unpacked, and where to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choice {
    /// This many leading folders of every member's name are left away; a file that has no more folders than that is passed over.
    pub strip: usize,
    /// Only members whose name, as it stands in the archive and with `/` between its parts, is one of these or lies below one
    /// of these. None: all members.
    pub only: Vec<String>,
}

/// What came of unpacking.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unpacked {
    /// Files written.
    pub files: u64,
    /// Bytes written.
    pub bytes: u64,
    /// Files of the archive that [`Choice`] left out. What they are and where their names lead is checked as of all others.
    pub passed_over: u64,
}

/// Unpacks all of `file` into the folder `into`, which must be empty and is made if it is not there.
///
/// `watch` is told after every block of at most 64 KiB and may stop the work. After an error, or when stopped, the folder holds
/// what was written until then; throwing it away is the caller's. Files appear with the permissions of new files, whatever
/// the archive says.
pub fn unpack(
    file: &Path,
    format: Format,
    into: &Path,
    limits: &Limits,
    watch: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Unpacked, ArchiveError> {
    unpack_chosen(file, format, &Choice::default(), into, limits, watch)
}

/// As [`unpack`], but only what `choice` says, and where it says.
pub fn unpack_chosen(
    file: &Path,
    format: Format,
    choice: &Choice,
    into: &Path,
    limits: &Limits,
    watch: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Unpacked, ArchiveError> {
    let mut unpacking = unpacking::Unpacking::new(file, choice, into, limits, watch)?;
    match format {
        Format::Tar => tar::unpack(&mut unpacking, false)?,
        Format::TarGz => tar::unpack(&mut unpacking, true)?,
        Format::Zip => zip::unpack(&mut unpacking)?,
    }
    Ok(unpacking.finish())
}

impl Format {
    /// The format of a file, told by its content and never by its name; `None` if it is none of these.
    pub fn of(file: &Path) -> Result<Option<Self>, ArchiveError> {
        let head = read::head(file)?;
        Ok(match head.as_slice() {
            [0x1f, 0x8b, ..] => Some(Self::TarGz),
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Self::Zip),
            _ if head.get(257..262) == Some(b"ustar") => Some(Self::Tar),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests;
