//! `provenance.json`: where and when the runs of a profile, or of a report with changed settings, were made.

use super::{file, lines::json};
use crate::error::ReportError;
use harness_record::{run::HostRecord, vocabulary::Key};
use serde::Serialize;
use std::{collections::BTreeMap, path::Path};

/// Says whether a run was made from committed code: the program and the specs. A report shows nothing else about the
/// host, because a confirming run on the same commit would change everything else. Worse states are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Code {
    /// Program and specs were committed. If one repository holds both, it was the same commit.
    Committed,
    /// This is not known of the program or of the specs.
    Unknown,
    /// Both were committed, but one repository holds both, and the commits are different.
    Apart,
    /// The program or the specs had uncommitted changes.
    Changed,
}

impl Code {
    fn of(host: &HostRecord) -> Self {
        let HostRecord { program, specs, same_repository, .. } = host;
        let both = [program, specs];
        if both.iter().any(|checkout| checkout.dirty == Some(true)) {
            return Self::Changed;
        }
        if both.iter().any(|checkout| checkout.commit.is_none() || checkout.dirty.is_none()) {
            return Self::Unknown;
        }
        match same_repository {
            _ if program.commit == specs.commit => Self::Committed,
            Some(false) => Self::Committed,
            Some(true) => Self::Apart,
            None => Self::Unknown,
        }
    }
}

/// The known origin of runs.
#[derive(Debug, Default)]
pub(crate) struct Provenance(BTreeMap<Key, HostRecord>);

impl Provenance {
    /// Reads the file for the study of the data folder `data`. If the file is missing, nothing is known.
    pub(crate) fn read(data: &Path) -> Result<Self, ReportError> {
        let path = file::provenance_folder(data).join(file::PROVENANCE);
        if path.exists() { Ok(Self(json(&path)?)) } else { Ok(Self::default()) }
    }

    /// Returns where and when a run was made.
    pub(crate) fn host(&self, run: &Key) -> Option<&HostRecord> {
        self.0.get(run)
    }

    /// Returns whether a run was made from committed code.
    pub(crate) fn code(&self, run: &Key) -> Code {
        self.host(run).map_or(Code::Unknown, Code::of)
    }
}
