//! Why a request brought no file.

use harness_record::RecordError;
use std::time::Duration;

/// Why a request brought no file.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It may go better the next time, after a pause that the server asks for.
    Again { why: String, after: Option<Duration> },
    /// It will go no better: this source is of no use.
    Useless(String),
    /// The file came whole and is not what the manifest says. Part of it was there before.
    Wrong { why: String, resumed: bool },
    /// The disk.
    Disk(RecordError),
    /// The user asked to stop. What came is kept.
    Stopped,
}

impl Trouble {
    pub(super) fn again(why: impl Into<String>) -> Self {
        Self::Again { why: why.into(), after: None }
    }
}

impl From<RecordError> for Trouble {
    fn from(error: RecordError) -> Self {
        Self::Disk(error)
    }
}
