//! `study --validation-only`: trains, and prints what the validation images say.

use super::{Ready, gate::registry};
use crate::{
    executors::{self, Jobs, Workshop},
    failure::Outcome,
    output::{say, say_json, table},
    progress::Progress,
};
use harness_record::{
    rows::MetricRow,
    run::{RunRecord, file},
    store::Store,
    table as csv,
    vocabulary::{Key, Protocol, Split, Stage},
};
use harness_study::plan::Plan;
use serde::Serialize;
use std::path::Path;

/// The kept weights of a training, measured on the validation images.
#[derive(Debug, Serialize)]
struct Row<'a> {
    study: &'a str,
    profile: &'a str,
    arm: &'a str,
    protocol: Protocol,
    seed: u64,
    /// The epoch whose weights were kept.
    epoch: u32,
    /// `None` without validation images.
    loss: Option<f64>,
    dice: Option<f64>,
}

/// Takes the tests out of a plan.
pub(super) fn leave_out_tests(plan: &mut Plan) {
    plan.stages.retain(|stage| stage.settings.work.stage() != Stage::Evaluate);
    let Plan { stages, chains } = plan;
    for chain in chains {
        chain.keys.retain(|key| stages.iter().any(|stage| stage.key == *key));
    }
}

/// Runs the trainings of plans without tests. From now on the tests are kept shut.
pub(super) fn train(
    studies: &[Ready],
    reports: &Path,
    (workshop, jobs): (&Workshop<'_>, Jobs),
    progress: &Progress,
) -> Outcome {
    for ready in studies {
        let registry = registry(workshop.store, reports, ready);
        let lock = registry.lock(progress)?;
        registry.note(|notes| notes.shut = true)?;
        drop(lock);
        let name = format!("study {}, profile {}", ready.resolved.name, ready.resolved.profile);
        executors::run(workshop, &ready.plan, jobs, &|| Ok(()), progress).map_err(|failure| failure.during(name))?;
    }
    Ok(())
}

/// Prints a table, or JSON, of all trainings of the studies.
pub(super) fn print(studies: &[Ready], store: &Store, as_json: bool) -> Outcome {
    let mut rows = Vec::new();
    for ready in studies {
        rows.extend(rows_of(ready, store)?);
    }
    if as_json {
        return say_json(&rows);
    }
    for Ready { resolved, .. } in studies {
        let (name, profile) = (&resolved.name, &resolved.profile);
        say(&format!("study {name} ({profile}): trained; no test was run and no report was rendered\n"))?;
        let heads = ["arm", "protocol", "seed", "epoch", "validation loss", "validation Dice (hard)"];
        let mut cells = vec![heads.map(str::to_owned).to_vec()];
        cells.extend(rows.iter().filter(|row| row.study == *name).map(Row::cells));
        say(&table(&cells))?;
    }
    Ok(())
}

fn rows_of<'a>(ready: &'a Ready, store: &Store) -> Outcome<Vec<Row<'a>>> {
    let mut rows = Vec::new();
    for chain in &ready.plan.chains {
        let is_training =
            |key: &&Key| ready.plan.stage(key).is_some_and(|stage| stage.settings.work.stage() == Stage::Finetune);
        let Some(key) = chain.keys.iter().find(is_training) else { continue };
        let folder = store.run(Stage::Finetune, key);
        let kept = RunRecord::read(&folder)?.kept_epoch;
        let measured: Vec<MetricRow> = csv::read_rows(&folder.join(file::METRICS))?;
        let of = |metric: &str| {
            let is_it = |row: &&MetricRow| row.split == Split::Validation && row.epoch == kept && row.metric == metric;
            measured.iter().find(is_it).map(|row| row.value)
        };
        rows.push(Row {
            study: &ready.resolved.name,
            profile: &ready.resolved.profile,
            arm: &chain.arm,
            protocol: chain.protocol,
            seed: chain.seed,
            epoch: kept,
            loss: of("loss"),
            dice: of("dice"),
        });
    }
    Ok(rows)
}

impl Row<'_> {
    fn cells(&self) -> Vec<String> {
        let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.4}"));
        vec![
            self.arm.to_owned(),
            self.protocol.to_string(),
            self.seed.to_string(),
            self.epoch.to_string(),
            number(self.loss),
            number(self.dice),
        ]
    }
}
