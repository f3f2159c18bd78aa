//! Tiny studies for the tests of health checks.

use super::*;
use crate::{
    figures::scores,
    inputs::{
        provenance::Provenance,
        runs::{
            Run, Runs,
            tests::{place, run},
        },
        study::StudyInput,
    },
};
use harness_record::{
    rows::{ConfusionRow, ImageRow, MetricRow, PlaceRow, Scores},
    table::Line,
    vocabulary::{Predictor, Split, Stage},
};
use serde_json::json;
use std::path::PathBuf;

/// A study of the arms `a` and `b` under the corrected protocol, with one claim. `change` changes its `study.json`.
pub(crate) fn data(change: impl Fn(&mut serde_json::Value), runs: Vec<(PlaceRow, Run)>) -> Data {
    let arm = |name: &str| json!({"name": name, "label": name.to_uppercase(), "description": "", "model": "vqvae"});
    let mut study = json!({
        "study": "s", "title": "S", "question": "?", "expectation": "", "profile": "p", "fidelity": "sample",
        "command": "", "protocols": ["corrected"], "seeds": [0, 1, 2], "arms": [arm("a"), arm("b")],
        "conditions": [{"name": "clean", "label": "clean"}], "classes": ["pet", "background", "border"],
        "settings": [], "datasets": [], "deterministic": true,
        "report": {
            "metrics": ["dice"],
            "claims": [{"name": "c", "expect": "a.dice > b.dice", "text": "A is better."}]
        },
    });
    change(&mut study);
    let study: StudyInput = serde_json::from_value(study).unwrap();
    let runs = Runs::of_runs(runs);
    let scores = scores::Scores::new(&runs);
    let (dir, published, provenance) = (PathBuf::new(), Vec::new(), Provenance::default());
    let (registration, pictures, health) = (None, None, Health::default());
    let mut data = Data { dir, study, runs, scores, published, provenance, registration, pictures, health };
    data.health = Health::of(&data);
    data
}

/// A run of an arm, changed by `change`, with its place.
pub(crate) fn placed(arm: &str, seed: u64, stage: Stage, change: impl Fn(&mut Run)) -> (PlaceRow, Run) {
    let mut run = run(&format!("{arm} {seed} {stage}"), stage);
    run.record.seed = seed;
    change(&mut run);
    (place(arm, seed, &run), run)
}

/// Rows of `metrics.csv` on validation images, one for each epoch.
pub(crate) fn epochs(metric: &str, values: &[f64]) -> Vec<Line<MetricRow>> {
    let row = |(epoch, value): (u32, &f64)| MetricRow {
        epoch,
        split: Split::Validation,
        predictor: Predictor::Model,
        condition: Condition::Clean,
        metric: metric.to_owned(),
        value: *value,
    };
    (1..).zip(values).map(row).zip(2..).map(|(row, line)| Line { line, row }).collect()
}

/// A test of an arm on one image: its scores and those of baselines, by the names of metrics.
pub(crate) fn scored(arm: &str, seed: u64, scores: &[(Predictor, &str, f64)]) -> (PlaceRow, Run) {
    placed(arm, seed, Stage::Evaluate, |run| {
        let (split, condition) = (Split::Test, Condition::Clean);
        for (line, &(predictor, metric, value)) in (2..).zip(scores) {
            let row = MetricRow { epoch: 1, split, predictor, condition, metric: metric.to_owned(), value };
            run.metrics.push(Line { line, row });
            let scores = Scores::new(|known| (known.name == metric).then_some(value as f32));
            let (image, group) = ("i".to_owned(), "g".to_owned());
            run.images
                .push(Line { line, row: ImageRow { image, group, split, predictor, condition, batch: None, scores } });
        }
        run.images.retain(|line| line.predictor == Predictor::Model);
    })
}

/// A test of an arm that predicted so many pixels of each class; the truth is a third of each.
pub(crate) fn test(arm: &str, seed: u64, predicted: [u64; 3]) -> (PlaceRow, Run) {
    placed(arm, seed, Stage::Evaluate, |run| {
        let counts = harness_record::metrics::Confusion::from_counts([predicted; 3]);
        let rows = ConfusionRow::of(&counts, Split::Test, Predictor::Model, Condition::Clean);
        run.confusion = (2..).zip(rows).map(|(line, row)| Line { line, row }).collect();
    })
}

pub(crate) fn against(data: &Data, severity: Severity, sides: [&str; 2]) -> String {
    let sides: Vec<Operand> = sides.iter().map(|side| side.parse().unwrap()).collect();
    data.health.against(
        severity,
        &data.sides(&sides.iter().collect::<Vec<_>>(), Protocol::Corrected),
        Protocol::Corrected,
    )
}

#[test]
fn one_collapsed_seed_withholds_what_its_arm_is_compared_for() {
    let healthy = || (0..3).flat_map(|seed| ["a", "b"].map(|arm| test(arm, seed, [30, 50, 20]))).collect::<Vec<_>>();
    assert_eq!(against(&data(|_| {}, healthy()), Severity::Fails, ["a.dice", "b.dice"]), "");
    let mut tests = healthy();
    tests[3] = test("b", 1, [2, 97, 1]);
    let data = data(|_| {}, tests);
    let reason = "B collapsed to background in 1 of 3 seeds";
    assert_eq!(against(&data, Severity::Fails, ["a.dice", "b.dice"]), reason);
    // What is about the collapse, or about the measure, keeps its verdict.
    for sides in [["b.dice", "majority-class.dice"], ["b.soft_dice", "b.dice"], ["a.dice", "all-background.dice"]] {
        assert_eq!(against(&data, Severity::Fails, sides), "", "{sides:?}");
    }
    assert_eq!(against(&data, Severity::Fails, ["b.dice", "b@blur-25.dice"]), reason);
    // A soft score can be above that of the same mask.
    assert_eq!(against(&data, Severity::Fails, ["b.soft_dice", "majority-class.soft_dice"]), reason);
    assert_eq!(against(&data, Severity::Fails, ["b.soft_dice", "perfect-in-unit-range.soft_dice"]), "");
    assert_eq!(["a", "b"].map(|arm| collapse::seeds_of_one_class(&data, arm, Protocol::Corrected)), [0, 1]);
    let found = data.health.0[0].found.as_ref().unwrap();
    let [finding] = &found[..] else { panic!("{found:?}") };
    let key = data.runs.of("b", Stage::Evaluate, Some(Protocol::Corrected)).nth(1).unwrap().1.key().short();
    let said = format!("B ([97.0\u{a0}%][c{key}.2-10], 1 of 3 seeds) takes nearly all pixels for background.");
    assert!(finding.found.contains(&said), "{}", finding.found);
}

#[test]
fn phrases_are_joined_as_in_a_sentence() {
    let joined = |phrases: &[&str]| super::joined(&phrases.iter().map(|&phrase| phrase.to_owned()).collect::<Vec<_>>());
    assert_eq!([joined(&[]), joined(&["a"]), joined(&["a", "b"])], ["", "a", "a and b"]);
    assert_eq!([joined(&["a", "b", "c"]), joined(&["a, b", "c", "d"])], ["a, b and c", "a, b; c; d"]);
}
