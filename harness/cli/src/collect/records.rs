//! What the runs of a report left beside their scores: counts of pixels, their settings, the ends of their logs.

use crate::failure::{Failure, Outcome};
use harness_record::{
    files,
    rows::{self, CalibrationRow, ConfusionRow},
    store::Store,
};
use harness_report::inputs::{CalibrationInput, ConfusionInput, RunInput, file};
use std::{collections::BTreeSet, path::Path};

/// Lines that are kept of a log's end.
const LINES: usize = 40;
/// The most that is read of one log or spec, in bytes.
const LIMIT: u64 = 16 << 20;

/// Writes the pixels of all tests by true and predicted class, and by how sure the networks were.
pub(super) fn write_pixels(runs: &[RunInput], store: &Store, data: &Path) -> Outcome {
    let (mut confusion, mut calibration) = (Vec::new(), Vec::new());
    let mut baselines = false;
    for run in runs.iter().filter(|run| run.stage == "evaluate") {
        let folder = store.run("evaluate", &run.record.key);
        let counted: Vec<ConfusionRow> = rows::read(&folder.join("confusion.csv"))?;
        // As for the scores, one copy of the baselines is enough.
        let wanted = counted.into_iter().filter(|row| row.predictor == "model" || !baselines);
        confusion.extend(wanted.map(|row| ConfusionInput::new(run, row)));
        baselines = true;
        let counted: Vec<CalibrationRow> = rows::read(&folder.join("calibration.csv"))?;
        calibration.extend(counted.into_iter().map(|row| CalibrationInput::new(run, row)));
    }
    rows::write(&data.join(file::CONFUSION), &confusion)?;
    Ok(rows::write(&data.join(file::CALIBRATION), &calibration)?)
}

/// Writes `folder` anew: for each run, by the start of its key, its settings and the end of its log.
pub(super) fn write_runs(runs: &[RunInput], store: &Store, folder: &Path) -> Outcome {
    if folder.exists() {
        std::fs::remove_dir_all(folder).map_err(Failure::run)?;
    }
    let mut seen = BTreeSet::new();
    for run in runs {
        let key = &run.record.key;
        if !seen.insert(key) {
            continue;
        }
        let from = store.run(&run.stage, key);
        let spec = files::read(&from.join("spec.yaml"), LIMIT)?;
        files::write(&folder.join(file::run_spec(key)), &spec)?;
        let log = files::read(&from.join("log.txt"), LIMIT)?;
        files::write(&folder.join(file::run_log(key)), tail(&String::from_utf8_lossy(&log)).as_bytes())?;
    }
    Ok(())
}

/// The last lines of a log, without the paths of the machine that it was written on.
fn tail(log: &str) -> String {
    let lines: Vec<String> = log.lines().map(without_paths).collect();
    let left_out = lines.len().saturating_sub(LINES);
    let mut text = if left_out == 0 { String::new() } else { format!("… {left_out} earlier lines\n") };
    for line in &lines[left_out..] {
        text += line;
        text.push('\n');
    }
    text
}

/// `key 1f2e, in /home/me/runs/finetune/1f2e` and `finetune ssl: stopped: cannot read /home/me/data: …` name folders: what
/// follows is left out.
fn without_paths(line: &str) -> String {
    let named = if line.starts_with("key ") { line.find(", in ") } else { None };
    let stopped = || line.find(": stopped: ").map(|at| at + ": stopped".len());
    line[..named.or_else(stopped).unwrap_or(line.len())].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_ends_as_it_ended_and_names_no_folder() {
        let log = "finetune ssl seed 0: sitting 1 on cpu\nkey 12ab, in /home/me/runs\nepoch 1: loss 0.5\n\
                   finetune ssl seed 0: stopped: cannot read /home/me/x\n";
        let expected =
            "finetune ssl seed 0: sitting 1 on cpu\nkey 12ab\nepoch 1: loss 0.5\nfinetune ssl seed 0: stopped\n";
        assert_eq!(tail(log), expected);
        let long = (0..100).fold(String::new(), |text, n| text + &format!("line {n}\n"));
        let short = tail(&long);
        assert!(short.starts_with("… 60 earlier lines\nline 60\n") && short.ends_with("line 99\n"), "{short}");
    }
}
