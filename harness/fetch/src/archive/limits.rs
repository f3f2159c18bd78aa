/// Limits on an archive. An archive that exceeds one is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Number of members, including folders.
    pub entries: u64,
    /// Bytes of one member.
    pub member_bytes: u64,
    /// Bytes of all members together.
    pub total_bytes: u64,
    /// Unpacked bytes per packed byte, in one zip member and in a gzip stream. The first MiB is exempt: a few zeros pack well
    /// in any archive.
    pub ratio: u64,
    /// Bytes of one member's name.
    pub name_bytes: usize,
}

impl Default for Limits {
    /// Limits well above the largest official archive of the data sets (26,000 photographs, 800 MB): 250,000 members of at most
    /// 256 MiB, 32 GiB in all, packed at most 200 to 1, with names of at most 512 bytes.
    fn default() -> Self {
        Self { entries: 250_000, member_bytes: 256 << 20, total_bytes: 32 << 30, ratio: 200, name_bytes: 512 }
    }
}
