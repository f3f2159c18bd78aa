//! A report's data as they were committed, read through git into a temporary folder.

use crate::{
    cli::Folders,
    collect::SPEC,
    failure::{Failure, Outcome},
};
use harness_report::inputs::file;
use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// Files of the data folder that a comparison reads.
const FILES: [&str; 5] = [file::STUDY, file::RUNS, file::METRICS, file::PER_IMAGE, SPEC];
/// The most that is read of one file, in bytes: the full test set under every arm, seed and condition is below 100 MB.
const LIMIT: u64 = 256 << 20;

/// Puts the data of `reports/<profile>/<study>/` as they were at `revision` into a folder, which lasts as long as what is returned.
pub(super) fn checkout(folders: &Folders, revision: &str, report: &[String; 2]) -> Outcome<TempDir> {
    let top = PathBuf::from(
        git(&folders.root, &[OsStr::new("rev-parse"), OsStr::new("--show-toplevel")], |said| {
            Failure::Usage(format!(
                "{} is in no git repository, so it has no revisions: {said}",
                folders.root.display()
            ))
        })?
        .trim_end_matches('\n'),
    );
    let commit = git(
        &top,
        &["rev-parse", "--verify", "--end-of-options", &format!("{revision}^{{commit}}")].map(OsStr::new),
        |said| Failure::Usage(format!("there is no revision `{revision}`: {said}")),
    )?;
    let folder = in_repository(&top, &folders.reports)?.join(report[0].as_str()).join(report[1].as_str()).join("data");
    let shown = format!("{revision}:{}/{}", report[0], report[1]);
    let failed = |said: &str| Failure::data(format!("{shown} cannot be read from git: {said}"));
    let mut inside = folder.into_os_string();
    inside.push("/");
    let arguments = ["ls-tree", "-l", "-z", "--full-tree", commit.trim()].map(OsStr::new);
    let listing = git(&top, &[&arguments[..], &[OsStr::new("--"), inside.as_os_str()]].concat(), failed)?;
    let entries: Vec<Entry<'_>> = listing.split('\0').filter_map(Entry::parse).collect();
    let copy = tempfile::tempdir().map_err(Failure::run)?;
    for name in FILES {
        let Some(entry) = entries.iter().find(|entry| entry.name == name) else {
            if name == SPEC {
                continue; // settings are then not known
            }
            let text = format!("{revision} has no report {}/{}, or one without {name}", report[0], report[1]);
            return Err(Failure::Usage(text));
        };
        if entry.bytes > LIMIT {
            let text = format!("{shown}: {name} has {} bytes, more than the {LIMIT} that are read", entry.bytes);
            return Err(Failure::data(text));
        }
        let bytes = raw(&top, &["cat-file", "blob", entry.object].map(OsStr::new), failed)?;
        std::fs::write(copy.path().join(name), bytes).map_err(Failure::run)?;
    }
    Ok(copy)
}

/// A file in a listing of git.
struct Entry<'a> {
    object: &'a str,
    bytes: u64,
    name: &'a str,
}

impl<'a> Entry<'a> {
    /// `<mode> <type> <object> <size>\t<path>`; `None` for what is no plain file.
    fn parse(line: &'a str) -> Option<Self> {
        let (about, path) = line.split_once('\t')?;
        let mut words = about.split_ascii_whitespace();
        let (mode, kind, object, bytes) = (words.next()?, words.next()?, words.next()?, words.next()?);
        (mode.starts_with("100") && kind == "blob").then_some(())?;
        Some(Self { object, bytes: bytes.parse().ok()?, name: path.rsplit('/').next()? })
    }
}

/// The folder of reports as the repository names it.
fn in_repository(top: &Path, reports: &Path) -> Outcome<PathBuf> {
    let real = |path: &Path| {
        path.canonicalize().map_err(|error| Failure::run(format!("cannot open {}: {error}", path.display())))
    };
    let (top, reports) = (real(top)?, real(reports)?);
    reports.strip_prefix(&top).map(Path::to_owned).map_err(|_| {
        Failure::Usage(format!(
            "{} lies outside of the repository {}, so it has no revisions",
            reports.display(),
            top.display()
        ))
    })
}

/// What git says, as text.
fn git(folder: &Path, arguments: &[&OsStr], failed: impl Fn(&str) -> Failure) -> Outcome<String> {
    raw(folder, arguments, failed).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn raw(folder: &Path, arguments: &[&OsStr], failed: impl Fn(&str) -> Failure) -> Outcome<Vec<u8>> {
    let output =
        Command::new("git").arg("-C").arg(folder).args(arguments).output().map_err(|error| {
            Failure::run(format!("git cannot be started, and revisions are read through it: {error}"))
        })?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(failed(said.trim().trim_start_matches("fatal: ")))
}
