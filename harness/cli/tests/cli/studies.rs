//! `study`: a whole study, one that is done, one that is only planned; threads.

use crate::studio::{Said, Studio, assert_same, contents, git, hosts, published, results, runs, study, times};
use harness_record::{
    run::{Checkout, HostRecord, RunRecord},
    vocabulary::Stage,
};
use std::path::PathBuf;
use std::time::Duration;

#[test]
fn runs_name_the_commit_of_their_specs_whatever_the_environment_says() {
    let [studio, other] = [Studio::tiny(), Studio::new()];
    git(&studio, &["init", "-q"]);
    git(&studio, &["add", "."]);
    git(&studio, &["commit", "-q", "-m", "First"]);
    git(&other, &["init", "-q"]);
    let mut command = studio.harness(&study(&[]));
    command.env("GIT_DIR", other.path(".git")).env("GIT_WORK_TREE", other.path(".")).env("GIT_INDEX_FILE", "none");
    Said::of(command).ended(0);
    let commit = git(&studio, &["rev-parse", "HEAD"]).trim_end().to_owned();
    let specs = Checkout { commit: Some(commit), dirty: Some(false) };
    let hosts = hosts(&studio.path("runs"));
    assert!(!hosts.is_empty());
    for host in hosts {
        assert_eq!((&host.specs, host.same_repository), (&specs, Some(false)));
    }
}

