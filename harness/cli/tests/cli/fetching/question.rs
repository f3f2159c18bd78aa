//! The question that a study asks before it fetches much, on a terminal and without one.

use super::{archive, harness, stand_in::StandIn, studio};
use crate::studio::{Said, Studio, study};
use nix::pty::{OpenptyResult, openpty};
use std::{
    fs::File,
    io::{Read as _, Write as _},
    process::{Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

const DATASET: &str = "data.pretraining.dataset={cats-and-dogs: {folder: tiny, per_class: 1}}";
/// A size above the limit for fetching without asking. It is not the size of the server's file, so that what follows a
/// yes differs from everything else.
const MUCH: &str = "size: 200000000";

fn command(studio: &Studio, more: &[&str]) -> Command {
    harness(studio, &[&study(&["--set", DATASET])[..], more].concat())
}

/// Runs a command on a terminal, where `answer` answers its question. Returns how it ended, and what the terminal
/// showed.
fn on_terminal(mut command: Command, answer: impl FnOnce(&mut File, u32)) -> (ExitStatus, String) {
    let OpenptyResult { master, slave } = openpty(None, None).unwrap();
    command.stdin(Stdio::from(slave.try_clone().unwrap())).stderr(Stdio::from(slave)).stdout(Stdio::null());
    let mut child = command.spawn().unwrap();
    drop(command); // closes its end of the terminal, so that reading ends when the child does
    let shown = Arc::new(Mutex::new(Vec::new()));
    let (mut reader, seen) = (File::from(master.try_clone().unwrap()), Arc::clone(&shown));
    let reading = thread::spawn(move || {
        let mut buffer = [0; 4096];
        // A terminal reports by an error that nobody is at its other end.
        while let Ok(n @ 1..) = reader.read(&mut buffer) {
            seen.lock().unwrap().extend_from_slice(&buffer[..n]);
        }
    });
    let text = || String::from_utf8_lossy(&shown.lock().unwrap()).into_owned();
    let start = Instant::now();
    while !text().contains("fetch now? [y/N]") {
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none() && start.elapsed() < Duration::from_mins(2), "not asked: {}", text());
        thread::sleep(Duration::from_millis(5));
    }
    answer(&mut File::from(master), child.id());
    let status = child.wait().unwrap();
    reading.join().unwrap();
    (status, text())
}

#[test]
fn the_terminals_answer_decides() {
    // Enter sends a line; ^D on an empty line is the end of the input.
    for (answer, agreed) in
        [("y\r", true), ("Yes\r", true), ("n\r", false), ("\r", false), ("\x04", false), ("what?\r", false)]
    {
        let server = StandIn::new(archive());
        let studio = studio(&server.url(), MUCH);
        let (status, shown) =
            on_terminal(command(&studio, &[]), |terminal, _| terminal.write_all(answer.as_bytes()).unwrap());
        assert_eq!(status.code(), Some(4), "{shown}");
        assert!(shown.contains("tiny (200 MB); 200 MB to fetch"), "{shown}");
        assert_eq!(server.heads().len(), usize::from(agreed), "{answer:?}: {shown}");
        let word = if agreed { "but the manifest says 200000000" } else { "harness data fetch tiny" };
        assert!(shown.contains(word), "{answer:?}: {shown}");
    }
}

#[test]
fn ctrl_c_at_the_question_ends_it() {
    let server = StandIn::new(archive());
    let studio = studio(&server.url(), MUCH);
    let (status, shown) = on_terminal(command(&studio, &[]), |_, id| {
        assert!(Command::new("kill").args(["-INT", &id.to_string()]).status().unwrap().success());
    });
    assert_eq!(status.code(), Some(130), "{shown}");
    assert_eq!(server.heads(), [""; 0]);
}

#[test]
fn without_a_terminal_only_yes_fetches_much() {
    let server = StandIn::new(archive());
    // The same holds for an unknown size.
    for size in [MUCH, ""] {
        let studio = studio(&server.url(), size);
        Said::of(command(&studio, &[])).ended(4).tells("to fetch").tells("harness data fetch tiny").tells("--yes");
        assert_eq!(server.heads(), [""; 0]);
    }
    let studio = studio(&server.url(), MUCH);
    Said::of(command(&studio, &["--yes"])).ended(4).tells("but the manifest says 200000000");
    assert_eq!(server.heads().len(), 1);
    let little = self::studio(&server.url(), &format!("size: {}", archive().len()));
    Said::of(command(&little, &["--offline"])).ended(4).tells("nothing may be fetched (--offline)");
    // The file that was fetched without asking is no picture, which is the next error.
    Said::of(command(&little, &[])).ended(4).tells("tiny");
    assert_eq!(server.heads().len(), 2);
}
