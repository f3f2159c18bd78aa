//! All studies together: what they share, and that every printed figure is held exactly once.

use crate::studio::{Said, Studio, TINY, hosts, runs, study_called};
use harness_record::vocabulary::Stage;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

const STUDIES: [&str; 6] =
    ["baselines", "blurring", "class-imbalance", "distortions", "finetune-fractions", "ssl-vs-sl"];

/// Settings that make the other networks as tiny as the first.
const TINY_VARIANTS: [&str; 7] = [
    // Breeds that are among so few pictures.
    "variants.few-cats.data.segmentation.train.cats=[Bengal, Birman]",
    "variants.segnet.model.segnet.width=4",
    "variants.segnet.pretraining.epochs=2",
    "variants.segnet.finetuning.epochs=2",
    "variants.linknet.model.linknet.width=4",
    "variants.linknet.data.size=32",
    "variants.linknet.finetuning.epochs=3",
];

fn run(studio: &Studio, more: &[&str]) -> Said {
    studio.run(&study_called("--all", more))
}

/// The columns that name a printed figure, and the rest of its row.
fn figures(path: &Path) -> Vec<(String, Vec<String>)> {
    let mut reader = csv::Reader::from_path(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let rows = reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect::<Vec<_>>());
    rows.map(|row| (row[..7].join(","), row[7..].to_vec())).collect()
}

/// Every printed figure stands in the data of exactly one study, with its reproduced value and a verdict.
fn assert_each_figure_once(reports: &Path, printed: &Path) {
    let wanted: BTreeSet<String> = figures(printed).into_iter().map(|(figure, _)| figure).collect();
    assert_eq!(wanted.len(), 74);
    let mut found: BTreeMap<String, u32> = BTreeMap::new();
    for study in STUDIES {
        for (figure, rest) in figures(&reports.join(study).join("data/published.csv")) {
            let [reproduced, low, high, verdict] = rest.as_slice() else { panic!("{figure}: {rest:?}") };
            assert!(reproduced == "not run" || reproduced.parse::<f64>().is_ok(), "{figure}: {rest:?}");
            assert_eq!(low.is_empty(), high.is_empty(), "{figure}: {rest:?}");
            // Neither drawn pets nor a sample can reproduce a published figure.
            let expected = if reproduced == "not run" { "not run" } else { "not comparable" };
            assert_eq!(verdict, expected, "{figure}");
            *found.entry(figure).or_default() += 1;
        }
    }
    assert_eq!(found.keys().collect::<Vec<_>>(), wanted.iter().collect::<Vec<_>>());
    assert!(found.values().all(|count| *count == 1), "{found:?}");
}

#[test]
fn all_studies_share_their_stages_and_hold_every_printed_figure_once() {
    let studio = Studio::with(&[&TINY[..], &TINY_VARIANTS].concat());
    let plan = run(&studio, &["--dry-run"]).ended(0);
    let total = plan.stdout.lines().last().unwrap().to_owned();
    assert!(total.starts_with("all 6 studies: ") && total.contains(" saved by sharing), 0 done, "), "{total}");
    run(&studio, &[]).ended(0).answers("study ssl-vs-sl (demo): done");
    assert!(hosts(&studio.path("runs")).iter().all(|host| host.sittings == 1));
    let mut keys = BTreeMap::new();
    for run in runs(&studio.path("runs")) {
        *keys.entry(run.key).or_insert(0) += 1;
    }
    let stages: usize = total["all 6 studies: ".len()..].split(' ').next().unwrap().parse().unwrap();
    assert_eq!(keys.len(), stages, "{total}");
    assert_each_figure_once(&studio.path("reports/demo"), &studio.path("data-manifests/published/seed.csv"));
    // LinkNet stopped with its best weights, and its record says which epoch they are from.
    let kept: Vec<_> = runs(&studio.path("runs")).into_iter().map(|run| run.kept_epoch).collect();
    assert!(!kept.is_empty() && kept.iter().all(|epoch| *epoch >= 1));

    studio.run(&["report", "--all", "--check"]).ended(0).answers("6 reports checked");
    run(&studio, &[]).ended(0).answers("study baselines (demo): up to date");
    let done = run(&studio, &["--dry-run"]).ended(0).stdout;
    assert!(done.lines().last().unwrap().ends_with(", 0 to run"), "{done}");
    // An edit of collected data does not go unnoticed.
    let path = "reports/demo/class-imbalance/data/published.csv";
    let row = studio.read(path).lines().find(|line| line.ends_with("not comparable")).unwrap().to_owned();
    studio.edit(path, &row, &row.replace("not comparable", "reproduced"));
    let said = studio.run(&["report", "class-imbalance", "--check"]);
    said.ended(1).answers("published.csv:").answers("do not edit the file");
    studio.run(&["report", "class-imbalance"]).ended(4).tells("published.csv:");
}

#[test]
fn committed_reports_hold_every_printed_figure_once() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let there: Vec<_> = STUDIES.iter().filter(|study| project.join("reports/sample").join(study).exists()).collect();
    assert_eq!(there, STUDIES.iter().collect::<Vec<_>>(), "a report is not committed");
    assert_each_figure_once(&project.join("reports/sample"), &project.join("data-manifests/published/seed.csv"));
}

#[test]
fn several_seeds_stand_beside_each_other() {
    let studio = Studio::tiny();
    studio.run(&study_called("ssl-vs-sl", &[])).ended(0);
    studio.set(&[&TINY[..], &["seeds=[0, 1, 2]"]].concat());
    studio.run(&study_called("ssl-vs-sl", &[])).ended(0);
    let places = studio.read("reports/demo/ssl-vs-sl/data/places.csv");
    for seed in 0..3 {
        let row = |line: &&str| line.starts_with(&format!("ssl,corrected,{seed},evaluate,"));
        assert!(places.lines().any(|line| row(&line)), "seed {seed}");
    }
    let report = studio.read("reports/demo/ssl-vs-sl/report.md");
    assert!(report.contains("Over seeds"), "{report}");
    // The first seed was not run again.
    let evaluations = runs(&studio.path("runs")).into_iter().filter(|run| run.stage == Stage::Evaluate).count();
    assert_eq!(evaluations, 3 * 2 * 2);
}

#[test]
fn every_study_has_prose_of_its_own() {
    let studio = Studio::new();
    for study in STUDIES {
        assert!(studio.path(format!("templates/{study}.md.j2")).is_file(), "{study}");
        assert!(fs::read_to_string(studio.path(format!("studies/{study}.yaml"))).unwrap().contains("expectation:"));
    }
}
