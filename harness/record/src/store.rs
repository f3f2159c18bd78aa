//! The folder of runs: `<store>/<kind>/<key>/`.

use crate::{
    Result,
    files::Lock,
    run::{RunRecord, Status},
};
use std::path::{Path, PathBuf};

/// A folder of runs, addressed by the digest of their settings.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
}

/// The state of a stage in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Never started.
    Missing,
    /// Started and interrupted. The next start resumes from its last checkpoint.
    Partial,
    /// Another process is working on it.
    Running,
    /// Finished: all of its files are in place.
    Done,
}

impl Store {
    /// The store at `root`. The folder need not exist yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Folder of the run of `kind` with `key`.
    pub fn run(&self, kind: &str, key: &str) -> PathBuf {
        self.root.join(kind).join(key)
    }

    /// Folder of decoded data. It can be deleted at any time.
    pub fn cache(&self) -> PathBuf {
        self.root.join("cache")
    }

    /// Takes the lock of a stage; `None` if another process holds it. The lock file lies beside the run's folder.
    pub fn lock(&self, kind: &str, key: &str) -> Result<Option<Lock>> {
        Lock::try_take(&self.lock_file(kind, key))
    }

    /// The state of the stage.
    pub fn state(&self, kind: &str, key: &str) -> Result<State> {
        let record = self.run(kind, key).join("run.json");
        if record.exists() && RunRecord::read(&record)?.status == Status::Done {
            return Ok(State::Done);
        }
        let lock = self.lock_file(kind, key);
        if lock.exists() && Lock::try_take(&lock)?.is_none() {
            return Ok(State::Running);
        }
        Ok(if record.exists() { State::Partial } else { State::Missing })
    }

    fn lock_file(&self, kind: &str, key: &str) -> PathBuf {
        self.root.join(kind).join(format!("{key}.lock"))
    }
}