#[test]
fn a_whole_study_leaves_a_report_and_its_data() {
    let studio = Studio::tiny();
    let page = studio.path("reports/demo/blurring/index.html");
    let said = studio.study(&[]).ended(0).answers("study blurring (demo): done").answers(page.to_str().unwrap());
    assert!(said.stderr.contains("pretrain ssl seed 0: sitting 1"), "{}", said.stderr);

    let report = studio.path("reports/demo/blurring");
    for file in [
        "report.md",
        "index.html",
        "charts/metrics-by-blur.svg",
        "charts/training.svg",
        "gallery/01.jpg",
        "gallery/02.jpg",
        "runs.html",
        "data/published.csv",
        "data/places.csv",
        "data/study.json",
        "data/spec.yaml",
    ] {
        let bytes = report.join(file).metadata().unwrap_or_else(|error| panic!("{file}: {error}")).len();
        assert!(bytes > 0, "{file} is empty");
    }
    // Four tests with a row for each image and condition, and two baselines for each image beside the first of them.
    let profile = studio.path("reports/demo");
    let rows = |name: &str| -> usize {
        let lines = |folder: &PathBuf| std::fs::read_to_string(folder.join(name)).unwrap().lines().count() - 1;
        published(&profile, name).iter().map(lines).sum()
    };
    assert_eq!((rows("per_image.csv"), rows("baselines.csv")), (4 * 3 * 2 * 2, 4 * 2));
    assert!(profile.join("provenance.json").is_file());
    // The published files are those of the store.
    for folder in published(&profile, "run.json") {
        let record = RunRecord::read(&folder).unwrap();
        let from = studio.path("runs").join(record.stage.name()).join(record.key.as_str());
        for (name, bytes) in contents(&folder) {
            assert!(std::fs::read(from.join(&name)).unwrap() == bytes, "{name} of {}", record.key);
        }
    }
    // The spec holds every number as it was run, including those of the profile.
    let spec = studio.read("reports/demo/blurring/data/spec.yaml");
    assert!(spec.contains("profile: demo") && spec.contains("overrides: []") && spec.contains("epochs: 4"), "{spec}");
    // The page says that this is not the published experiment, and how to make it again.
    let html = studio.read("reports/demo/blurring/index.html");
    assert!(html.contains("Not the published experiment") && html.contains("synthetic pets"));
    assert!(html.contains("harness study blurring --profile demo\n"));

    let stages: Vec<Stage> = runs(&studio.path("runs")).into_iter().map(|run| run.stage).collect();
    let count = |stage| stages.iter().filter(|other| **other == stage).count();
    assert_eq!(Stage::ALL.map(count), [1, 4, 4]);
    let leftovers =
        times(&studio.path(".")).into_keys().filter(|name| name.contains(".tmp") || name.contains("checkpoint"));
    assert_eq!(leftovers.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn a_study_that_is_done_is_left_alone() {
    let studio = Studio::finished();
    // It was run in another folder: this one knows of no report yet.
    studio.study(&[]).ended(0);
    let before = times(&studio.path("."));
    let said = studio.study(&[]).ended(0).answers("study blurring (demo): up to date").answers("index.html");
    // By itself this takes a few hundredths of a second; the rest is for a machine that is busy with other tests.
    assert!(said.took < Duration::from_secs(2), "took {:?}", said.took);
    assert_eq!(times(&studio.path(".")), before);

    let json = studio.study(&["--json"]).ended(0).json();
    assert_eq!((&json[0]["study"], &json[0]["up_to_date"]), (&"blurring".into(), &true.into()));
    assert_eq!(times(&studio.path(".")), before);
}

#[test]
fn only_what_is_new_is_run() {
    let studio = Studio::finished();
    let said = studio.study(&["--set", "evaluation.blur=[0, 25, 50, 100]"]).ended(0).answers("done");
    assert!(!said.stderr.contains("pretrain") && !said.stderr.contains("finetune"), "{}", said.stderr);
    assert!(said.stderr.contains("evaluate ssl/published"), "{}", said.stderr);
    // Words decide no numbers: the report is rendered, and nothing is run.
    let said = studio.study(&["--set", "title=blur"]).ended(0).answers("done");
    assert!(!said.stderr.contains("sitting"), "{}", said.stderr);
    assert!(studio.read("reports/demo/blurring+title=blur/report.md").starts_with("# blur\n"));
}

#[test]
fn a_report_that_was_deleted_comes_back_without_training() {
    let studio = Studio::finished();
    let before = results(&studio.path("reports"));
    std::fs::remove_dir_all(studio.path("reports")).unwrap();
    let said = studio.study(&[]).ended(0).answers("done");
    assert!(!said.stderr.contains("sitting"), "{}", said.stderr);
    assert_same(&before, &results(&studio.path("reports")));
}

#[test]
fn the_cache_can_be_deleted_or_damaged() {
    let studio = Studio::finished();
    let before = results(&studio.path("runs"));
    let cached: Vec<&String> = before.keys().filter(|name| name.starts_with("cache/")).collect();
    std::fs::write(studio.path("runs").join(cached[0]), b"damaged").unwrap();
    for kind in ["pretrain", "finetune", "evaluate"] {
        std::fs::remove_dir_all(studio.path("runs").join(kind)).unwrap();
    }
    studio.study(&[]).ended(0);
    assert_same(&before, &results(&studio.path("runs")));
}

#[test]
fn a_plan_runs_nothing() {
    let studio = Studio::tiny();
    let said = studio.study(&["--dry-run"]).ended(0).answers("9 stages (1 saved by sharing), 0 done, 9 to run");
    let states = |text: &str, state: &str| text.lines().filter(|line| line.ends_with(state)).count();
    assert_eq!(states(&said.stdout, "  to run"), 9, "{}", said.stdout);
    let json = studio.study(&["--dry-run", "--json"]).ended(0).json();
    assert_eq!(json[0]["saved_by_sharing"], 1);
    let stages = json[0]["stages"].as_array().unwrap();
    assert!(stages.len() == 9 && stages.iter().all(|stage| stage["state"] == "to run"), "{json}");
    let key = |stage: &serde_json::Value| stage["key"].as_str().unwrap().to_owned();
    assert!(stages.iter().filter(|s| s["builds_on"] == key(&stages[0])).count() == 2, "{json}");
    assert!(!studio.path("runs").exists() && !studio.path("reports").exists());

    let studio = Studio::finished();
    let said = studio.study(&["--dry-run"]).ended(0).answers("9 done, 0 to run");
    assert_eq!(states(&said.stdout, "  done"), 9, "{}", said.stdout);
    let said = studio.study(&["--dry-run", "--seeds", "0,1"]).ended(0).answers("18 stages (2 saved by sharing)");
    assert_eq!((states(&said.stdout, "  done"), states(&said.stdout, "  to run")), (9, 9), "{}", said.stdout);
}

#[test]
fn threads_change_no_bit() {
    // The network is wide enough that the work is divided among threads.
    let settings = [
        "data.size=32",
        "model.vqvae={width: 32, depth: 2, inner: 16, dim: 16, codes: 64}",
        "data.pretraining={dataset: {synthetic-pets: {trainval: 0, test: 0, unlabelled: 40}}, validation: 7}",
        "data.segmentation={dataset: {synthetic-pets: {trainval: 40, test: 9, unlabelled: 0}}, split: {official: {validation: {images: 7}}}}",
        "pretraining.epochs=2",
        "finetuning.epochs=2",
        "evaluation={batch: 5, blur: [0, 25, 100]}",
        "arms=[{name: ssl, label: Pretrained, description: As printed.}]",
        "report.claims=[]",
    ];
    let run = |threads: &str| {
        let studio = Studio::with(&settings);
        studio.study(&["--threads", threads]).ended(0);
        let host = |host: &HostRecord| host.threads.unwrap().to_string() == threads;
        assert!(hosts(&studio.path("runs")).iter().all(host));
        (results(&studio.path("runs")), results(&studio.path("reports")))
    };
    let (one, two, three) = (run("1"), run("2"), run("3"));
    for other in [two, three] {
        assert_same(&one.0, &other.0);
        assert_same(&one.1, &other.1);
    }
    assert!(one.0.keys().any(|name| name.ends_with("weights.safetensors")));
    assert!(one.0.keys().any(|name| name.ends_with("per_image.csv")));
}
