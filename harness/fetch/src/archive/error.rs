use std::path::PathBuf;

/// The reason why an archive was not unpacked.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// A member that no honest data set contains, or an exceeded limit.
    #[error("{archive}: the archive is refused: {member:?} {refusal}")]
    Refused {
        /// The archive's file.
        archive: PathBuf,
        /// Name of the member, as in the archive. Invalid UTF-8 is replaced.
        member: String,
        /// The problem.
        refusal: Refusal,
    },
    /// The archive ends too early, or its bytes contradict its checksums.
    #[error("{archive}: damaged{}: {reason}; fetch it again", at(.member))]
    Damaged {
        /// The archive's file.
        archive: PathBuf,
        /// The member being read, or the last readable one; empty before the first.
        member: String,
        /// The finding.
        reason: String,
    },
    /// The folder to unpack into is not empty.
    #[error("{path} is not an empty folder; archives are unpacked only into empty folders")]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// The operating system reported an error.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// The failed action, as a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's own error.
        source: std::io::Error,
    },
    /// The caller's `watch` stopped it.
    #[error("interrupted")]
    Interrupted,
}

/// The problem of a member.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// `..`, absolute, or a Windows prefix.
    #[error("would be written outside its folder ({0})")]
    Escapes(&'static str),
    /// The name is not one that every file system keeps unchanged.
    #[error("has a name that some systems cannot store: {0}")]
    Name(&'static str),
    /// Over [`Limits::name_bytes`](super::Limits::name_bytes).
    #[error("has a name of more than {0} bytes")]
    LongName(usize),
    /// A link, a device, a pipe, or an unknown kind.
    #[error("is {0}; only files and folders are unpacked")]
    Kind(&'static str),
    /// Twice in the archive, or both as a file and as a folder.
    #[error("is in the archive twice")]
    Twice,
    /// The same name except for case or the spelling of accents.
    #[error(
        "differs from {0:?} only by case or the spelling of accents, and some file systems treat both as the same name"
    )]
    SameButForCase(String),
    /// Over [`Limits::entries`](super::Limits::entries).
    #[error("exceeds the limit of {0} members")]
    Entries(u64),
    /// Over [`Limits::member_bytes`](super::Limits::member_bytes).
    #[error("exceeds the limit of {0} bytes per member")]
    MemberBytes(u64),
    /// Too many names to remember.
    #[error("brings the names of all members over the limit of {0} bytes")]
    Names(usize),
    /// Over [`Limits::total_bytes`](super::Limits::total_bytes).
    #[error("brings the archive over the limit of {0} bytes")]
    TotalBytes(u64),
    /// Over [`Limits::ratio`](super::Limits::ratio).
    #[error("unpacks to more than {0} times its packed size")]
    Ratio(u64),
    /// Zip's encryption.
    #[error("is encrypted")]
    Encrypted,
    /// Neither stored nor deflated.
    #[error("is packed with {0}; expected stored or deflated")]
    Method(String),
    /// A tar extension that contradicts the header.
    #[error("has two sizes, {0} and {1}")]
    TwoSizes(u64, u64),
}

fn at(member: &str) -> String {
    if member.is_empty() { String::new() } else { format!(" at member {member:?}") }
}

impl ArchiveError {
    pub(super) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}
