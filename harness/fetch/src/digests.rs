//! Computes SHA-256 and MD5 of a stream in one pass.

use harness_record::RecordError;
use md5::Md5;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::{fmt::Write as _, fs::File, io::Read as _, path::Path};

/// Size and digests of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Seen {
    /// Its size.
    pub bytes: u64,
    /// SHA-256 in lower-case hexadecimal.
    pub sha256: String,
    /// MD5 in lower-case hexadecimal.
    pub md5: String,
}

/// Both digests of a stream so far.
#[derive(Clone, Default)]
pub(crate) struct Sums {
    bytes: u64,
    sha256: Sha256,
    md5: Md5,
}

impl Sums {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.sha256.update(bytes);
        self.md5.update(bytes);
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn finish(self) -> Seen {
        Seen { bytes: self.bytes, sha256: hex(&self.sha256.finalize()), md5: hex(&self.md5.finalize()) }
    }

    /// Adds a whole file; `each` gets the size of every piece and may stop it.
    pub(crate) fn of_file(path: &Path, mut each: impl FnMut(u64) -> bool) -> Result<Option<Self>, RecordError> {
        let io = |source| RecordError::Io { action: "read", path: path.to_owned(), source };
        let mut file = File::open(path).map_err(io)?;
        let (mut sums, mut buffer) = (Self::default(), vec![0; 1 << 16]);
        loop {
            let n = file.read(&mut buffer).map_err(io)?;
            if n == 0 {
                return Ok(Some(sums));
            }
            sums.update(&buffer[..n]);
            if !each(n as u64) {
                return Ok(None);
            }
        }
    }
}

/// Computes size and digests of a file.
pub fn of_file(path: &Path) -> Result<Seen, RecordError> {
    Ok(Sums::of_file(path, |_| true)?.unwrap_or_default().finish())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
