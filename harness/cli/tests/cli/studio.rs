//! A copy of the project in a temporary folder, and the binary that runs in it.

mod stores;

use serde_json::Value;
use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::LazyLock,
    time::{Duration, Instant, SystemTime},
};
pub(crate) use stores::{edit_run, hosts, published, runs, unfinished};
use tempfile::TempDir;

/// Settings for a study of a second or two: the demo profile with smaller and fewer pictures, and a smaller network.
pub(crate) const TINY: [&str; 8] = [
    "data.size=16",
    "model.vqvae={width: 8, depth: 1, inner: 4, dim: 4, codes: 16}",
    "data.pretraining={dataset: {synthetic-pets: {trainval: 0, test: 0, unlabelled: 24}}, validation: 8}",
    "data.segmentation={dataset: {synthetic-pets: {trainval: 24, test: 4, unlabelled: 0}}, split: {official: {validation: {images: 8}}}}",
    "pretraining.epochs=3",
    "finetuning.epochs=4",
    "evaluation.blur=[0, 25, 100]",
    "report.gallery.images=2",
];

/// Longer than any command of these tests takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_mins(4);

/// A folder with the project's studies, templates and manifests, and room for its own runs and reports.
pub(crate) struct Studio {
    folder: TempDir,
}

impl Studio {
    /// A studio in which nothing has been run.
    pub(crate) fn new() -> Self {
        let studio = Self { folder: tempfile::tempdir().unwrap() };
        for part in ["studies", "templates", "data-manifests"] {
            copy(&project().join(part), &studio.path(part));
        }
        studio
    }

    /// A studio whose studies are tiny in the demo profile.
    pub(crate) fn tiny() -> Self {
        Self::with(&TINY)
    }

    /// A studio whose studies have these settings in the demo profile.
    pub(crate) fn with(settings: &[&str]) -> Self {
        let studio = Self::new();
        studio.set(settings);
        studio
    }

    /// Writes the studies of the project anew, with these settings in their demo profile. A setting is written as for
    /// `--set`. That option itself would give each study another report than its own.
    pub(crate) fn set(&self, settings: &[&str]) {
        let mut fields = Value::Null;
        // The demo has several seeds; one is enough for most tests.
        for setting in ["seeds=[0]"].iter().chain(settings) {
            let (path, value) = setting.split_once('=').unwrap();
            let field = path.split('.').fold(&mut fields, |fields, name| &mut fields[name]);
            *field = serde_yaml::from_str(value).unwrap();
        }
        let fields = serde_yaml::to_string(&fields).unwrap().trim_end().replace('\n', "\n    ");
        let profiles = format!("\nprofiles:\n  demo:\n    {fields}\n");
        for entry in fs::read_dir(project().join("studies")).unwrap().map(Result::unwrap) {
            if entry.path().extension().is_some_and(|ending| ending == "yaml") {
                let text = fs::read_to_string(entry.path()).unwrap().replace("\n  demo: {}\n", "\n");
                assert!(text.contains("\nprofiles:\n"), "{}", entry.path().display());
                let text = text.replace("\nprofiles:\n", &profiles);
                fs::write(self.path("studies").join(entry.file_name()), text).unwrap();
            }
        }
    }

    /// A studio in which the tiny study has been run.
    pub(crate) fn finished() -> Self {
        let studio = Self { folder: tempfile::tempdir().unwrap() };
        copy(&FINISHED.folder, studio.folder.path());
        studio
    }

    /// A path in the studio.
    pub(crate) fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(relative)
    }

    /// The binary, set up to run in the studio and to touch nothing outside.
    pub(crate) fn harness(&self, arguments: &[&str]) -> Command {
        harness_in(self.folder.path(), arguments)
    }

    /// Runs the binary in the studio.
    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        Said::of(self.harness(arguments))
    }

    /// Runs the study `blurring` at the demo size in the studio, with more arguments.
    pub(crate) fn study(&self, more: &[&str]) -> Said {
        self.run(&study(more))
    }

    /// The text of a file in the studio.
    pub(crate) fn read(&self, relative: impl AsRef<Path>) -> String {
        let path = self.path(relative);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Replaces the first `from` in a file of the studio by `to`, and returns the new text.
    pub(crate) fn edit(&self, relative: impl AsRef<Path>, from: &str, to: &str) -> String {
        let text = self.read(&relative);
        assert!(text.contains(from), "{} does not contain {from:?}", relative.as_ref().display());
        let text = text.replacen(from, to, 1);
        fs::write(self.path(relative), &text).unwrap();
        text
    }

    /// The only sub-folder of a folder in the studio, or the first of several.
    pub(crate) fn first_in(&self, relative: impl AsRef<Path>) -> PathBuf {
        let folder = self.path(relative);
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut folders: Vec<PathBuf> = entries.map(|e| e.unwrap().path()).filter(|path| path.is_dir()).collect();
        folders.sort();
        folders.into_iter().next().unwrap_or_else(|| panic!("{} holds no folder", folder.display()))
    }
}

/// The tiny study, run once for all tests. Its folder stays: nothing is dropped when a process ends, so every test run
/// would leave a temporary folder behind.
static FINISHED: LazyLock<Finished> = LazyLock::new(|| {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let lock = fs::File::create(place.join("finished.lock")).unwrap();
    lock.lock().unwrap();
    let folder = place.join("finished");
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    let studio = Studio::tiny();
    studio.study(&[]).ended(0);
    copy(studio.folder.path(), &folder);
    Finished { folder, _lock: lock }
});

/// The folder of the finished study. While this process lives, no other one makes it anew.
struct Finished {
    folder: PathBuf,
    _lock: fs::File,
}

