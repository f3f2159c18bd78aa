//! One file from the Hugging Face hub, at a pinned commit, by the hub's own client and through its cache.

use super::{
    Job,
    meter::Meter,
    network::{Network, chain},
    part::{Part, Whole},
    transfer::Trouble,
};
use crate::{
    digests::{Seen, Sums},
    manifest::{HubFile, HubKind, RemoteFile},
};
use harness_record::{RecordError, digest};
use hf_hub::{
    HFClientBuilder, HFError,
    progress::{DownloadEvent, ProgressEvent, ProgressHandler},
    split_id,
};
use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
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
/// How often the hub's client sends a request again that found no one.
const RETRIES: usize = 2;

/// Bytes that came, and that are to come, as the hub's client tells.
#[derive(Debug, Default)]
struct Heard {
    done: AtomicU64,
    total: AtomicU64,
}

impl ProgressHandler for Heard {
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

/// Fetches the file of `job` into the hub's cache, holds it against what the hub and the manifest say, and copies it to its
/// place. What the cache has already is not fetched again.
pub(super) fn transfer(job: &Job, source: &HubFile, network: &Network, meter: &Meter) -> Result<Seen, Trouble> {
    let heard = Arc::new(Heard::default());
    let (sender, receiver) = mpsc::channel();
    let (theirs, wanted, hub) = (Arc::clone(&heard), source.clone(), (network.hub)());
    // A thread of its own, because this download cannot be stopped: it is left behind when the user asks to stop.
    thread::spawn(move || sender.send(download(hub, &wanted, theirs)));
    let cached = wait(&receiver, &heard, job, network, meter)?.map_err(|error| Trouble::Useless(told(&error)))?;
    verify(&cached)?;
    copy(job, &cached, source, meter)
}

fn download(hub: HFClientBuilder, source: &HubFile, heard: Arc<Heard>) -> Result<PathBuf, HFError> {
    let (owner, name) = split_id(&source.repository);
    let client = hub.retry_max_attempts(RETRIES).build_sync()?;
    match source.kind {
        HubKind::Model => {
            let repository = client.model(owner, name);
            repository.download_file().filename(&source.file).revision(&source.revision).progress(heard).send()
        }
        HubKind::Dataset => {
            let repository = client.dataset(owner, name);
            repository.download_file().filename(&source.file).revision(&source.revision).progress(heard).send()
        }
    }
}

fn wait<T>(receiver: &Receiver<T>, heard: &Heard, job: &Job, network: &Network, meter: &Meter) -> Result<T, Trouble> {
    let (mut seen, mut since) = (0, Instant::now());
    // Where nothing came, the client may wait in vain several times over before it gives up by itself.
    let patience = network.policy.stall * 2;
    loop {
        match receiver.recv_timeout(TICK) {
            Ok(answer) => return Ok(answer),
            Err(RecvTimeoutError::Disconnected) => return Err(Trouble::Useless("the download broke off".to_owned())),
            Err(RecvTimeoutError::Timeout) => {}
        }
        let done = heard.done.load(Ordering::Relaxed);
        if done != seen {
            meter.received(done.saturating_sub(seen));
            meter.have(job.number, done);
            meter.want(job.number, heard.total.load(Ordering::Relaxed).max(done));
            (seen, since) = (done, Instant::now());
        }
        if meter.stopped() {
            return Err(Trouble::Stopped);
        }
        if since.elapsed() > patience {
            return Err(Trouble::Useless(format!("nothing came for {patience:?}")));
        }
    }
}

/// Large files lie in the cache under the SHA-256 that the hub has of them. One that is damaged is removed, so that the next
/// attempt fetches it anew.
fn verify(path: &Path) -> Result<(), Trouble> {
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
    let why = format!("what came has the SHA-256 {sha256}, but the hub says {expected}");
    Err(Trouble::Useless(why))
}

/// From the cache to the file's place, whole or not at all.
fn copy(job: &Job, cached: &Path, source: &HubFile, meter: &Meter) -> Result<Seen, Trouble> {
    let part = Part::of(&job.target);
    let read = |source| RecordError::Io { action: "read", path: cached.to_owned(), source };
    let mut from = File::open(cached).map_err(read)?;
    let url = crate::manifest::Source::Hub(source.clone()).address();
    let mut to = part.begin(&Whole { url, ..Whole::default() })?;
    let (mut sums, mut buffer) = (Sums::default(), vec![0; 1 << 16]);
    loop {
        let n = from.read(&mut buffer).map_err(read)?;
        if n == 0 {
            break;
        }
        to.write_all(&buffer[..n]).map_err(|source| part.io("write", source))?;
        sums.update(&buffer[..n]);
        if meter.stopped() {
            part.remove()?;
            return Err(Trouble::Stopped);
        }
    }
    let seen = sums.finish();
    meter.have(job.number, seen.bytes);
    meter.want(job.number, seen.bytes);
    if let Some(why) = RemoteFile::refuses(&job.file, &seen) {
        part.remove()?;
        return Err(Trouble::Useless(why));
    }
    part.complete(&job.target)?;
    Ok(seen)
}

/// Most characters of an error that are repeated.
const MOST: usize = 600;

/// An error of the hub's client, without what must not be told, whoever repeats it.
fn told(error: &HFError) -> String {
    without_secrets(&chain(error), std::env::var("HF_TOKEN").ok().as_deref())
}

/// The text without the user's token, without anything else that looks like one, and without the queries of addresses, in which
/// servers sign what they give out.
fn without_secrets(text: &str, token: Option<&str>) -> String {
    let text = match token.map(str::trim).filter(|token| !token.is_empty()) {
        Some(token) => text.replace(token, "(token)"),
        None => text.to_owned(),
    };
    let mut shown = String::new();
    for piece in text.split_inclusive(|c: char| c.is_whitespace() || "\"'(),;".contains(c)) {
        let word = piece.trim_end_matches(|c: char| c.is_whitespace() || "\"'(),;".contains(c));
        let rest = &piece[word.len()..];
        let word = match (word.find("hf_"), word.find("://"), word.find('?')) {
            (Some(at), ..) => format!("{}(token)", &word[..at]),
            (_, Some(_), Some(at)) => word[..at].to_owned(),
            _ => word.to_owned(),
        };
        shown.push_str(&word);
        shown.push_str(rest);
    }
    shown.chars().take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use super::without_secrets;

    #[test]
    fn secrets_are_not_repeated() {
        assert_eq!(without_secrets("401: bearer own-token is bad", Some("own-token ")), "401: bearer (token) is bad");
        assert_eq!(without_secrets("bearer:hf_abc, (hf_def)", None), "bearer:(token), ((token))");
        let signed = "failed (https://cdn.example/x?Signature=abc&Key=d) at once";
        assert_eq!(without_secrets(signed, None), "failed (https://cdn.example/x) at once");
        assert_eq!(without_secrets("what? 401", None), "what? 401");
        assert_eq!(without_secrets(&"x".repeat(9000), None).len(), 600);
    }
}
