//! Reasons why a request brought no file.

use harness_record::RecordError;
use std::time::Duration;

/// The reason why a request brought no file.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The next attempt may succeed, after a pause that the server asks for.
    Again { why: String, after: Option<Duration> },
    /// No attempt will succeed: this source is useless.
    Useless(String),
    /// The file arrived whole but is not the manifest's. Part of it may have existed before.
    Wrong { why: String, resumed: bool },
    /// An error of the disk.
    Disk(RecordError),
    /// The user asked to stop. What arrived is kept.
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
