//! Fetches data for studies and for `data fetch`: finds out what is needed and how much that is, and asks the user.

#[cfg(test)]
mod tests;

use crate::{
    cli,
    failure::{Failure, Outcome},
    manifests::{self, Manifests},
    progress::Progress,
    surveys::DataFolders,
};
use harness_fetch::{
    fetch::{FetchError, Network, Policy},
    holdings::{self, Holding},
    human,
    install::{self, InstallError},
    manifest::{Manifest, Origin},
};
use harness_images::datasets::{self, DatasetSpec};
use harness_learn::models::{InitSpec, init::EncoderSpec};
use harness_record::monitor::Monitor as _;
use harness_study::study::Resolved;
use std::{
    io::{BufRead, BufReader, ErrorKind, IsTerminal as _, Write},
    path::Path,
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

/// Data up to this size, in bytes, are fetched without asking.
const SMALL: u64 = 100_000_000;
/// The most bytes of an answer to read.
const LONGEST_ANSWER: u64 = 1000;
/// The time between two checks for a stop by the user, while waiting for an answer.
const TICK: Duration = Duration::from_millis(100);

/// The user's choices about fetching.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) yes: bool,
    pub(crate) offline: bool,
    /// True if the user only asked what would run.
    pub(crate) dry_run: bool,
}

impl Wish {
    pub(crate) fn of(options: &cli::Study) -> Self {
        Self { yes: options.yes, offline: options.offline, dry_run: options.dry_run }
    }
}

impl From<InstallError> for Failure {
    fn from(error: InstallError) -> Self {
        match error {
            InstallError::Stopped | InstallError::Fetch(FetchError::Stopped) => Self::Interrupted,
            InstallError::Disk(error) | InstallError::Fetch(FetchError::Disk(error)) => Self::Record(error),
            other => Self::data(other),
        }
    }
}

/// The reason why the network must not be used; `None` if it may be used.
pub(crate) fn forbidden(offline: bool) -> Option<&'static str> {
    let value = std::env::var("HF_HUB_OFFLINE").unwrap_or_default();
    let by_hub = ["1", "on", "true", "yes"].contains(&value.to_ascii_lowercase().as_str());
    match (offline, by_hub) {
        (true, _) => Some("nothing may be fetched (--offline)"),
        (false, true) => Some("nothing may be fetched (HF_HUB_OFFLINE)"),
        (false, false) => None,
    }
}

/// Puts the data of these manifests in place; data that are there already are left alone.
pub(crate) fn install(
    wanted: &[&Manifest],
    data: &Path,
    offline: bool,
    keep: bool,
    progress: &Progress,
) -> Outcome<Vec<Holding>> {
    let network = match forbidden(offline) {
        Some(why) => Err(why),
        None => Ok(Arc::new(Network::new(Policy::default()).map_err(InstallError::from)?)),
    };
    let options = install::Options { data, network: network.as_ref().map_err(|why| *why), keep };
    Ok(install::install(wanted, &options, progress)?)
}

/// Makes sure that everything these studies read is there, as far as it can be fetched.
///
/// Folders that no manifest describes, and folders that hold something already, are left to their readers, whose errors
/// say what is missing in them.
pub(crate) fn for_studies(studies: &[Resolved], folders: &DataFolders<'_>, wish: Wish, progress: &Progress) -> Outcome {
    let manifests = manifests::read(folders.manifests)?;
    let (mut known, mut seen): (Vec<Reads<'_>>, Vec<&Manifest>) = (Vec::new(), Vec::new());
    let (mut absent, mut by_hand) = (Vec::new(), Vec::new());
    for study in studies {
        let name = format!("study {}, profile {}", study.name, study.profile);
        for read in reads(study) {
            // Arms and studies mostly read the same data, and looking is slow, because packs are opened to see what
            // they hold.
            if known.contains(&read) {
                continue;
            }
            for manifest in wanted(&read, &manifests, folders.data).map_err(|failure| failure.during(name.clone()))? {
                if seen.contains(&manifest) {
                    continue;
                }
                seen.push(manifest);
                match manifest.origin {
                    _ if !holdings::state(manifest, folders.data)?.is_absent() => {}
                    Origin::Local(_) => by_hand.push((manifest, name.clone())),
                    _ => absent.push(manifest),
                }
            }
            known.push(read);
        }
    }
    // This comes before any fetching, which would be of no use without these data.
    if let Some((_, study)) = by_hand.first() {
        let told = by_hand.iter().map(|(manifest, _)| install::missing(manifest, folders.data, "cannot be fetched"));
        return Err(Failure::data(told.collect::<Vec<_>>().join("\n\n")).during(study));
    }
    if absent.is_empty() {
        return Ok(());
    }
    if folders.data.is_file() {
        let names: Vec<&str> = absent.iter().map(|manifest| manifest.name.as_str()).collect();
        return Err(Failure::data(format!(
            "{} is not in the pack {}; put the pack into a folder, fetch the rest there, and name the folder with --data-dir",
            names.join(", "),
            folders.data.display()
        )));
    }
    if forbidden(wish.offline).is_none() {
        agree(&absent, studies, folders.data, wish, progress)?;
    }
    let holdings = install(&absent, folders.data, wish.offline, false, progress)?;
    for manifest in absent {
        let brought = holdings.iter().find(|holding| holding.manifest == manifest.name);
        brought.into_iter().flat_map(|holding| unverified(manifest, holding)).for_each(|line| progress.log(&line));
    }
    Ok(())
}

/// Something that a study reads.
#[derive(PartialEq)]
enum Reads<'a> {
    /// A data set at this size in pixels.
    Dataset(&'a DatasetSpec, u32),
    Weights(&'a str),
}

fn reads(study: &Resolved) -> Vec<Reads<'_>> {
    let mut all = Vec::new();
    for (arm, study) in study.arms.iter().flat_map(|arm| arm.studies().map(move |(_, study)| (arm, study))) {
        let pretraining = arm.spec.pretrained.then_some(&study.data.pretraining.dataset);
        let datasets = [Some(&study.data.segmentation.dataset), pretraining].into_iter().flatten();
        all.extend(datasets.map(|set| Reads::Dataset(set, study.data.size)));
        if let InitSpec::Encoder(EncoderSpec { file: None, weights: Some(name), .. }) = &study.init {
            all.push(Reads::Weights(name));
        }
    }
    all
}

/// The manifests of what is read: that of weights, and that of each data set folder that is in no pack.
fn wanted<'a>(read: &Reads<'_>, manifests: &'a Manifests, data: &Path) -> Outcome<Vec<&'a Manifest>> {
    match read {
        Reads::Dataset(dataset, size) => {
            let mut wanted = Vec::new();
            for (folder, manifest) in dataset.folders().into_iter().zip(manifests.parts(dataset)?) {
                if !datasets::packed_at(data, folder, *size)? {
                    wanted.extend(manifest);
                }
            }
            Ok(wanted)
        }
        Reads::Weights(name) => Ok(vec![manifests.named(name)?]),
    }
}

/// The manifests of everything that a study reads: its data sets, the parts that these are composed of, and weights.
pub(crate) fn manifests_of<'a>(study: &Resolved, manifests: &'a Manifests) -> Outcome<Vec<&'a Manifest>> {
    let mut all = Vec::new();
    for read in reads(study) {
        match read {
            Reads::Dataset(dataset, _) => {
                all.extend(manifests.parts(dataset)?.into_iter().flatten());
                if let Some(whole) = manifests.of(dataset)? {
                    all.push(whole);
                    all.extend(manifests.leaves(whole)?);
                }
            }
            Reads::Weights(name) => all.push(manifests.named(name)?),
        }
    }
    Ok(all)
}

