//! Reads an archive's file, counting the bytes and enforcing the limits.

use super::ArchiveError;
use std::{
    cell::Cell,
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
    path::Path,
    rc::Rc,
};

/// Number of bytes read or unpacked at once.
pub(super) const BLOCK: usize = 64 << 10;

/// Number of unpacked bytes before the ratio to the packed bytes is checked.
pub(super) const FREE: u64 = 1 << 20;

/// The first 512 bytes of a file, or all if it has fewer.
pub(super) fn head(path: &Path) -> Result<Vec<u8>, ArchiveError> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(ArchiveError::io("open", path))?;
    file.take(512).read_to_end(&mut bytes).map_err(ArchiveError::io("read", path))?;
    Ok(bytes)
}

/// Bytes read from the archive's file so far.
pub(super) type Count = Rc<Cell<u64>>;

/// A file that counts the bytes read from it and may refuse to give more.
pub(super) struct Counted<R> {
    inner: R,
    count: Count,
    /// Bytes that may still be read.
    budget: Rc<Cell<u64>>,
}

impl<R> Counted<R> {
    pub(super) fn new(inner: R, count: Count) -> Self {
        Self { inner, count, budget: Rc::new(Cell::new(u64::MAX)) }
    }

    /// The number of bytes that may still be read; can be changed.
    pub(super) fn budget(&self) -> Rc<Cell<u64>> {
        Rc::clone(&self.budget)
    }
}

/// More bytes were requested than the budget allows.
#[derive(Debug, thiserror::Error)]
#[error("more bytes were requested than may be read")]
pub(super) struct Exhausted;

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(into)?;
        self.count.set(self.count.get() + n as u64);
        let left = self.budget.get().checked_sub(n as u64).ok_or_else(|| io::Error::other(Exhausted))?;
        self.budget.set(left);
        Ok(n)
    }
}

impl<R: Seek> Seek for Counted<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

/// A gzip stream unpacked to more than its ratio allows.
#[derive(Debug, thiserror::Error)]
#[error("unpacks to too much")]
pub(super) struct Inflated;

/// A gzip stream with verified checksums. It ends with an error if it unpacks to too much.
pub(super) struct Gzip {
    inner: flate2::read::MultiGzDecoder<BufReader<Counted<File>>>,
    packed: Count,
    unpacked: u64,
    ratio: u64,
}

impl Gzip {
    pub(super) fn new(file: File, count: Count, ratio: u64) -> Self {
        let counted = BufReader::with_capacity(BLOCK, Counted::new(file, Rc::clone(&count)));
        Self { inner: flate2::read::MultiGzDecoder::new(counted), packed: count, unpacked: 0, ratio }
    }
}

impl Read for Gzip {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(into)?;
        self.unpacked += n as u64;
        if self.unpacked > FREE && self.unpacked > self.ratio.saturating_mul(self.packed.get()) {
            return Err(io::Error::other(Inflated));
        }
        Ok(n)
    }
}
