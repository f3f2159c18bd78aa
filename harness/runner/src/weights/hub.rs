//! One file from the Hugging Face hub, at a pinned commit.

use crate::{manifest::WeightsSource, progress::Progress};
use harness_learn::monitor::Monitor as _;
use harness_record::digest;
use hf_hub::{
    HFClientBuilder, HFError,
    progress::{DownloadEvent, ProgressEvent, ProgressHandler},
    split_id,
};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

/// How often a download is looked at.
const TICK: Duration = Duration::from_millis(100);
/// How long a download may stand still.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often a request is sent again that found no one.
const RETRIES: usize = 2;

/// Why a file was not fetched.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    /// The hub or the way to it.
    #[error(transparent)]
    Hub(#[from] HFError),
    /// The file is not what the hub said.
    #[error("what came has the SHA-256 {sha256}, but the hub says {expected}")]
    Damaged { sha256: String, expected: String },
    /// It cannot be read again.
    #[error(transparent)]
    Record(#[from] harness_record::RecordError),
    /// Nothing came for a long time.
    #[error("nothing came for {} s", PATIENCE.as_secs())]
    Silent,
    /// The download's thread ended without an answer.
    #[error("the download broke off")]
    Broken,
    /// The user asked to stop.
    #[error("stopped")]
    Stopped,
}

/// Bytes that came, and that are to come.
#[derive(Debug, Default)]
struct Meter {
    done: AtomicU64,
    total: AtomicU64,
}

impl ProgressHandler for Meter {
    fn on_progress(&self, event: &ProgressEvent) {
        let ProgressEvent::Download(event) = event else { return };
        match event {
            DownloadEvent::Start { total_bytes, .. } => self.total.store(*total_bytes, Ordering::Relaxed),
            DownloadEvent::Progress { files } => {
                if let Some(file) = files.last() {
                    self.done.store(file.bytes_completed, Ordering::Relaxed);
                }
            }
            DownloadEvent::AggregateProgress { bytes_completed, .. } => {
                self.done.store(*bytes_completed, Ordering::Relaxed);
            }
            DownloadEvent::Complete => {}
        }
    }
}

/// Fetches the file into the hub's cache and returns its path there. What the cache has already is not fetched again.
pub(super) fn fetch(
    hub: HFClientBuilder,
    source: &WeightsSource,
    name: &str,
    progress: &Progress,
) -> Result<PathBuf, FetchError> {
    let meter = Arc::new(Meter::default());
    let (sender, receiver) = mpsc::channel();
    let (theirs, source) = (Arc::clone(&meter), source.clone());
    // A thread of its own, because a download cannot be stopped: it is left behind when the user asks to stop.
    thread::spawn(move || sender.send(download(hub, &source, theirs)));
    progress.begin(&format!("fetch {name}"), 1);
    let result = wait(&receiver, &meter, progress);
    progress.end();
    let path = result??;
    verify(&path)?;
    Ok(path)
}

fn download(hub: HFClientBuilder, source: &WeightsSource, meter: Arc<Meter>) -> Result<PathBuf, HFError> {
    let (owner, name) = split_id(&source.repository);
    let client = hub.retry_max_attempts(RETRIES).build_sync()?;
    let repository = client.model(owner, name);
    repository.download_file().filename(&source.file).revision(&source.revision).progress(meter).send()
}

fn wait<T>(receiver: &Receiver<T>, meter: &Meter, progress: &Progress) -> Result<T, FetchError> {
    let (mut seen, mut since) = (0, Instant::now());
    loop {
        match receiver.recv_timeout(TICK) {
            Ok(answer) => {
                progress.advance(1);
                return Ok(answer);
            }
            Err(RecvTimeoutError::Disconnected) => return Err(FetchError::Broken),
            Err(RecvTimeoutError::Timeout) => {}
        }
        let done = meter.done.load(Ordering::Relaxed);
        if done != seen {
            (seen, since) = (done, Instant::now());
            let total = meter.total.load(Ordering::Relaxed);
            progress.note(&format!("{} of {} MB", done / 1_000_000, total / 1_000_000));
        }
        if progress.stopped() {
            return Err(FetchError::Stopped);
        }
        if since.elapsed() > PATIENCE {
            return Err(FetchError::Silent);
        }
    }
}

/// Large files lie in the cache under the SHA-256 that the hub has of them. One that is damaged is removed, so that the next
/// attempt fetches it anew.
fn verify(path: &Path) -> Result<(), FetchError> {
    let Ok(blob) = path.canonicalize() else { return Ok(()) };
    let expected = blob.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if expected.len() != 64 || !expected.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(());
    }
    let sha256 = digest::of_file(&blob)?;
    if sha256 == expected {
        return Ok(());
    }
    // That it is damaged is the error to report.
    let _ = fs::remove_file(path);
    let _ = fs::remove_file(&blob);
    Err(FetchError::Damaged { sha256, expected })
}
