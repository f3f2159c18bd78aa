//! Tar: blocks of 512 bytes; each member is a header followed by its bytes.
//!
//! The `tar` crate parses the headers, but we walk over them ourselves: the crate's own walk reads the long names of GNU and
//! pax into memory whatever their size, and accepts members with two contradicting sizes.

use super::{
    ArchiveError, Refusal,
    read::{Counted, Gzip},
    unpacking::Unpacking,
};
use std::io::{BufReader, Read};
use tar::{EntryType, Header, PaxExtensions};

const BLOCK: usize = 512;

/// The largest pax header, in bytes.
const EXTENSION: u64 = 64 << 10;

/// The information in pax or GNU headers about the next member.
#[derive(Default)]
struct Extension {
    name: Option<Vec<u8>>,
    size: Option<u64>,
}

pub(super) fn unpack(unpacking: &mut Unpacking<'_>, gzip: bool) -> Result<(), ArchiveError> {
    let (file, count) = unpacking.open()?;
    let mut from: Box<dyn Read> = if gzip {
        Box::new(Gzip::new(file, count, unpacking.limits().ratio))
    } else {
        Box::new(BufReader::new(Counted::new(file, count)))
    };
    let mut extension = Extension::default();
    while let Some(header) = next(unpacking, &mut *from)? {
        member(unpacking, &mut *from, &header, &mut extension)?;
    }
    // A gzip stream ends with its checksum, so it is read to the end.
    unpacking.rest_is_zeros(&mut *from)
}

/// Reads the next header; `None` at the archive's end mark.
fn next(unpacking: &mut Unpacking<'_>, from: &mut dyn Read) -> Result<Option<Header>, ArchiveError> {
    let mut header = Header::new_old();
    let bytes = header.as_mut_bytes();
    let mut there = 0;
    while there < BLOCK {
        match from.read(&mut bytes[there..]) {
            Ok(0) => {
                return Err(unpacking.damaged("the archive ends without its end mark: part of it is missing".into()));
            }
            Ok(n) => there += n,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unpacking.failed(&error)),
        }
    }
    if header.as_bytes().iter().all(|&byte| byte == 0) {
        return Ok(None);
    }
    let sum: u32 = header.as_bytes().iter().map(|&byte| u32::from(byte)).sum();
    // The checksum is computed with its own field as eight spaces.
    let field: u32 = header.as_old().cksum.iter().map(|&byte| u32::from(byte)).sum();
    if header.cksum().ok() != Some(sum - field + 8 * u32::from(b' ')) {
        return Err(unpacking.damaged("the header after it has a wrong checksum".into()));
    }
    Ok(Some(header))
}

fn member(
    unpacking: &mut Unpacking<'_>,
    from: &mut dyn Read,
    header: &Header,
    extension: &mut Extension,
) -> Result<(), ArchiveError> {
    let size = header.entry_size().map_err(|e| unpacking.damaged(e.to_string()))?;
    let kind = header.entry_type();
    if let EntryType::XHeader | EntryType::XGlobalHeader | EntryType::GNULongName = kind {
        unpacking.count()?;
        return extend(unpacking, from, kind, size, extension);
    }
    let Extension { name, size: told } = std::mem::take(extension);
    let name = name.unwrap_or_else(|| header.path_bytes().into_owned());
    unpacking.enter(&name);
    unpacking.count()?;
    if let Some(told) = told.filter(|&told| told != size) {
        return Err(unpacking.refuse(Refusal::TwoSizes(size, told)));
    }
    match kind {
        // Before POSIX, a folder was a file whose name ends in a slash.
        EntryType::Regular | EntryType::Continuous if !name.ends_with(b"/") => {
            let target = unpacking.file(&name, size)?;
            unpacking.copy(from, size, None, &target)?;
            padding(unpacking, from, size)
        }
        EntryType::Directory | EntryType::Regular if size == 0 => unpacking.folder(&name),
        other => Err(unpacking.refuse(Refusal::Kind(words(other)))),
    }
}

fn words(kind: EntryType) -> &'static str {
    match kind {
        EntryType::Link => "a hard link",
        EntryType::Symlink | EntryType::GNULongLink => "a symbolic link",
        EntryType::Char | EntryType::Block => "a device",
        EntryType::Fifo => "a pipe",
        EntryType::GNUSparse => "a sparse file",
        EntryType::Directory | EntryType::Regular => "a folder with bytes of its own",
        _ => "of an unknown kind",
    }
}

/// Reads a header about the next member, or about all members.
fn extend(
    unpacking: &mut Unpacking<'_>,
    from: &mut dyn Read,
    kind: EntryType,
    size: u64,
    extension: &mut Extension,
) -> Result<(), ArchiveError> {
    if size > EXTENSION {
        let limit = unpacking.limits().name_bytes;
        return Err(unpacking.refuse(Refusal::LongName(limit)));
    }
    let mut bytes = vec![0; size as usize];
    from.read_exact(&mut bytes).map_err(|e| unpacking.failed(&e))?;
    padding(unpacking, from, size)?;
    match kind {
        EntryType::GNULongName => {
            let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
            bytes.truncate(end);
            extension.name = Some(bytes);
            Ok(())
        }
        // A global header may comment on the archive, but names and sizes in it would apply to all members.
        kind => pax(unpacking, &bytes, (kind == EntryType::XHeader).then_some(extension)),
    }
}

fn pax(unpacking: &Unpacking<'_>, bytes: &[u8], extension: Option<&mut Extension>) -> Result<(), ArchiveError> {
    let mut found = Extension::default();
    for record in PaxExtensions::new(bytes) {
        let record = record.map_err(|e| unpacking.damaged(e.to_string()))?;
        let (key, value) = (record.key_bytes(), record.value_bytes());
        match key {
            b"path" => found.name = Some(value.to_owned()),
            b"size" => {
                let size = str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                let size = size.ok_or_else(|| unpacking.damaged("a pax header's size is not a number".into()))?;
                found.size = Some(size);
            }
            _ if key.starts_with(b"GNU.sparse") => return Err(unpacking.refuse(Refusal::Kind("a sparse file"))),
            _ => {}
        }
    }
    match extension {
        Some(extension) => {
            extension.name = found.name.or(extension.name.take());
            extension.size = found.size.or(extension.size);
        }
        None if found.name.is_some() || found.size.is_some() => {
            return Err(unpacking.damaged("a global pax header gives all members one name or size".into()));
        }
        None => {}
    }
    Ok(())
}

/// Rounds up to whole blocks.
fn padding(unpacking: &Unpacking<'_>, from: &mut dyn Read, size: u64) -> Result<(), ArchiveError> {
    let mut block = [0; BLOCK];
    let behind = (BLOCK - (size % BLOCK as u64) as usize) % BLOCK;
    from.read_exact(&mut block[..behind]).map_err(|e| unpacking.failed(&e))
}