/// The arguments that run the study `blurring` at the demo size, and more arguments.
pub(crate) fn study<'a>(more: &[&'a str]) -> Vec<&'a str> {
    study_called("blurring", more)
}

/// The same for a study of another name.
pub(crate) fn study_called<'a>(name: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["study", name, "--profile", "demo"][..], more].concat()
}

/// The folder of the project.
fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn harness_in(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_harness"));
    command.current_dir(folder).args(arguments);
    for name in ["HARNESS_STORE", "HARNESS_REPORTS", "RAYON_NUM_THREADS"] {
        command.env_remove(name);
    }
    // There is no data set here, unless a test puts one there.
    command.env("HARNESS_DATA", folder.join("data"));
    command
}

/// The exit code and the output of a command that ended.
pub(crate) struct Said {
    code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
}

impl Said {
    /// Runs `command` to its end.
    pub(crate) fn of(command: Command) -> Self {
        let start = Instant::now();
        let output = assert_cmd::Command::from_std(command).timeout(PATIENCE).output().unwrap();
        Self { took: start.elapsed(), ..Self::from(output) }
    }

    /// It must have ended with this exit code.
    #[track_caller]
    pub(crate) fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Returns true if it ended with an exit code that means failure.
    pub(crate) fn ended_badly(&self) -> bool {
        matches!(self.code, Some(1..=5))
    }

    /// Stdout must hold this.
    #[track_caller]
    pub(crate) fn answers(self, fragment: &str) -> Self {
        assert!(self.stdout.contains(fragment), "no {fragment:?} in stdout:\n{}", self.stdout);
        self
    }

    /// Stderr must hold this.
    #[track_caller]
    pub(crate) fn tells(self, fragment: &str) -> Self {
        assert!(self.stderr.contains(fragment), "no {fragment:?} in stderr:\n{}", self.stderr);
        self
    }

    /// Stdout as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in:\n{}", self.stdout))
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
            took: Duration::ZERO,
        }
    }
}

/// A process that runs beside the test, and dies with it.
pub(crate) struct Running(Option<Child>);

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        Self(Some(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()))
    }

    fn child(&mut self) -> &mut Child {
        self.0.as_mut().unwrap()
    }

    /// Waits until `condition` holds; the process must not end before.
    #[track_caller]
    pub(crate) fn until(&mut self, what: &str, condition: impl Fn() -> bool) {
        let start = Instant::now();
        while !condition() {
            let ended = self.child().try_wait().unwrap();
            assert!(ended.is_none() && start.elapsed() < PATIENCE, "not seen: {what} ({ended:?})");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// SIGKILL: the process can do nothing about it.
    pub(crate) fn kill(mut self) {
        self.child().kill().unwrap();
        self.child().wait().unwrap();
    }

    /// Sends a signal by its name: `INT`, `TERM`.
    pub(crate) fn signal(&mut self, name: &str) {
        let id = self.child().id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap().success());
    }

    /// Waits for the process to end.
    pub(crate) fn wait(mut self) -> Said {
        self.0.take().unwrap().wait_with_output().unwrap().into()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Every file below `folder`, by its path relative to it, with `/` between the names.
pub(crate) fn paths(folder: &Path) -> BTreeMap<String, PathBuf> {
    let files = walkdir::WalkDir::new(folder).into_iter().map(Result::unwrap).filter(|e| e.file_type().is_file());
    files
        .map(|entry| {
            let names = entry.path().strip_prefix(folder).unwrap().iter().map(OsStr::to_string_lossy);
            (names.collect::<Vec<_>>().join("/"), entry.into_path())
        })
        .collect()
}

/// Contents of every file below `folder`.
pub(crate) fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    paths(folder).into_iter().map(|(name, path)| (name, fs::read(path).unwrap())).collect()
}

/// The modification time of every file below `folder`.
pub(crate) fn times(folder: &Path) -> BTreeMap<String, SystemTime> {
    paths(folder).into_iter().map(|(name, path)| (name, path.metadata().unwrap().modified().unwrap())).collect()
}

/// The results of runs below a store or a folder of reports: everything but the files that say when, where and how
/// long.
pub(crate) fn results(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    const TOLD: [&str; 3] = ["host.json", "log.txt", "provenance.json"];
    let mut all = contents(folder);
    all.retain(|name, _| {
        let last = name.rsplit('/').next().unwrap();
        // Locks, stamps, and files that were being written when their process was killed.
        let passing = ["lock", "stamp", "tmp"].map(|ending| Some(OsStr::new(ending)));
        !(TOLD.contains(&last) || passing.contains(&Path::new(last).extension()))
    });
    all
}

/// Panics with the names of all files that are different.
#[track_caller]
pub(crate) fn assert_same(left: &BTreeMap<String, Vec<u8>>, right: &BTreeMap<String, Vec<u8>>) {
    let mut differences = String::new();
    for name in left.keys().chain(right.keys().filter(|name| !left.contains_key(*name))) {
        match (left.get(name), right.get(name)) {
            (Some(a), Some(b)) if a == b => {}
            (Some(_), Some(_)) => writeln!(differences, "different: {name}").unwrap(),
            (Some(_), None) => writeln!(differences, "only on the left: {name}").unwrap(),
            (None, _) => writeln!(differences, "only on the right: {name}").unwrap(),
        }
    }
    assert!(!left.is_empty() && differences.is_empty(), "of {} files:\n{differences}", left.len());
}

/// Runs git in the studio, with a user name of its own and without the machine's configuration. Returns what it says.
pub(crate) fn git(studio: &Studio, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.current_dir(studio.path(".")).args(["-c", "user.name=t", "-c", "user.email=t@example.org"]).args(arguments);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        command.env_remove(name);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Copies a folder with all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    for (name, path) in paths(from) {
        let target = to.join(name);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(path, target).unwrap();
    }
}
