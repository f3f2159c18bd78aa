//! What changed in the figures of a report since its data were collected last.

use super::write_json;
use crate::failure::{Failure, Outcome};
use harness_record::{files, rows};
use harness_report::inputs::{ChangedFigure, ChangesInput, MetricInput, RunInput, file};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// What the data folder held before it is written anew.
pub(super) struct Before {
    runs: Vec<RunInput>,
    metrics: Vec<MetricInput>,
    /// What changed when those were collected.
    changes: Option<Vec<u8>>,
}

impl Before {
    /// `None` if nothing was collected before, or by a version that wrote otherwise.
    pub(super) fn read(data: &Path) -> Option<Self> {
        let runs = files::read(&data.join(file::RUNS), 64 << 20).ok()?;
        Some(Self {
            runs: serde_json::from_slice(&runs).ok()?,
            metrics: rows::read(&data.join(file::METRICS)).ok()?,
            changes: files::read(&data.join(file::CHANGES), 64 << 20).ok(),
        })
    }
}

/// Writes what changed to `path`. Where the runs are the same as before, what changed last stays as it is, so that a
/// repetition changes nothing.
pub(super) fn write(before: Option<Before>, now: (&[RunInput], &[MetricInput]), path: &Path) -> Outcome {
    let Some(before) = before else { return remove(path) };
    if keys(&before.runs) == keys(now.0) {
        return match before.changes {
            Some(bytes) => Ok(files::write(path, &bytes)?),
            None => remove(path),
        };
    }
    write_json(path, &changes(&before, now))
}

fn remove(path: &Path) -> Outcome {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Failure::run(error)),
        _ => Ok(()),
    }
}

fn keys(runs: &[RunInput]) -> BTreeSet<&str> {
    runs.iter().map(|run| run.record.key.as_str()).collect()
}

/// Where a figure of a test stands in the study.
type Place<'a> = (&'a str, &'a str, u64, &'a str, &'a str);

fn figures(metrics: &[MetricInput]) -> BTreeMap<Place<'_>, f64> {
    let tested = metrics.iter().filter(|row| row.stage == "evaluate" && row.predictor == "model");
    tested
        .map(|r| ((r.arm.as_str(), r.protocol.as_str(), r.seed, r.condition.as_str(), r.metric.as_str()), r.value))
        .collect()
}

fn changes(before: &Before, (runs, metrics): (&[RunInput], &[MetricInput])) -> ChangesInput {
    let (old, new) = (figures(&before.metrics), figures(metrics));
    let places: BTreeSet<&Place<'_>> = old.keys().chain(new.keys()).collect();
    let mut changed = Vec::new();
    let mut compared = 0;
    for place in places {
        let (before, after) = (old.get(place).copied(), new.get(place).copied());
        compared += u64::from(before.is_some() && after.is_some());
        // Bits, so that a change of the last digit is one, and what is not a number is equal to itself.
        if before.map(f64::to_bits) != after.map(f64::to_bits) {
            let (arm, protocol, seed, condition, metric) = *place;
            changed.push(ChangedFigure {
                arm: arm.to_owned(),
                protocol: protocol.to_owned(),
                seed,
                condition: condition.to_owned(),
                metric: metric.to_owned(),
                before,
                after,
            });
        }
    }
    let earlier = keys(&before.runs);
    let first = before.runs.first().map(|run| &run.record);
    ChangesInput {
        commit: first.and_then(|record| record.commit.clone()),
        dirty: before.runs.iter().any(|run| run.record.dirty),
        versions: first.map(|record| record.versions.clone()).unwrap_or_default(),
        runs: keys(runs).difference(&earlier).count() as u64,
        compared,
        changed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(key: &str) -> RunInput {
        let record = serde_json::json!({
            "key": key, "kind": "evaluate", "device": "cpu", "deterministic": true, "seconds": 1.0, "commit": "c0"
        });
        RunInput {
            arm: "ssl".into(),
            protocol: "corrected".into(),
            seed: 0,
            stage: "evaluate".into(),
            record: serde_json::from_value(record).unwrap(),
        }
    }

    fn metric(condition: &str, value: f64) -> MetricInput {
        MetricInput {
            arm: "ssl".into(),
            protocol: "corrected".into(),
            seed: 0,
            stage: "evaluate".into(),
            run: "k".into(),
            epoch: 1,
            split: "test".into(),
            predictor: "model".into(),
            condition: condition.into(),
            metric: "dice".into(),
            value,
        }
    }

    #[test]
    fn figures_that_moved_came_or_went_are_named_and_a_repetition_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(file::CHANGES);
        let before = |changes| Before {
            runs: vec![run("a")],
            metrics: vec![metric("blur-0", 0.5), metric("blur-25", 0.25), metric("blur-50", 0.1)],
            changes,
        };
        let now = [metric("blur-0", 0.5), metric("blur-25", 0.375), metric("blur-75", 0.2)];
        write(Some(before(None)), (&[run("b")], &now), &path).unwrap();
        let first = std::fs::read(&path).unwrap();
        let found: ChangesInput = serde_json::from_slice(&first).unwrap();
        assert_eq!((found.commit.as_deref(), found.runs, found.compared), (Some("c0"), 1, 2));
        let moved: Vec<_> = found.changed.iter().map(|c| (c.condition.as_str(), c.before, c.after)).collect();
        let expected =
            [("blur-25", Some(0.25), Some(0.375)), ("blur-50", Some(0.1), None), ("blur-75", None, Some(0.2))];
        assert_eq!(moved, expected);

        write(Some(before(Some(first.clone()))), (&[run("a")], &now), &path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), first);
        write(None, (&[run("a")], &now), &path).unwrap();
        assert!(!path.exists());
    }
}
