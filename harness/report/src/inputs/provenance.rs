//! `provenance.json`: where and when the runs of a profile were made.

use super::{file, lines::json};
use crate::error::ReportError;
use harness_record::{run::HostRecord, vocabulary::Key};
use std::{collections::BTreeMap, path::Path};

/// Whether a run was made by code that a commit holds. A report says no more of a host, because a confirming run on the same
/// commit would change the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// It was.
    Committed,
    /// The checkout had changes that no commit holds.
    Changed,
    /// It was no checkout, or nothing is known of it.
    Unknown,
}

/// What is known of the code of the runs of a profile.
#[derive(Debug, Default)]
pub(crate) struct Provenance(BTreeMap<Key, HostRecord>);

impl Provenance {
    /// Reads it for the study of the data folder `data`; nothing is known where there is no such file.
    pub(crate) fn read(data: &Path) -> Result<Self, ReportError> {
        let path = file::profile_folder(data).join(file::PROVENANCE);
        if path.exists() { Ok(Self(json(&path)?)) } else { Ok(Self::default()) }
    }

    /// Where and when a run was made.
    pub(crate) fn host(&self, run: &Key) -> Option<&HostRecord> {
        self.0.get(run)
    }

    /// The code of a run.
    pub(crate) fn code(&self, run: &Key) -> Code {
        match self.host(run) {
            Some(HostRecord { dirty: true, .. }) => Code::Changed,
            Some(HostRecord { commit: Some(_), .. }) => Code::Committed,
            _ => Code::Unknown,
        }
    }
}
