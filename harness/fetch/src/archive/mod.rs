//! Unpacks untrusted archives within limits: tar, tar in gzip, and zip.
//!
//! An archive is refused as a whole, naming the member, as soon as a member would leave its folder, is neither a plain file nor
//! a folder, or has the name of another (also if only case or the spelling of accents differs, because some file systems ignore
//! these), or if one of the [`Limits`] is exceeded. Only one buffer and the names are held in memory.

mod choice;
mod error;
mod limits;
mod names;
mod read;
mod tar;
mod unpacking;
mod zip;

pub use choice::{Choice, Progress, Unpacked};
pub use error::{ArchiveError, Refusal};
pub use limits::Limits;

use serde::{Deserialize, Serialize};
use std::{ops::ControlFlow, path::Path};

/// The format of an archive.
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

/// Unpacks all of `file` into the folder `into`, which must be empty. The folder is created if it does not exist.
///
/// `watch` is called after every block of at most 64 KiB and may stop the work. After an error or a stop, the folder holds what
/// was written until then; the caller discards it. Files get the permissions of new files, whatever the archive says.
pub fn unpack(
    file: &Path,
    format: Format,
    into: &Path,
    limits: &Limits,
    watch: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Unpacked, ArchiveError> {
    unpack_chosen(file, format, &Choice::default(), into, limits, watch)
}

/// Does the same as [`unpack`], but only for the members, and with the names, of `choice`.
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
    /// Detects the format of a file by its content, never by its name; `None` if it is none of these.
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
