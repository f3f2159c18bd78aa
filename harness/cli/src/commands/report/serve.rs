//! `report --serve`: shows the reports in a browser while their templates and data are edited.
//!
//! * [`watch`] finds the reports that must be rendered again, from the sizes and modification times of their files
//! * [`answer`] makes the answers to requests
//! * [`listen`] handles connections
//!
//! The files on disk are those that `harness report` writes. The script that reloads a page is only added to what is
//! sent.

mod answer;
mod listen;
mod watch;

use super::browser::open;
use crate::{
    cli::{self, Folders},
    failure::{Failure, Outcome},
    output::say,
    reports::{folder::ReportFolder, rendering::make, site},
};
use answer::{Pages, Told};
use std::{
    net::{Ipv4Addr, TcpListener},
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use watch::Watch;

/// The time between two looks at the files.
const PATIENCE: Duration = Duration::from_millis(300);

/// Renders `places`, serves the folder of reports, and renders again what changes, until the user stops it.
pub(super) fn run(places: &[ReportFolder], folders: &Folders, options: &cli::Report) -> Outcome {
    let stop = stop_flag()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).map_err(|error| {
        let port = options.port;
        Failure::Usage(format!(
            "cannot listen on port {port} of 127.0.0.1: {error}; name another with --port, or 0 for any"
        ))
    })?;
    let port = listener.local_addr().map_err(Failure::run)?.port();
    std::fs::create_dir_all(&folders.reports).map_err(Failure::run)?;
    let told = Arc::new(Mutex::new(Told::default()));
    let pages = Pages::new(&folders.reports, Arc::clone(&told)).map_err(Failure::run)?;
    listen::start(listener, Arc::new(pages)).map_err(Failure::run)?;
    let address = format!("http://127.0.0.1:{port}/");
    say(&format!("serving {} at {address} (Ctrl-C ends it)", folders.reports.display()))?;
    if options.open {
        open(Path::new(&address))?;
    }
    let mut watches: Vec<Watch> = places.iter().map(|place| Watch::of(place, folders)).collect();
    while !stop.load(Ordering::SeqCst) {
        let changed = next(places, &mut watches, &told);
        let Some(place) = changed else {
            std::thread::sleep(PATIENCE);
            continue;
        };
        let outcome = make(place, folders, false).and_then(|()| site::write(folders));
        let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
        told.note(place, outcome.err().map(|failure| failure.told()));
    }
    Ok(())
}

/// The report to render next: among those that must be rendered, the one that was viewed last, or else the first.
fn next<'a>(places: &'a [ReportFolder], watches: &mut [Watch], told: &Mutex<Told>) -> Option<&'a ReportFolder> {
    watches.iter_mut().for_each(Watch::look);
    let seen = told.lock().unwrap_or_else(PoisonError::into_inner).seen().map(str::to_owned);
    let stale = |at: &usize| watches[*at].is_stale();
    let is_seen = |at: &usize| seen.as_deref() == Some(&answer::name(&places[*at]));
    let at = (0..places.len()).filter(stale).find(is_seen).or_else(|| (0..places.len()).find(stale))?;
    watches[at].begin();
    Some(&places[at])
}

/// A flag that Ctrl-C and SIGTERM set.
fn stop_flag() -> Outcome<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        // The second signal does not wait for a report that is being rendered.
        if set.swap(true, Ordering::SeqCst) {
            std::process::exit(0);
        }
    })
    .map_err(Failure::run)?;
    Ok(stop)
}
