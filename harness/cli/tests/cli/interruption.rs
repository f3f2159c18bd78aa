//! A study that is killed anywhere and started again ends with the same bytes as one that never was.

#![cfg(unix)]

use crate::studio::{Running, Said, Studio, assert_same, contents, hosts, paths, results, runs, study, unfinished};
use harness_record::run::HostRecord;
use std::{fs, path::Path, time::Duration};

/// Settings for stages of about half a second, most of it in epochs: long enough to be interrupted midway.
const SLOW: [&str; 11] = [
    "data.size=32",
    "model.vqvae={width: 16, depth: 1, inner: 8, dim: 8, codes: 32}",
    "data.pretraining={dataset: {synthetic-pets: {trainval: 0, test: 0, unlabelled: 48}}, validation: 8}",
    "data.segmentation={dataset: {synthetic-pets: {trainval: 48, test: 8, unlabelled: 0}}, split: {official: {validation: {images: 8}}}}",
    "pretraining.epochs=10",
    "pretraining.batch=4",
    "finetuning.epochs=10",
    "finetuning.batch=4",
    "evaluation.blur=[0, 25, 100]",
    "protocols=[corrected]",
    "report.gallery.images=2",
];

fn slow() -> Studio {
    Studio::with(&SLOW)
}

/// Starts the study beside the test.
fn start(studio: &Studio) -> Running {
    Running::start(studio.harness(&study(&[])))
}

fn finish(studio: &Studio) -> Said {
    studio.study(&[]).ended(0)
}

/// Returns true if the unfinished run of a stage of this kind has a checkpoint of at least this epoch.
fn reached(store: &Path, kind: &str, epoch: u32) -> bool {
    let runs = fs::read_dir(store.join(kind)).into_iter().flatten().flatten();
    let mut checkpoints =
        runs.flat_map(|run| fs::read_dir(run.path().join("checkpoint")).into_iter().flatten().flatten());
    checkpoints.any(|file| {
        let name = file.file_name().to_string_lossy().into_owned();
        let number = name.strip_prefix("epoch-").and_then(|name| name.strip_suffix(".safetensors"));
        number.and_then(|number| number.parse::<u32>().ok()).is_some_and(|number| number >= epoch)
    })
}

/// Returns true if a run of this kind has begun.
fn begun(store: &Path, kind: &str) -> bool {
    let mut runs = fs::read_dir(store.join(kind)).into_iter().flatten().flatten();
    runs.any(|run| run.path().join("host.json").exists())
}

/// The sittings of all runs together. Runs may come and go meanwhile.
fn all_sittings(store: &Path) -> u32 {
    let kinds = ["pretrain", "finetune", "evaluate"].map(|kind| fs::read_dir(store.join(kind)));
    let runs = kinds.into_iter().flatten().flatten().flatten();
    runs.filter_map(|run| HostRecord::read(&run.path()).ok()).map(|host| host.sittings).sum()
}

/// The largest number of sittings of a run of this kind.
fn sittings(store: &Path, kind: &str) -> u32 {
    hosts(&store.join(kind)).into_iter().map(|host| host.sittings).max().unwrap()
}

#[test]
fn killed_many_times_it_ends_with_the_same_bytes() {
    let (calm, killed) = (slow(), slow());
    finish(&calm);
    let store = killed.path("runs");
    for (kind, epoch) in [("pretrain", 2), ("pretrain", 5), ("pretrain", 6), ("finetune", 1), ("finetune", 4)] {
        let mut running = start(&killed);
        running.until(&format!("epoch {epoch} of {kind}"), || reached(&store, kind, epoch));
        running.kill();
        assert!(!unfinished(&store.join(kind)).is_empty());
    }
    assert!(sittings(&store, "pretrain") >= 3 && sittings(&store, "finetune") >= 2);
    // These kills hit the study wherever it is by then: in the second fine-tuning, in evaluation, in collecting.
    for pause in [60, 130, 350, 90, 210] {
        let running = start(&killed);
        std::thread::sleep(Duration::from_millis(pause));
        running.kill();
    }
    let mut running = start(&killed);
    running.until("an evaluation", || begun(&store, "evaluate"));
    running.kill();
    let said = finish(&killed);
    assert!(unfinished(&store).is_empty(), "{}", said.stderr);
    assert_same(&results(&calm.path("runs")), &results(&store));
    assert_same(&results(&calm.path("reports")), &results(&killed.path("reports")));
    finish(&killed).answers("up to date");
}

#[test]
fn killed_while_it_collects_it_makes_the_whole_report() {
    let (calm, killed) = (Studio::tiny(), Studio::tiny());
    finish(&calm);
    finish(&killed);
    let (runs, data) = (killed.path("runs"), killed.path("reports/demo/blurring/data"));
    let page = killed.path("reports/demo/blurring/index.html");
    for late in [false, true] {
        fs::remove_dir_all(killed.path("reports")).unwrap();
        let mut running = start(&killed);
        running.until("collecting", || data.join(if late { "places.csv" } else { "study.json" }).exists());
        running.kill();
        assert!(!page.exists(), "it was killed too late to say anything");
    }
    finish(&killed).answers("done");
    assert_same(&results(&calm.path("runs")), &results(&runs));
    assert_same(&results(&calm.path("reports")), &results(&killed.path("reports")));
    finish(&killed).answers("up to date");
}