/// Says what will be fetched and how much it is. Goes on if it is little, or if the user agrees.
fn agree(absent: &[&Manifest], studies: &[Resolved], data: &Path, wish: Wish, progress: &Progress) -> Outcome {
    let (mut total, mut told, mut little) = (0, Vec::new(), true);
    for manifest in absent {
        let (bytes, known) = install::needed(manifest, data)?;
        total += bytes;
        // An unknown size may be large.
        little &= known && total <= SMALL;
        let size = if known { human(bytes) } else { "of a size that is not known".to_owned() };
        told.push(format!("{} ({size})", manifest.name));
    }
    let names: Vec<&str> = absent.iter().map(|manifest| manifest.name.as_str()).collect();
    let of: Vec<&str> = studies.iter().map(|study| study.name.as_str()).collect();
    let what =
        format!("{}: not in {} yet: {}; {} to fetch", of.join(", "), data.display(), told.join(", "), human(total));
    let commands = format!(
        "fetch them with\n  harness data fetch {}\nor let the study do it with --yes. Without a network, \
         `harness data fetch --offline {}` says what to put where",
        names.join(" "),
        names.join(" ")
    );
    if wish.dry_run {
        return Err(Failure::data(format!("{what}\n{commands}")));
    }
    if wish.yes || little {
        progress.log(&what);
        return Ok(());
    }
    let terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if terminal && asked(&what, BufReader::new(std::io::stdin()), &mut std::io::stderr(), &|| progress.stopped())? {
        return Ok(());
    }
    Err(Failure::data(format!("{what}\n{commands}")))
}

/// Asks on the terminal. Everything but a yes counts as a no, including the end of the input.
fn asked(
    what: &str,
    answers: impl BufRead + Send + 'static,
    terminal: &mut dyn Write,
    stopped: &dyn Fn() -> bool,
) -> Outcome<bool> {
    write!(terminal, "{what}\nfetch now? [y/N] ").and_then(|()| terminal.flush()).map_err(Failure::run)?;
    let (sender, receiver) = mpsc::channel();
    // The question needs a thread of its own, because Ctrl-C does not end the wait for a line. The thread is left
    // behind when the user asks to stop.
    thread::spawn(move || {
        let mut answer = String::new();
        // Nobody listens any more after the user has stopped.
        let _ = sender.send(answers.take(LONGEST_ANSWER).read_line(&mut answer).map(|_| answer));
    });
    loop {
        match receiver.recv_timeout(TICK) {
            Ok(Ok(answer)) => return Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str())),
            // An answer that is not text counts as a no.
            Ok(Err(error)) if error.kind() == ErrorKind::InvalidData => return Ok(false),
            Ok(Err(error)) => return Err(Failure::run(error)),
            Err(RecvTimeoutError::Disconnected) => return Ok(false),
            Err(RecvTimeoutError::Timeout) if stopped() => return Err(Failure::Interrupted),
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

/// Says for each file whose SHA-256 is not in the manifest which one was seen, and how to write it there.
pub(crate) fn unverified(manifest: &Manifest, holding: &Holding) -> Vec<String> {
    let open = manifest.files().iter().filter(|file| !file.is_verified());
    let seen = open.filter_map(|file| holding.came.iter().find(|came| came.file == file.file));
    let line = |came: &holdings::Came| {
        format!(
            "{}: unverified, SHA-256 {}; `harness data verify {} --record` writes it into the manifest",
            came.file, came.seen.sha256, manifest.name
        )
    };
    seen.map(line).collect()
}
