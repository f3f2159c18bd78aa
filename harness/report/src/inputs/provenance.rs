//! `provenance.json`: where and when the runs of a profile, or of a report with changed settings, were made, and which
//! other tests were made on the same images.

use super::{file, lines::json};
use crate::error::ReportError;
use harness_record::{run::HostRecord, vocabulary::Key};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// The tests that are known of a study, whether its report shows them or not. Runs are named by the first digits of
/// their keys.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tests {
    /// Each different setting of the study that was tested, in the order of the first test.
    pub opened: Vec<Opening>,
    /// Tests of other settings on the same test images, whichever study made them.
    pub others: BTreeSet<String>,
}

/// A setting of a study that was tested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// SHA-256 of the settings that decide the numbers, without seeds and protocols.
    pub settings: String,
    /// The settings that were changed on the command line. Empty for the study as its file had it then.
    pub set: Vec<String>,
    /// The tests, by seed.
    pub tests: BTreeMap<u64, BTreeSet<String>>,
}

impl Opening {
    /// Adds an opening to a list, or its tests to those of the same settings.
    pub fn add_to(self, all: &mut Vec<Self>) {
        match all.iter_mut().find(|other| other.settings == self.settings) {
            Some(same) => {
                for (seed, runs) in self.tests {
                    same.tests.entry(seed).or_default().extend(runs);
                }
            }
            None => all.push(self),
        }
    }
}

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

/// The known origin of runs, and the known tests of reports.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Provenance {
    #[serde(default)]
    tests: BTreeMap<String, Tests>,
    #[serde(flatten)]
    runs: BTreeMap<Key, HostRecord>,
}

impl Provenance {
    /// Reads the file for the study of the data folder `data`. If the file is missing, nothing is known.
    pub(crate) fn read(data: &Path) -> Result<Self, ReportError> {
        let path = file::provenance_folder(data).join(file::PROVENANCE);
        if path.exists() { json(&path) } else { Ok(Self::default()) }
    }

    /// Returns where and when a run was made.
    pub(crate) fn host(&self, run: &Key) -> Option<&HostRecord> {
        self.runs.get(run)
    }

    /// Returns the tests that are known of the report with this name. `None` if none were noted.
    pub(crate) fn tests(&self, report: &str) -> Option<&Tests> {
        self.tests.get(report)
    }

    /// Returns whether a run was made from committed code.
    pub(crate) fn code(&self, run: &Key) -> Code {
        self.host(run).map_or(Code::Unknown, Code::of)
    }
}
