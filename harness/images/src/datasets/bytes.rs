//! Bytes of pictures, in their own memory or in a mapped file.

use memmap2::Mmap;
use std::{
    fmt,
    fs::File,
    io,
    ops::{Deref, Range},
    sync::Arc,
};

/// Bytes that are only read. They are cheap to clone if they are a part of a mapped file.
#[derive(Clone)]
pub struct Bytes(Held);

#[derive(Clone)]
enum Held {
    Owned(Vec<u8>),
    Mapped(Arc<Mmap>, Range<usize>),
}

impl Bytes {
    /// Maps a whole file. Nothing is read before it is accessed, and processes that map the same file share the memory.
    ///
    /// Only for files that are never changed once they have their name, such as those of
    /// [`harness_record::files::write`]. If bytes changed under a reader, that would be undefined behaviour, and if the
    /// file became shorter, the process would crash.
    pub(super) fn map(file: &File) -> io::Result<Self> {
        #[allow(unsafe_code)]
        // SAFETY: the caller ensures that the file is not changed while it is mapped. Replacing or deleting it leaves
        // the mapping intact.
        let map = unsafe { Mmap::map(file) }?;
        let all = 0..map.len();
        Ok(Self(Held::Mapped(Arc::new(map), all)))
    }

    /// The bytes of `range`, which must lie within these.
    pub(super) fn part(&self, range: Range<usize>) -> Self {
        match &self.0 {
            Held::Owned(bytes) => bytes[range].to_vec().into(),
            Held::Mapped(map, all) => {
                let part = all.start + range.start..all.start + range.end;
                assert!(range.start <= range.end && part.end <= all.end, "{range:?} of {} bytes", all.len());
                Self(Held::Mapped(Arc::clone(map), part))
            }
        }
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Held::Owned(bytes) => bytes,
            Held::Mapped(map, range) => &map[range.clone()],
        }
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Held::Owned(bytes))
    }
}

impl PartialEq for Bytes {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Bytes {}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_mapped_file_outlives_the_file_and_its_map() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("file");
        std::fs::write(&path, b"0123456789").unwrap();
        let all = Bytes::map(&File::open(&path).unwrap()).unwrap();
        let part = all.part(2..7).part(1..3);
        assert_eq!((&*all, &*part), (&b"0123456789"[..], &b"34"[..]));
        drop(all);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(part, Bytes::from(b"34".to_vec()));
        assert!(std::panic::catch_unwind(|| part.part(1..3)).is_err());
        assert_eq!(Bytes::from(b"0123".to_vec()).part(1..3), Bytes::from(b"12".to_vec()));
    }
}
