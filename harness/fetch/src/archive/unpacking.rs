//! The part that all formats share: checking whether a member may be written, and writing it.

use super::{
    ArchiveError, Choice, Limits, Progress, Refusal, Unpacked,
    names::{self, Kind, Written},
    read::{BLOCK, Count, Exhausted, FREE, Inflated},
};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write as _},
    ops::ControlFlow,
    path::{Path, PathBuf},
};

/// An archive while it is unpacked.
pub(super) struct Unpacking<'a> {
    archive: &'a Path,
    choice: &'a Choice,
    into: &'a Path,
    limits: &'a Limits,
    watch: &'a mut dyn FnMut(Progress) -> ControlFlow<()>,
    /// Bytes read from the archive's file.
    read: Count,
    written: Written,
    entries: u64,
    /// Bytes of skipped members: the limits include them.
    passed_bytes: u64,
    member: String,
    unpacked: Unpacked,
    block: Vec<u8>,
}

/// The destination of a member's bytes.
pub(super) enum Target {
    /// A new file.
    File(PathBuf),
    /// Nowhere: the member was not chosen.
    Nowhere,
}

impl<'a> Unpacking<'a> {
    pub(super) fn new(
        archive: &'a Path,
        choice: &'a Choice,
        into: &'a Path,
        limits: &'a Limits,
        watch: &'a mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Self, ArchiveError> {
        empty(into)?;
        Ok(Self {
            archive,
            choice,
            into,
            limits,
            watch,
            read: Count::default(),
            written: Written::default(),
            entries: 0,
            passed_bytes: 0,
            member: String::new(),
            unpacked: Unpacked::default(),
            block: vec![0; BLOCK],
        })
    }

