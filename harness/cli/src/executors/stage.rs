//! Runs one stage: its work, its log and its record.

use super::{
    origin,
    sitting::{Folder, Sitting, WEIGHTS},
    workshop::Workshop,
};
use crate::{
    failure::{Failure, Outcome},
    progress::Progress,
};
use harness_record::{
    digest, files,
    monitor::Monitor as _,
    run::file,
    vocabulary::{PictureSheet, Stage},
};
use harness_study::plan::{PlannedStage, Work};

/// Runs a stage whose lock the caller holds.
pub(super) fn run_stage(workshop: &Workshop<'_>, stage: &PlannedStage, progress: Progress) -> Outcome {
    let folder = Folder { path: workshop.store.run(stage.settings.work.stage(), &stage.key) };
    let sitting = Sitting { workshop, stage, folder, progress };
    let name = stage.describe();
    sitting.progress.begin(&name, 1);
    let result = perform(&sitting);
    if result.is_ok() {
        sitting.progress.advance(1);
    }
    sitting.progress.end();
    result.map_err(|failure| failure.during(name))
}

fn perform(sitting: &Sitting<'_>) -> Outcome {
    let Sitting { workshop, stage, folder, progress } = sitting;
    files::sweep(&folder.path)?;
    let mut host = workshop.origin.begin(workshop.device, &folder.path)?;
    host.write(&folder.path)?;
    progress.log_to(Some(&folder.file("log.txt"))).map_err(Failure::run)?;
    progress.log(&format!("{}: sitting {} on {}", stage.describe(), host.sittings, host.device));
    progress.detail(&format!("key {}, in {}", stage.key, folder.path.display()));
    let result = match &stage.settings.work {
        Work::Pretrain { .. } => sitting.pretrain(),
        Work::Finetune { .. } => sitting.finetune(),
        Work::Evaluate { .. } => sitting.evaluate(),
    };
    match &result {
        Ok(done) => progress.log(&format!("{}: done in {:.1} s of work", stage.describe(), done.seconds)),
        Err(failure) => progress.log(&format!("{}: stopped: {failure}", stage.describe())),
    }
    progress.log_to(None).map_err(Failure::run)?;
    let done = result?;
    host.seconds = done.seconds;
    host.ended = Some(origin::now());
    host.write(&folder.path)?;
    let mut record = origin::record(stage, workshop.device, &done)?;
    for name in outputs(stage.settings.work.stage()) {
        record.files.insert(name.to_owned(), digest::of_file(&folder.file(name))?);
    }
    // The record is written last: a run that has it is done.
    record.write(&folder.path)?;
    workshop.drop_checkpoint(stage);
    Ok(())
}

/// Names of the files that a stage leaves, whose digests its record holds.
fn outputs(stage: Stage) -> Vec<&'static str> {
    match stage {
        Stage::Pretrain | Stage::Finetune => vec![file::FILES, file::METRICS, WEIGHTS],
        Stage::Evaluate => vec![
            file::FILES,
            file::METRICS,
            file::PER_IMAGE,
            file::BASELINES,
            file::CONFUSION,
            file::CALIBRATION,
            file::PICTURES,
            PictureSheet::Images.name(),
            PictureSheet::Masks.name(),
        ],
    }
}
