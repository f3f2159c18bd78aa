//! Fetches one file: tries its sources in order, each repeatedly while that may help.

use super::{
    Attempt, FetchError, Had, Job, hub_file, meter::Meter, network::Network, part::Part, transfer, trouble::Trouble,
};
use crate::{digests::Seen, manifest::Source};

/// Fetches the file of `job`.
pub(super) fn file(job: &Job, network: &Network, meter: &Meter) -> Result<Had, FetchError> {
    if let Some(folder) = job.target.parent() {
        std::fs::create_dir_all(folder).map_err(|source| {
            FetchError::Disk(harness_record::RecordError::Io { action: "make", path: folder.to_owned(), source })
        })?;
    }
    let mut attempts = Vec::new();
    for source in in_order(job) {
        match from(job, source, network, meter) {
            Ok(seen) => {
                meter.finished();
                return Ok(Had { path: job.target.clone(), from: source.address(), seen });
            }
            Err(Gave::Up(why)) => {
                meter.say(format!("{}: {}: {}", job.file.file, source.address(), why.last().map_or("", |why| why)));
                attempts.push(Attempt { from: source.address(), why });
            }
            Err(Gave::Over(error)) => return Err(error),
        }
    }
    Err(FetchError::NoSource { file: job.file.file.clone(), attempts })
}

/// The sources, starting with the one that an existing part came from.
fn in_order(job: &Job) -> Vec<&Source> {
    let begun = Part::of(&job.target).whole().map(|whole| whole.url);
    let mut sources: Vec<&Source> = job.file.from.iter().collect();
    sources.sort_by_key(|source| Some(source.address()) != begun); // stable
    sources
}

/// The failure of one source.
enum Gave {
    /// Another source may have the file.
    Up(Vec<String>),
    /// No other source would help.
    Over(FetchError),
}

fn from(job: &Job, source: &Source, network: &Network, meter: &Meter) -> Result<Seen, Gave> {
    let part = Part::of(&job.target);
    let (mut failed, mut farthest) = (0, part.length());
    let mut why: Vec<String> = Vec::new();
    loop {
        let result = match source {
            Source::Url(url) => transfer::transfer(job, url, None, network, meter),
            Source::Hub(file) => hub_file::transfer(job, file, network, meter),
        };
        let (reason, after) = match result {
            Ok(seen) => return Ok(seen),
            Err(Trouble::Stopped) => return Err(Gave::Over(FetchError::Stopped)),
            Err(Trouble::Disk(error)) => return Err(Gave::Over(FetchError::Disk(error))),
            Err(Trouble::Useless(reason) | Trouble::Wrong { why: reason, resumed: false }) => {
                why.push(reason);
                return Err(Gave::Up(why));
            }
            // The two halves may belong to different versions: tries once more, from the beginning.
            Err(Trouble::Wrong { why, resumed: true }) => (why, None),
            Err(Trouble::Again { why, after }) => (why, after),
        };
        if part.length() > farthest {
            (farthest, failed) = (part.length(), 0);
        }
        failed += 1;
        if why.last() != Some(&reason) {
            why.push(reason.clone());
        }
        if failed >= network.policy.tries {
            why.push(format!("gave up after {failed} attempts without progress"));
            return Err(Gave::Up(why));
        }
        let pause = network.policy.wait(failed, after);
        meter.say(format!("{}: {reason}; again in {:.1} s", job.file.file, pause.as_secs_f64()));
        meter.sleep(pause);
        if meter.stopped() {
            return Err(Gave::Over(FetchError::Stopped));
        }
    }
}