#[test]
fn asked_to_stop_it_says_so_and_goes_on_later() {
    let (calm, stopped) = (slow(), slow());
    finish(&calm);
    let store = stopped.path("runs");
    for (kind, epoch, signal) in [("pretrain", 2, "INT"), ("pretrain", 5, "INT"), ("finetune", 3, "TERM")] {
        // A stage that runs beside the one before may have come this far in an earlier sitting.
        let before = all_sittings(&store);
        let mut running = start(&stopped);
        running.until("a sitting", || all_sittings(&store) > before);
        running.until(&format!("epoch {epoch} of {kind}"), || reached(&store, kind, epoch));
        running.signal(signal);
        let said = running.wait().ended(130).tells("stopping; finished work is kept");
        let said = said.tells("interrupted; finished work is kept: run the same command again to continue");
        assert!(!said.stderr.contains("error:"), "{}", said.stderr);
    }
    let plan = stopped.study(&["--dry-run"]).ended(0);
    assert!(plan.stdout.contains("to resume"), "{}", plan.stdout);
    let log = fs::read_to_string(stopped.first_in("runs/pretrain").join("log.txt")).unwrap();
    assert!(log.matches("stopped: interrupted").count() >= 2, "{log}");
    assert!(log.contains("sitting 3") && log.matches("resuming after epoch").count() >= 2, "{log}");
    finish(&stopped);
    assert_same(&results(&calm.path("runs")), &results(&store));
    assert_same(&results(&calm.path("reports")), &results(&stopped.path("reports")));
}

/// A crash may also come between the checkpoint of the last epoch and its rows in metrics.csv.
#[test]
fn rows_of_the_last_epoch_survive_a_crash_right_after_its_checkpoint() {
    let (calm, crashed) = (Studio::finished(), Studio::tiny());
    for kind in ["pretrain", "finetune"] {
        // The fine-tuning must be one that builds on the pretraining, because that one cannot have run beside it.
        let records = runs(&calm.path("runs"));
        let record = records
            .iter()
            .find(|run| run.stage.name() == kind && (kind == "pretrain" || !run.parents.is_empty()))
            .unwrap();
        let run = crashed.path("runs").join(kind).join(record.key.as_str());
        // A folder in the place of the weights stops the stage after its last epoch.
        let weights = run.join("weights.safetensors");
        fs::create_dir_all(weights.join("in the way")).unwrap();
        crashed.study(&[]).ended(5).tells("weights.safetensors");
        fs::remove_dir_all(&weights).unwrap();
        let rows = fs::read_to_string(run.join("metrics.csv")).unwrap();
        let epochs = if kind == "pretrain" { 3 } else { 4 };
        let earlier: Vec<&str> = rows.lines().filter(|row| !row.starts_with(&format!("{epochs},"))).collect();
        assert!(earlier.len() < rows.lines().count());
        fs::write(run.join("metrics.csv"), earlier.join("\n") + "\n").unwrap();
    }
    crashed.study(&[]).ended(0);
    assert_same(&results(&calm.path("runs")), &results(&crashed.path("runs")));
    assert_same(&results(&calm.path("reports")), &results(&crashed.path("reports")));
}

/// A crash may also come after the record that marks a run as done, before the checkpoint is fully removed.
#[test]
fn a_checkpoint_that_a_crash_left_behind_is_removed() {
    let (calm, crashed) = (Studio::finished(), Studio::finished());
    for kind in ["pretrain", "finetune"] {
        let checkpoint = crashed.first_in(format!("runs/{kind}")).join("checkpoint");
        fs::create_dir(&checkpoint).unwrap();
        fs::write(checkpoint.join("epoch-000003.safetensors"), b"of no use any more").unwrap();
    }
    fs::remove_dir_all(crashed.path("reports")).unwrap();
    crashed.study(&[]).ended(0);
    assert_same(&results(&calm.path("runs")), &results(&crashed.path("runs")));
    assert_same(&results(&calm.path("reports")), &results(&crashed.path("reports")));
}

#[test]
fn a_damaged_checkpoint_is_named_and_left_alone() {
    let studio = slow();
    let store = studio.path("runs");
    let mut running = start(&studio);
    running.until("epoch 3", || reached(&store, "pretrain", 3));
    running.kill();
    let mut files = paths(&store.join("pretrain")).into_iter();
    let (_, path) = files.rfind(|(name, _)| name.contains("/checkpoint/epoch-")).unwrap();
    let whole = fs::read(&path).unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    for damage in [&whole[..whole.len() - 100], &whole[..20], b"", b"not a checkpoint, and of another length"] {
        fs::write(&path, damage).unwrap();
        let said = studio.study(&[]).ended(4).tells("pretrain ssl seed 0").tells(name);
        assert!(!said.stderr.contains("panicked"), "{}", said.stderr);
        assert_eq!(contents(path.parent().unwrap())[name], damage);
    }
    // The advice in the message helps.
    fs::write(&path, b"damaged").unwrap();
    studio.study(&[]).ended(4).tells("delete it to start the stage again");
    fs::remove_file(&path).unwrap();
    finish(&studio);
}

#[test]
fn damaged_records_and_weights_are_named() {
    let studio = Studio::finished();
    let weights = studio.first_in("runs/pretrain").join("weights.safetensors");
    let record = studio.first_in("runs/evaluate").join("run.json");
    fs::write(&weights, b"damaged").unwrap();
    // A fine-tuning of another length starts again from the pretrained weights.
    studio.study(&["--set", "finetuning.epochs=2"]).ended(4).tells("finetune ssl").tells("weights.safetensors");
    fs::write(&record, b"{").unwrap();
    studio.study(&[]).ended(4).tells("run.json");
}
