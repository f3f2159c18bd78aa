//! What is unpacked, how far it got, and what came out.

/// The progress of unpacking. The last report covers everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Bytes read from the archive's file; they grow towards its size. In a zip they count the members looked at.
    pub read: u64,
    /// Files written.
    pub files: u64,
    /// Bytes written.
    pub bytes: u64,
}

/// The members to unpack, and their new names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choice {
    /// Number of leading folders stripped from every member's name. A file with no more folders than that is skipped.
    pub strip: usize,
    /// Unpacks only members whose name, as in the archive and with `/` as separator, equals one of these or lies below one. If
    /// empty, all members are unpacked.
    pub only: Vec<String>,
}

/// The result of unpacking.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unpacked {
    /// Files written.
    pub files: u64,
    /// Bytes written.
    pub bytes: u64,
    /// Files of the archive that [`Choice`] left out. Their kind and names are checked like those of all others.
    pub passed_over: u64,
}
