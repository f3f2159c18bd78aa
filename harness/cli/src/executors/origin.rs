//! Finds where a run comes from: host, command, checkout, versions.

use harness_learn::{RECIPE, device::Chosen, precision::Precision};
use harness_record::{
    RecordError, Result,
    run::{HostRecord, RunRecord, file},
};
use harness_study::plan::PlannedStage;
use std::{
    collections::BTreeMap,
    path::Path,
    process::Command,
    time::{SystemTime, UNIX_EPOCH},
};

/// The facts that are the same for all stages that this process runs.
pub(super) struct Origin {
    host: String,
    command: Vec<String>,
    commit: Option<String>,
    dirty: bool,
}

impl Origin {
    pub(super) fn of(root: &Path) -> Self {
        let git = |arguments: &[&str]| {
            let output = Command::new("git").arg("-C").arg(root).args(arguments).output().ok()?;
            output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        };
        Self {
            host: gethostname::gethostname().to_string_lossy().into_owned(),
            command: std::env::args().collect(),
            commit: git(&["rev-parse", "HEAD"]),
            // Reports are made from runs, so a rendered report does not change the code of the next run.
            dirty: git(&["status", "--porcelain", "--untracked-files=no", "--", ".", ":(exclude)reports"])
                .is_some_and(|text| !text.is_empty()),
        }
    }

    /// The host record of a run that starts now in `folder`, or goes on there after an earlier sitting.
    pub(super) fn begin(&self, device: &Chosen, folder: &Path) -> Result<HostRecord> {
        let earlier = if folder.join(file::HOST).exists() { Some(HostRecord::read(folder)?) } else { None };
        Ok(HostRecord {
            host: Some(self.host.clone()),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            device: device.name.clone(),
            threads: Some(rayon::current_num_threads()),
            harness: env!("CARGO_PKG_VERSION").to_owned(),
            commit: self.commit.clone(),
            dirty: self.dirty,
            command: self.command.clone(),
            sittings: earlier.as_ref().map_or(1, |host| host.sittings + 1),
            seconds: earlier.as_ref().map_or(0.0, |host| host.seconds),
            started: earlier.as_ref().map_or_else(|| Some(now()), |host| host.started),
            ended: None,
        })
    }
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
