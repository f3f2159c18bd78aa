//! Reads a report's data as committed, through git, into a temporary folder.

use crate::{
    cli::Folders,
    failure::{Failure, Outcome},
};
use harness_record::{rows::PlaceRow, table, vocabulary::Key};
use harness_report::inputs::file;
use std::{
    collections::BTreeSet,
    ffi::OsStr,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// Size limit for reading one file, in bytes: the full test set under every arm, seed and condition is below 100 MB.
const LIMIT: u64 = 256 << 20;

/// Copies the data of `reports/<profile>/<study>/` as of `revision` into a temporary folder, which lasts as long as the
/// returned value.
pub(super) fn checkout(folders: &Folders, revision: &str, report: &[String; 2]) -> Outcome<Checkout> {
    let top = PathBuf::from(
        git(&folders.root, &[OsStr::new("rev-parse"), OsStr::new("--show-toplevel")], |said| {
            Failure::Usage(format!(
                "{} is not in a git repository, so it has no revisions: {said}",
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
    let tree = Tree { top: &top, commit: commit.trim(), shown: format!("{revision}:{}/{}", report[0], report[1]) };
    let profile = in_repository(&top, &folders.reports)?.join(report[0].as_str());
    let copy = tempfile::tempdir().map_err(Failure::run)?;
    let data = copy.path().join(report[1].as_str()).join("data");
    for entry in tree.entries(&profile.join(report[1].as_str()).join("data"))? {
        tree.copy(&entry, &data)?;
    }
    let places = data.join(file::PLACES);
    if !places.is_file() {
        let text =
            format!("{revision} has no report {}/{} that this version of harness can read", report[0], report[1]);
        return Err(Failure::Usage(text));
    }
    let runs: BTreeSet<Key> = table::read_rows::<PlaceRow>(&places)?.into_iter().map(|place| place.run).collect();
    for run in runs {
        let to = file::run_folder(&data, &run);
        for entry in tree.entries(&profile.join(file::RUNS).join(run.short()))? {
            // Pictures are not compared.
            if Path::new(&entry.name).extension().is_none_or(|ending| ending != "png") {
                tree.copy(&entry, &to)?;
            }
        }
    }
    Ok(Checkout { _copy: copy, data })
}

/// A report's data as committed, for as long as this value lives.
pub(super) struct Checkout {
    _copy: TempDir,
    /// The report's data folder. The runs lie beside it as they do in a profile.
    pub(super) data: PathBuf,
}

/// The files of a commit.
struct Tree<'a> {
    top: &'a Path,
    commit: &'a str,
    /// The name of what is read, for errors.
    shown: String,
}

impl Tree<'_> {
    /// The plain files in a folder, named as the repository names them.
    fn entries(&self, folder: &Path) -> Outcome<Vec<Entry>> {
        let mut inside = folder.as_os_str().to_owned();
        inside.push("/");
        let arguments = ["ls-tree", "-l", "-z", "--full-tree", self.commit].map(OsStr::new);
        let listing = git(self.top, &[&arguments[..], &[OsStr::new("--"), inside.as_os_str()]].concat(), |said| {
            self.failed(said)
        })?;
        Ok(listing.split('\0').filter_map(Entry::parse).collect())
    }

    /// Writes a file into `folder`.
    fn copy(&self, entry: &Entry, folder: &Path) -> Outcome {
        let Entry { object, bytes, name } = entry;
        if *bytes > LIMIT {
            let text = format!("{}: {name} has {bytes} bytes; at most {LIMIT} are read", self.shown);
            return Err(Failure::data(text));
        }
        let content = raw(self.top, &["cat-file", "blob", object].map(OsStr::new), |said| self.failed(said))?;
        std::fs::create_dir_all(folder).map_err(Failure::run)?;
        std::fs::write(folder.join(name), content).map_err(Failure::run)
    }

    fn failed(&self, said: &str) -> Failure {
        Failure::data(format!("{} cannot be read from git: {said}", self.shown))
    }
}

/// A file in a listing of git.
struct Entry {
    object: String,
    bytes: u64,
    /// The name of the file in its folder.
    name: String,
}

impl Entry {
    /// Parses `<mode> <type> <object> <size>\t<path>`; `None` for anything but a plain file.
    fn parse(line: &str) -> Option<Self> {
        let (about, path) = line.split_once('\t')?;
        let mut words = about.split_ascii_whitespace();
        let (mode, kind, object, bytes) = (words.next()?, words.next()?, words.next()?, words.next()?);
        (mode.starts_with("100") && kind == "blob").then_some(())?;
        let name = path.rsplit('/').next()?.to_owned();
        Some(Self { object: object.to_owned(), bytes: bytes.parse().ok()?, name })
    }
}

/// The path of the folder of reports within the repository.
fn in_repository(top: &Path, reports: &Path) -> Outcome<PathBuf> {
    let real = |path: &Path| {
        path.canonicalize().map_err(|error| Failure::run(format!("cannot open {}: {error}", path.display())))
    };
    let (top, reports) = (real(top)?, real(reports)?);
    reports.strip_prefix(&top).map(Path::to_owned).map_err(|_| {
        Failure::Usage(format!(
            "{} is outside the repository {}, so it has no revisions",
            reports.display(),
            top.display()
        ))
    })
}

/// Runs git and returns its output as text.
fn git(folder: &Path, arguments: &[&OsStr], failed: impl Fn(&str) -> Failure) -> Outcome<String> {
    raw(folder, arguments, failed).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn raw(folder: &Path, arguments: &[&OsStr], failed: impl Fn(&str) -> Failure) -> Outcome<Vec<u8>> {
    let output = crate::git::command(folder)
        .args(arguments)
        .output()
        .map_err(|error| Failure::run(format!("cannot start git, which is needed to read revisions: {error}")))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(failed(said.trim().trim_start_matches("fatal: ")))
}
