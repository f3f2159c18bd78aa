//! Finds where a run comes from: host, command, checkouts, versions.

use crate::{git, program};
use harness_learn::{RECIPE, device::Chosen, precision::Precision};
use harness_record::{
    RecordError, Result,
    run::{Checkout, HostRecord, RunRecord, file},
};
use harness_study::plan::PlannedStage;
use std::{
    collections::BTreeMap,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

/// The files beside the program that can change numbers or reports, for `git status`. A study that git ignores is not
/// committed either.
const SPECS: [&str; 8] = [
    "--ignored",
    "--",
    "studies/*.yaml",
    "templates/*.j2",
    "templates/*.css",
    "templates/*.js",
    "data-manifests/*.yaml",
    "data-manifests/*.csv",
];

/// The facts that are the same for all stages that this process runs.
pub(super) struct Origin {
    host: String,
    command: Vec<String>,
    specs: Checkout,
    same_repository: bool,
}

impl Origin {
    pub(super) fn of(root: &Path) -> Self {
        Self {
            host: gethostname::gethostname().to_string_lossy().into_owned(),
            command: std::env::args().collect(),
            specs: specs(root),
            same_repository: root.join("harness/cli/Cargo.toml").is_file(),
        }
    }

    /// The host record of a run that starts now in `folder`, or goes on there after an earlier sitting.
    pub(super) fn begin(&self, device: &Chosen, folder: &Path) -> Result<HostRecord> {
        let earlier = if folder.join(file::HOST).exists() { Some(HostRecord::read(folder)?) } else { None };
        let (mut specs, mut program) = (self.specs.clone(), program::checkout());
        // A run that goes on from a checkpoint is the work of both sittings.
        if let Some(earlier) = earlier.as_ref().filter(|_| folder.join("checkpoint").exists()) {
            specs = specs.after(&earlier.specs);
            program = program.after(&earlier.program);
        }
        Ok(HostRecord {
            host: Some(self.host.clone()),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            device: device.name.clone(),
            threads: Some(rayon::current_num_threads()),
            harness: env!("CARGO_PKG_VERSION").to_owned(),
            specs,
            program,
            same_repository: Some(self.same_repository),
            command: self.command.clone(),
            sittings: earlier.as_ref().map_or(1, |host| host.sittings + 1),
            seconds: earlier.as_ref().map_or(0.0, |host| host.seconds),
            started: earlier.as_ref().map_or_else(|| Some(now()), |host| host.started),
            ended: None,
        })
    }
}

/// The checkout of the specs in `root`.
fn specs(root: &Path) -> Checkout {
    let (commit, dirty) = git::state(root, &SPECS);
    Checkout { commit, dirty }
}

/// The results of a stage's work, for its record.
pub(super) struct Done {
    pub(super) seconds: f64,
    pub(super) parameters: u64,
    /// Epochs that were trained.
    pub(super) epochs: u32,
    /// The epoch whose weights are kept.
    pub(super) kept_epoch: u32,
}

/// The record of a stage whose results are `done`, without the digests of its files.
pub(super) fn record(stage: &PlannedStage, device: &Chosen, done: &Done) -> Result<RunRecord> {
    let settings = &stage.settings;
    let versions = [
        ("recipe", RECIPE.to_string()),
        ("candle", harness_learn::CANDLE.to_owned()),
        ("pixels", harness_images::pixels::VERSION.to_string()),
    ];
    Ok(RunRecord {
        key: stage.key.clone(),
        stage: settings.work.stage(),
        parents: settings.work.parent().map(|(_, key)| key.clone()).into_iter().collect(),
        seed: settings.seed,
        protocol: settings.work.protocol(),
        device: in_words(device, settings.precision),
        deterministic: device.deterministic,
        data: settings.data.clone(),
        parameters: done.parameters,
        epochs: done.epochs,
        kept_epoch: done.kept_epoch,
        algorithms: harness_learn::ops::chosen_algorithms(),
        versions: versions.map(|(name, version)| (name.to_owned(), version)).into(),
        settings: serde_json::to_value(settings).map_err(no_json)?,
        files: BTreeMap::new(),
    })
}

fn no_json(source: serde_json::Error) -> RecordError {
    RecordError::Json { path: file::RUN.into(), source }
}

/// The device in words: `cpu`, `cuda`, `cuda in bf16`.
fn in_words(device: &Chosen, precision: Precision) -> String {
    match precision {
        Precision::F32 => device.kind.to_owned(),
        _ => format!("{} in {precision}", device.kind),
    }
}

/// The current time in seconds since 1970, UTC.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, path::PathBuf};
    use tempfile::TempDir;

    const COMMITTED: [&str; 3] = ["studies/_base/pets.yaml", "studies/blurring.yaml", "templates/partials/page.css"];

    /// A folder with specs, which no repository holds.
    struct Root(TempDir);

    impl Root {
        fn new() -> Self {
            let root = Self(tempfile::tempdir().unwrap());
            for file in COMMITTED {
                root.write(file, "as committed\n");
            }
            root
        }

        /// The same in a repository.
        fn committed() -> Self {
            let root = Self::new();
            root.git(&["init", "-q"]);
            root.git(&["add", "."]);
            root.git(&["commit", "-q", "-m", "First"]);
            root
        }

        fn git(&self, arguments: &[&str]) {
            let settings = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"];
            assert!(git::git(self.0.path(), &[&settings[..], arguments].concat()).is_some(), "{arguments:?}");
        }

        fn path(&self, file: &str) -> PathBuf {
            self.0.path().join(file)
        }

        fn write(&self, file: &str, text: &str) {
            let path = self.path(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        #[track_caller]
        fn is(&self, dirty: Option<bool>) {
            let found = specs(self.0.path());
            assert_eq!((found.commit.map(|commit| commit.len()), found.dirty), (Some(40), dirty));
        }
    }

    #[test]
    fn specs_are_clean_only_if_all_of_them_are_committed() {
        let root = Root::committed();
        root.is(Some(false));
        for file in COMMITTED {
            root.write(file, "another\n");
            root.is(Some(true));
            root.write(file, "as committed\n");
            root.is(Some(false));
        }
        // Nobody has committed these.
        for file in ["studies/own.yaml", "studies/_base/own.yaml", "templates/own.md.j2", "data-manifests/a/own.csv"] {
            root.write(file, "own\n");
            root.is(Some(true));
            fs::remove_file(root.path(file)).unwrap();
        }
        // Even those that git ignores.
        root.write("studies/.gitignore", "own.yaml\n");
        root.is(Some(false));
        root.write("studies/own.yaml", "own\n");
        root.is(Some(true));
        fs::remove_file(root.path("studies/own.yaml")).unwrap();
        fs::remove_file(root.path("studies/blurring.yaml")).unwrap();
        root.is(Some(true));
    }

    #[test]
    fn what_a_run_does_not_read_changes_nothing() {
        let root = Root::committed();
        for file in ["README.md", "reports/demo/report.md", "runs/x", "studies/.own.yaml.swp", "templates/README.md"] {
            root.write(file, "another\n");
        }
        root.is(Some(false));
    }

    #[test]
    fn what_git_does_not_say_is_unknown() {
        let root = Root::new();
        assert_eq!(specs(root.0.path()), Checkout::default());
        root.git(&["init", "-q"]);
        assert_eq!(specs(root.0.path()), Checkout::default(), "a repository without a commit");
        let root = Root::committed();
        root.write(".git/index", "damaged");
        root.is(None);
        root.write(".git/HEAD", "damaged");
        assert_eq!(specs(root.0.path()), Checkout::default());
        assert_eq!(specs(&root.path("nowhere")), Checkout::default());
    }

    #[test]
    fn a_repository_that_ignores_or_lacks_all_specs_does_not_hold_them() {
        let outer = Root::committed();
        outer.write("inner/studies/own.yaml", "own\n");
        let inner = || specs(&outer.path("inner")).dirty;
        assert_eq!(inner(), Some(true));
        outer.write(".gitignore", "inner\n");
        assert_eq!(inner(), Some(true));
    }
}
