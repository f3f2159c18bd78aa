//! `provenance.json`: where and when the runs of a profile were made.

use super::{file, lines::json};
use crate::error::ReportError;
use harness_record::{run::HostRecord, vocabulary::Key};
use std::{collections::BTreeMap, path::Path};

/// Says whether a run was made by committed code. A report shows nothing else about the host, because a confirming run
/// on the same commit would change everything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// The code was committed.
    Committed,
    /// The checkout had uncommitted changes.
    Changed,
    /// There was no checkout, or nothing is known about the code.
    Unknown,
}

/// The known origin of each run of a profile.
#[derive(Debug, Default)]
pub(crate) struct Provenance(BTreeMap<Key, HostRecord>);

impl Provenance {
    /// Reads the file for the study of the data folder `data`. If the file is missing, nothing is known.
    pub(crate) fn read(data: &Path) -> Result<Self, ReportError> {
        let path = file::profile_folder(data).join(file::PROVENANCE);
        if path.exists() { Ok(Self(json(&path)?)) } else { Ok(Self::default()) }
    }

    /// Returns where and when a run was made.
    pub(crate) fn host(&self, run: &Key) -> Option<&HostRecord> {
        self.0.get(run)
    }

    /// Returns whether a run was made by committed code.
    pub(crate) fn code(&self, run: &Key) -> Code {
        match self.host(run) {
            Some(HostRecord { dirty: true, .. }) => Code::Changed,
            Some(HostRecord { commit: Some(_), .. }) => Code::Committed,
            _ => Code::Unknown,
        }
    }
}
