//! The Hugging Face hub: its address, the user's token, and its cache on this machine.

use crate::manifest::{HubFile, HubKind, Source};
use hf_hub::{Cache, Repo, RepoType};
use std::{env, fmt, path::PathBuf};

/// The hub, configured like its own programs.
#[derive(Clone)]
pub struct Hub {
    endpoint: String,
    cache: PathBuf,
    token: Option<String>,
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("endpoint", &self.endpoint).field("cache", &self.cache).finish_non_exhaustive()
    }
}

impl Hub {
    /// Configures the hub from `HF_ENDPOINT`, `HF_HOME`, `HF_HUB_CACHE` and `HF_TOKEN`, or from a token saved by
    /// `hf auth login`.
    pub fn of_environment() -> Self {
        let variable = |name: &str| env::var(name).ok().map(|value| value.trim().to_owned()).filter(|v| !v.is_empty());
        let folder = |name: &str| variable(name).map(PathBuf::from);
        // hf-hub panics if there is no home, as in some containers, and does not know the second of these.
        let home = folder("HF_HOME")
            .or_else(|| folder("XDG_CACHE_HOME").map(|folder| folder.join("huggingface")))
            .or_else(|| env::home_dir().map(|folder| folder.join(".cache/huggingface")))
            .unwrap_or_else(|| env::temp_dir().join("huggingface"));
        let cache = Cache::new(home.join("hub"));
        let token = variable("HF_TOKEN").or_else(|| cache.token());
        let folder = folder("HF_HUB_CACHE").unwrap_or_else(|| cache.path().clone());
        Self::new(variable("HF_ENDPOINT").as_deref().unwrap_or(Source::HUB), folder, token)
    }

    /// A hub at `endpoint`, with its cache in the folder `cache`.
    pub fn new(endpoint: &str, cache: PathBuf, token: Option<String>) -> Self {
        Self { endpoint: endpoint.trim_end_matches('/').to_owned(), cache, token }
    }

    /// The token that authenticates the user.
    pub(super) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The hub's address of a file.
    pub(super) fn address(&self, file: &HubFile) -> String {
        Source::Hub(file.clone()).address().replacen(Source::HUB, &self.endpoint, 1)
    }

    /// The path of a file in the cache. The file need not exist.
    pub(super) fn cached(&self, file: &HubFile) -> PathBuf {
        let kind = match file.kind {
            HubKind::Model => RepoType::Model,
            HubKind::Dataset => RepoType::Dataset,
        };
        let repository = Repo::with_revision(file.repository.clone(), kind, file.revision.clone());
        Cache::new(self.cache.clone()).repo(repository).pointer_path(&file.revision).join(&file.file)
    }
}
