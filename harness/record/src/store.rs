//! The folders of runs: `<store>/<stage>/<key>/`.

use crate::{
    Result,
    files::Lock,
    run::file,
    vocabulary::{Key, Stage},
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
    /// The stage was never started.
    Missing,
    /// The stage was started and interrupted. The next start resumes from its last checkpoint.
    Partial,
    /// Another process is working on it.
    Running,
    /// All of its files are in place.
    Done,
}

impl Store {
    /// The store at `root`, which need not exist yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder of the store.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Folder of the run of `stage` with `key`.
    pub fn run(&self, stage: Stage, key: &Key) -> PathBuf {
        self.root.join(stage.name()).join(key.as_str())
    }

    /// Folder of decoded data, which can be deleted at any time.
    pub fn cache(&self) -> PathBuf {
        self.root.join("cache")
    }

    /// Folder of what the studies of a profile registered, and of the notes of their tests.
    pub fn registrations(&self, profile: &str) -> PathBuf {
        self.root.join("registrations").join(profile)
    }

    /// Takes the lock of a stage. Returns `None` if another process holds it. The lock file lies beside the run's
    /// folder.
    pub fn lock(&self, stage: Stage, key: &Key) -> Result<Option<Lock>> {
        Lock::try_take(&self.lock_file(stage, key))
    }

    /// The state of the stage.
    pub fn state(&self, stage: Stage, key: &Key) -> Result<State> {
        let folder = self.run(stage, key);
        if folder.join(file::RUN).exists() {
            return Ok(State::Done);
        }
        let lock = self.lock_file(stage, key);
        if lock.exists() && Lock::try_take(&lock)?.is_none() {
            return Ok(State::Running);
        }
        Ok(if folder.join(file::HOST).exists() { State::Partial } else { State::Missing })
    }

    fn lock_file(&self, stage: Stage, key: &Key) -> PathBuf {
        self.root.join(stage.name()).join(format!("{key}.lock"))
    }
}
