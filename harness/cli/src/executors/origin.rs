//! Where a run comes from: host, command, checkout, versions.

use harness_learn::{RECIPE, device::Chosen, precision::Precision};
use harness_record::{
    Result,
    run::{RunRecord, Status},
};
use harness_study::plan::Stage;
use std::{
    collections::BTreeMap,
    path::Path,
    process::Command,
    time::{SystemTime, UNIX_EPOCH},
};

/// What is the same for all stages that this process runs.
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
            // Reports are what runs are made into: to have rendered one does not change the code of the next run.
            dirty: git(&["status", "--porcelain", "--untracked-files=no", "--", ".", ":(exclude)reports"])
                .is_some_and(|text| !text.is_empty()),
        }
    }

    /// The record of a stage that starts now, or goes on after an earlier sitting.
    pub(super) fn begin(&self, stage: &Stage, device: &Chosen, path: &Path) -> Result<RunRecord> {
        let earlier = if path.exists() { Some(RunRecord::read(path)?) } else { None };
        let versions = [
            ("harness", env!("CARGO_PKG_VERSION").to_owned()),
            ("recipe", RECIPE.to_string()),
            ("candle", harness_learn::CANDLE.to_owned()),
            ("pixels", harness_images::pixels::VERSION.to_string()),
            ("os", std::env::consts::OS.to_owned()),
            ("arch", std::env::consts::ARCH.to_owned()),
        ];
        let work = &stage.settings.work;
        Ok(RunRecord {
            key: stage.key.clone(),
            kind: work.kind().to_owned(),
            status: Status::Running,
            parents: work.parent().map(|(_, key)| key.to_owned()).into_iter().collect(),
            seed: stage.settings.seed,
            protocol: work.protocol().map(|p| p.name().to_owned()),
            device: in_words(device, stage.settings.precision),
            deterministic: device.deterministic,
            threads: rayon::current_num_threads(),
            data: stage.settings.data.clone(),
            parameters: 0,
            epochs: None,
            kept_epoch: None,
            seconds: 0.0,
            sittings: earlier.as_ref().map_or(1, |record| record.sittings + 1),
            started: earlier.as_ref().map_or_else(now, |record| record.started),
            ended: None,
            host: self.host.clone(),
            command: self.command.clone(),
            commit: self.commit.clone(),
            dirty: self.dirty,
            algorithms: Vec::new(),
            versions: versions.into_iter().map(|(k, v)| (k.to_owned(), v)).collect::<BTreeMap<_, _>>(),
        })
    }
}

/// `cuda:0`, `cuda:0 in bf16`.
fn in_words(device: &Chosen, precision: Precision) -> String {
    match precision {
        Precision::F32 => device.name.clone(),
        _ => format!("{} in {precision}", device.name),
    }
}

/// Seconds since 1970, UTC.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
}
