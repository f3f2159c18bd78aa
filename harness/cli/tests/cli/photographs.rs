//! Tiny studies on real photographs, if these are available.

use crate::studio::{Running, Studio, hosts, runs};
use harness_record::{rows::FileRow, table, vocabulary::FileUse};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// The folder that holds `pets-sample/` and `cats-and-dogs-10k/`: from the environment, or else beside the checkout.
pub(crate) fn photographs() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = std::env::var_os("HARNESS_DATA").map_or_else(beside, PathBuf::from);
    let complete = ["pets-sample", "cats-and-dogs-10k"].iter().all(|name| folder.join(name).is_dir());
    complete.then(|| folder.canonicalize().unwrap())
}

#[test]
fn a_study_on_the_sample() {
    let Some(data) = photographs() else {
        println!("skipped: no pets-sample/ and cats-and-dogs-10k/ in HARNESS_DATA or ../shared/data");
        return;
    };
    let studio = Studio::new();
    let mut arguments = vec!["study", "blurring", "--profile", "sample", "--data-dir", data.to_str().unwrap()];
    for setting in [
        "data.size=16",
        "model.vqvae={width: 8, depth: 1, inner: 4, dim: 4, codes: 16}",
        "data.pretraining={dataset: {cats-and-dogs: {per_class: 20}}, validation: 8}",
        "pretraining.epochs=1",
        "finetuning.epochs=1",
        "evaluation.blur=[0, 25, 100]",
        "protocols=[corrected]",
        "seeds=[0]",
        "report.gallery.images=2",
    ] {
        arguments.extend(["--set", setting]);
    }
    studio.run(&arguments).ended(0).answers("study blurring (sample): done");

    let files = |kind: &str| -> Vec<FileRow> {
        table::read_rows(&studio.first_in(format!("runs/{kind}")).join("files.csv")).unwrap()
    };
    let tested = files("evaluate");
    let count = |used| tested.iter().filter(|row| row.used == used).count();
    assert_eq!((count(FileUse::Train), count(FileUse::Validation), count(FileUse::Test)), (255, 45, 298));
    // Two images of the sample are in none of its lists.
    let left_out: Vec<&FileRow> = tested.iter().filter(|row| row.used == FileUse::Unused).collect();
    assert!(left_out.len() == 2 && left_out.iter().all(|row| row.reason == "in no list file"), "{left_out:?}");
    assert_eq!(tested.iter().filter(|row| !row.reason.is_empty()).count(), 2);
    let mut splits: BTreeMap<&str, FileUse> = BTreeMap::new();
    for row in &tested {
        let other = splits.insert(&row.file, row.used);
        assert!(other.is_none(), "{} is in {} and in {other:?}", row.file, row.used);
    }
    assert_eq!(splits.len(), 600);
    // Fine-tuning and evaluation cut the images in the same way.
    assert_eq!(files("finetune"), tested);
    let pretrained = files("pretrain");
    for class in ["Cat", "Dog"] {
        assert_eq!(pretrained.iter().filter(|row| row.group == class && row.reason.is_empty()).count(), 20, "{class}");
    }
    assert_eq!(runs(&studio.path("runs")).len(), 5);

    let report = studio.first_in("reports/sample");
    let html = studio.read(report.join("index.html"));
    assert!(html.contains("Not the published experiment") && html.contains("a small sample of real photographs"));
    // The report must not reveal where the photographs lie.
    let markdown = studio.read(report.join("report.md"));
    for text in [&html, &markdown] {
        assert!(!text.contains(data.to_str().unwrap()));
        assert!(text.contains("in no list file"), "the images that were left out are not named");
    }
}

/// Every study starts on photographs. Killed after an epoch, it goes on and ends with a report.
#[test]
fn all_studies_on_the_sample_go_on_after_an_interruption() {
    let Some(data) = photographs() else {
        println!("skipped: no pets-sample/ and cats-and-dogs-10k/ in HARNESS_DATA or ../shared/data");
        return;
    };
    let studio = Studio::new();
    let mut arguments = vec!["study", "--all", "--profile", "sample", "--data-dir", data.to_str().unwrap()];
    for setting in [
        "data.size=16",
        "model.vqvae={width: 8, depth: 1, inner: 4, dim: 4, codes: 16}",
        "data.pretraining={dataset: {cats-and-dogs: {per_class: 20}}, validation: 8}",
        "pretraining.epochs=2",
        "finetuning.epochs=2",
        "variants.segnet.model.segnet.width=2",
        "variants.segnet.pretraining.epochs=2",
        "variants.segnet.finetuning.epochs=2",
        "variants.linknet.model.linknet.width=4",
        "variants.linknet.data.size=32",
        "variants.linknet.finetuning.epochs=2",
        "protocols=[corrected]",
        "report.gallery.images=2",
    ] {
        arguments.extend(["--set", setting]);
    }
    let mut running = Running::start(studio.harness(&arguments));
    let store = studio.path("runs/finetune");
    running.until("a checkpoint", || {
        let runs = std::fs::read_dir(&store).into_iter().flatten().flatten();
        runs.map(|run| run.path().join("checkpoint/epoch-000001.safetensors")).any(|checkpoint| checkpoint.exists())
    });
    running.kill();
    let said = studio.run(&arguments).ended(0);
    assert_eq!(said.stdout.matches("(sample): done").count(), 6, "{}", said.stdout);
    let hosts = hosts(&studio.path("runs"));
    assert!(hosts.iter().any(|host| host.sittings == 2) && hosts.iter().all(|host| host.ended.is_some()));
    studio.run(&["report", "--all", "--check"]).ended(0).answers("6 reports checked");
}
