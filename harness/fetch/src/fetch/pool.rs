//! Fetches several files at once, watched from one thread.

use super::{
    FetchError, Had, Job,
    meter::{Dial, Meter},
    network::Network,
    retry,
};
use crate::human;
use harness_record::monitor::Monitor;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

/// The interval at which the user's view is refreshed.
const TICK: Duration = Duration::from_millis(100);
/// Maximum wait for the threads after a stop. Then they are abandoned; their parts are valid at any time.
const GRACE: Duration = Duration::from_secs(1);

/// Fetches all files, several at once. A failure does not stop the others. Returns the results in the order of `jobs`.
pub fn all(
    mut jobs: Vec<Job>,
    what: &str,
    network: &Arc<Network>,
    monitor: &dyn Monitor,
) -> Result<Vec<Result<Had, FetchError>>, FetchError> {
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    jobs.iter_mut().enumerate().for_each(|(number, job)| job.number = number);
    let meter = Arc::new(Meter::new(jobs.iter().map(|job| job.file.size)));
    let workers = network.policy.at_once.clamp(1, jobs.len());
    let (jobs, next) = (Arc::new(jobs), Arc::new(AtomicUsize::new(0)));
    let (sender, receiver) = mpsc::channel();
    for _ in 0..workers {
        let (jobs, next, sender) = (Arc::clone(&jobs), Arc::clone(&next), sender.clone());
        let (network, meter) = (Arc::clone(network), Arc::clone(&meter));
        thread::spawn(move || {
            while let Some(job) = jobs.get(next.fetch_add(1, Ordering::SeqCst)) {
                // Nobody listens after the user has stopped.
                let _ = sender.send((job.number, retry::file(job, &network, &meter)));
            }
        });
    }
    drop(sender);
    monitor.begin(&format!("fetch {what}"), 1);
    let mut results: Vec<Option<Result<Had, FetchError>>> = jobs.iter().map(|_| None).collect();
    let (mut dial, mut stopping) = (Dial::new(&meter), None);
    loop {
        let received = receiver.recv_timeout(TICK);
        dial.show(monitor);
        match received {
            Ok((number, result)) => results[number] = Some(result),
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {}
        }
        if stopping.is_none() && monitor.stopped() {
            meter.stop();
            stopping = Some(Instant::now());
        }
        if stopping.is_some_and(|since| since.elapsed() > GRACE) {
            break;
        }
    }
    monitor.end();
    if stopping.is_some() && results.iter().any(|result| !matches!(result, Some(Ok(_)))) {
        let kept: u64 = jobs.iter().map(Job::begun).sum();
        monitor.log(&format!("{} of incomplete files are kept; the next fetch resumes them", human(kept)));
        return Err(FetchError::Stopped);
    }
    let broken = |number: usize| FetchError::NoSource { file: jobs[number].file.file.clone(), attempts: Vec::new() };
    Ok(results.into_iter().enumerate().map(|(i, result)| result.unwrap_or_else(|| Err(broken(i)))).collect())
}