    pub(super) fn limits(&self) -> &'a Limits {
        self.limits
    }

    /// Opens the archive's file.
    pub(super) fn open(&self) -> Result<(File, Count), ArchiveError> {
        let file = File::open(self.archive).map_err(ArchiveError::io("open", self.archive))?;
        Ok((file, Count::clone(&self.read)))
    }

    /// Counts a member, or an extension that a format puts between members.
    pub(super) fn count(&mut self) -> Result<(), ArchiveError> {
        self.entries += 1;
        if self.entries > self.limits.entries {
            return Err(self.refuse(Refusal::Entries(self.limits.entries)));
        }
        self.tell()
    }

    /// Sets the name of the next member, for later errors.
    pub(super) fn enter(&mut self, name: &[u8]) {
        self.member = String::from_utf8_lossy(&name[..name.len().min(4096)]).into_owned();
    }

    /// Checks that the folder is allowed, and creates it.
    pub(super) fn folder(&mut self, name: &[u8]) -> Result<(), ArchiveError> {
        let Some(parts) = self.chosen(name)? else { return Ok(()) };
        self.note(&parts, Kind::Folder)?;
        let path = self.into.join(parts.join("/"));
        fs::create_dir_all(&path).map_err(ArchiveError::io("create", path))
    }

    /// Checks that a file of `size` bytes is allowed, and returns its destination.
    pub(super) fn file(&mut self, name: &[u8], size: u64) -> Result<Target, ArchiveError> {
        let parts = self.chosen(name)?;
        let in_all = self.unpacked.bytes.saturating_add(self.passed_bytes).saturating_add(size);
        if size > self.limits.member_bytes {
            return Err(self.refuse(Refusal::MemberBytes(self.limits.member_bytes)));
        }
        if in_all > self.limits.total_bytes {
            return Err(self.refuse(Refusal::TotalBytes(self.limits.total_bytes)));
        }
        let Some(parts) = parts else {
            self.unpacked.passed_over += 1;
            self.passed_bytes += size;
            return Ok(Target::Nowhere);
        };
        if parts.is_empty() {
            return Err(self.refuse(Refusal::Name("it is empty")));
        }
        self.note(&parts, Kind::File)?;
        let path = self.into.join(parts.join("/"));
        if let Some(above) = path.parent() {
            fs::create_dir_all(above).map_err(ArchiveError::io("create", above))?;
        }
        self.unpacked.files += 1;
        Ok(Target::File(path))
    }

    /// Writes a file of `size` bytes. `packed` is its size in the archive, if the format tells it.
    pub(super) fn copy(
        &mut self,
        from: &mut dyn Read,
        size: u64,
        packed: Option<u64>,
        to: &Target,
    ) -> Result<(), ArchiveError> {
        if packed.is_some_and(|packed| size > FREE && size > self.limits.ratio.saturating_mul(packed)) {
            return Err(self.refuse(Refusal::Ratio(self.limits.ratio)));
        }
        let mut file = match to {
            Target::File(path) => {
                let new = OpenOptions::new().write(true).create_new(true).open(path);
                Some((new.map_err(ArchiveError::io("create", path))?, path))
            }
            Target::Nowhere => None,
        };
        let mut left = size;
        while left > 0 {
            let most = left.min(BLOCK as u64) as usize;
            let n = match from.read(&mut self.block[..most]) {
                Ok(0) => return Err(self.damaged(format!("the archive ends {left} bytes before the member does"))),
                Ok(n) => n,
                Err(error) => return Err(self.failed(&error)),
            };
            left -= n as u64;
            if let Some((file, path)) = &mut file {
                file.write_all(&self.block[..n]).map_err(ArchiveError::io("write", path.as_path()))?;
                self.unpacked.bytes += n as u64;
            }
            self.tell()?;
        }
        Ok(())
    }

    /// Reads `from` to its end, where only zeros are allowed.
    pub(super) fn rest_is_zeros(&mut self, from: &mut dyn Read) -> Result<(), ArchiveError> {
        loop {
            match from.read(&mut self.block) {
                Ok(0) => return Ok(()),
                Ok(n) if self.block[..n].iter().all(|&byte| byte == 0) => self.tell()?,
                Ok(_) => return Err(self.damaged("bytes follow the archive's end".into())),
                Err(error) => return Err(self.failed(&error)),
            }
        }
    }

    pub(super) fn finish(self) -> Unpacked {
        self.unpacked
    }

    pub(super) fn refuse(&self, refusal: Refusal) -> ArchiveError {
        ArchiveError::Refused { archive: self.archive.to_owned(), member: self.member.clone(), refusal }
    }

    pub(super) fn damaged(&self, reason: String) -> ArchiveError {
        ArchiveError::Damaged { archive: self.archive.to_owned(), member: self.member.clone(), reason }
    }

    /// Interprets an error of reading the archive.
    pub(super) fn failed(&self, error: &io::Error) -> ArchiveError {
        if let Some(inner) = error.get_ref() {
            if inner.is::<Inflated>() {
                return self.refuse(Refusal::Ratio(self.limits.ratio));
            }
            if inner.is::<Exhausted>() {
                return self.damaged("its list of members is too large".into());
            }
        }
        if let Some(code) = error.raw_os_error() {
            let source = io::Error::from_raw_os_error(code);
            return ArchiveError::Io { action: "read", path: self.archive.to_owned(), source };
        }
        match error.kind() {
            io::ErrorKind::UnexpectedEof => self.damaged("the file ends too early".into()),
            _ => self.damaged(error.to_string()),
        }
    }

    fn tell(&mut self) -> Result<(), ArchiveError> {
        let Unpacked { files, bytes, .. } = self.unpacked;
        match (self.watch)(Progress { read: self.read.get(), files, bytes }) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(ArchiveError::Interrupted),
        }
    }

    /// The parts of a member's new name; `None` if the choice leaves it out.
    fn chosen(&self, name: &[u8]) -> Result<Option<Vec<String>>, ArchiveError> {
        let name = str::from_utf8(name).map_err(|_| self.refuse(Refusal::Name("it is not UTF-8")))?;
        let parts = names::parts(name, self.limits.name_bytes).map_err(|refusal| self.refuse(refusal))?;
        let whole = parts.join("/");
        let below =
            |only: &String| whole.strip_prefix(only).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let chosen = self.choice.only.is_empty() || self.choice.only.iter().any(below);
        if !chosen || (self.choice.strip > 0 && parts.len() <= self.choice.strip) {
            return Ok(None);
        }
        Ok(Some(parts[self.choice.strip..].iter().map(|&part| part.to_owned()).collect()))
    }

    fn note(&mut self, parts: &[String], kind: Kind) -> Result<(), ArchiveError> {
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        self.written.add(&parts, kind).map_err(|refusal| self.refuse(refusal))
    }
}

/// Creates the folder, or checks that it is empty.
fn empty(into: &Path) -> Result<(), ArchiveError> {
    match fs::read_dir(into) {
        Ok(mut there) => {
            if there.next().is_none() {
                Ok(())
            } else {
                Err(ArchiveError::NotEmpty { path: into.to_owned() })
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(into).map_err(ArchiveError::io("create", into))
        }
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            Err(ArchiveError::NotEmpty { path: into.to_owned() })
        }
        Err(error) => Err(ArchiveError::io("read", into)(error)),
    }
}
