//! `compare --fail-on-regression`, and what several seeds say: on the committed report of the demo, which has three seeds of 80 images.

use crate::{
    compare::{PROFILE, change_records, compare, compared, places, rows, with_scores},
    studio::{Studio, copy, published},
};
use harness_record::{rows::PlaceRow, table, vocabulary::Protocol};
use serde_json::Value;
use std::{fs, path::Path};

/// A studio with the committed demo.
fn committed() -> Studio {
    let studio = Studio::new();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(PROFILE), &studio.path(PROFILE));
    studio
}

/// Copies the demo to `to`, and keeps only the places that `keep` returns, with their seeds.
fn with_places(studio: &Studio, to: &str, keep: impl Fn(&PlaceRow) -> Option<u64>) {
    copy(&studio.path(PROFILE), &studio.path(to));
    let folder = studio.path(to).join("blurring");
    // A report holds the baselines once, beside its first test. They are the same in every test.
    let runs = published(&studio.path(to), "per_image.csv");
    let baselines = runs.iter().map(|run| run.join("baselines.csv")).find(|file| file.exists()).unwrap();
    for run in runs.iter().filter(|run| !run.join("baselines.csv").exists()) {
        fs::copy(&baselines, run.join("baselines.csv")).unwrap();
    }
    let kept: Vec<PlaceRow> =
        places(&folder).into_iter().filter_map(|place| Some(PlaceRow { seed: keep(&place)?, ..place })).collect();
    table::write(&folder.join("data/places.csv"), &kept).unwrap();
}

fn number(row: &Value, name: &str) -> f64 {
    row[name].as_f64().unwrap_or_else(|| panic!("{name} of {row}"))
}

#[test]
fn a_regression_fails_and_is_named() {
    let studio = committed();
    // Every image of one arm loses as much under the corrected protocol; all other scores stay the same.
    with_scores(&studio, "later", "accuracy", |value, place, _| match (place.arm.as_str(), place.protocol) {
        ("ssl", Some(Protocol::Corrected)) => value - 0.05,
        _ => value,
    });
    let gate = |to: &str, threshold: &str| {
        compare(&studio, "demo/blurring", to, &["--metric", "accuracy", "--fail-on-regression", threshold])
    };
    let said = gate("later/blurring", "accuracy:0.01").ended(1).tells("5 figures worse by more than allowed");
    let said =
        said.answers("regressions:").answers("accuracy of ssl under corrected, blur-0: \u{2212}0.050, allowed 0.01");
    assert_eq!(said.stdout.matches("allowed 0.01").count(), 5, "{}", said.stdout);
    gate("later/blurring", "accuracy:0.06").ended(0).answers("regressions: none");
    // In the other direction it is no regression.
    compare(&studio, "later/blurring", "demo/blurring", &["--fail-on-regression", "accuracy:0.01"])
        .ended(0)
        .answers("regressions: none");
    // A larger loss is worse, a smaller one is not; the metric need not be one that the report shows.
    with_scores(&studio, "louder", "loss", |value, _, _| value + 0.5);
    compare(&studio, "demo/blurring", "louder/blurring", &["--fail-on-regression", "loss:0.1"])
        .ended(1)
        .answers("loss of ssl under published");
    compare(&studio, "louder/blurring", "demo/blurring", &["--fail-on-regression", "loss:0.1"]).ended(0);
    // One image that falls far moves the mean, but says little: the change is shown and does not count.
    with_scores(&studio, "chance", "accuracy", |value, place, image| {
        if place.arm == "ssl" && image.contains("00000") { value - 3.0 } else { value }
    });
    gate("chance/blurring", "accuracy:0.01").ended(0).answers("does not count, because it is undecided");
    let json =
        compare(&studio, "demo/blurring", "later/blurring", &["--json", "--fail-on-regression", "accuracy:0.01"])
            .ended(1)
            .json();
    assert_eq!(json["regressions"].as_array().unwrap().len(), 5);
    assert!(json["regressions"][0]["counts"] == true && json["regressions"][0]["metric"] == "accuracy");
}

/// A/A: nothing differs but the seed. Tested over images alone, most of these pairs would be decided.
#[test]
fn one_seed_beside_another_is_not_tested_and_does_not_pass_in_silence() {
    let studio = committed();
    for seed in 0..3 {
        with_places(&studio, &format!("seed{seed}"), |place| (place.seed == seed).then_some(seed));
    }
    for (a, b) in [(0, 1), (0, 2), (1, 2)] {
        let [a, b] = [a, b].map(|seed| format!("seed{seed}/blurring"));
        let found = compared(&studio, &a, &b, &[]);
        for row in rows(&found, &[]) {
            // Where a network has one class for every pixel, another such network has the same scores.
            assert!(row["change"] == "not-tested" || row["change"] == "same", "{row}");
            assert!(row["interval"].is_null() && row["p"].is_null(), "{row}");
        }
        assert!(rows(&found, &[("change", "not-tested")]).len() > 40, "{found}");
        let gate = ["--fail-on-regression", "hard_dice:0.5"];
        let said =
            compare(&studio, &a, &b, &gate).ended(4).tells("could not be tested for").tells("at least three seeds");
        said.answers("not tested for regressions:").answers("regressions: none among the tested figures");
    }
    // Two networks against three are too few on one side.
    with_places(&studio, "two", |place| (place.seed > 0).then_some(place.seed + 7));
    let found = compared(&studio, "demo/blurring", "two/blurring", &[]);
    assert!(rows(&found, &[("change", "not-tested")]).iter().any(|row| row["note"] == "not tested: two networks in B"));
    // The same networks are the same, whatever their seeds are called.
    with_places(&studio, "again", |place| (place.seed > 0).then_some(place.seed));
    let found = compared(&studio, "two/blurring", "again/blurring", &["--fail-on-regression", "dice:0"]);
    assert!(rows(&found, &[]).iter().all(|row| row["change"] == "same"), "{found}");
}

#[test]
fn three_seeds_are_tested_as_claims_are() {
    let studio = committed();
    let (a, b) = ("demo/blurring:supervised/corrected@blur-0", "demo/blurring:ssl/corrected@blur-0");
    let found = compared(&studio, a, b, &["--metric", "dice"]);
    let row = rows(&found, &[])[0];
    // The report's claim is `ssl@blur-0.dice > supervised@blur-0.dice`.
    let report = fs::read_to_string(studio.path(PROFILE).join("blurring/tables/claims.corrected.tex")).unwrap();
    let claim = report.lines().find(|line| line.contains("supervised@blur-0.dice")).unwrap();
    let plain = |value: f64| format!("{value:+.3}").replace('-', "$-$");
    let [low, high] = [0, 1].map(|i| row["interval"][i].as_f64().unwrap());
    for shown in [plain(number(row, "difference")), format!("{} to {}", plain(low), plain(high))] {
        assert!(claim.contains(&format!("& {shown} &")), "{shown}: {claim}");
    }
    assert_eq!((row["change"].as_str(), &row["seeds"]["a"]), (Some("undecided"), &Value::from(3)));
    assert!(number(row, "p") > 0.05 && row["note"].is_null(), "{row}");
    // Seeds of other numbers are paired in their order.
    with_places(&studio, "renamed", |place| Some(place.seed + 10));
    let other = compared(&studio, a, "renamed/blurring:ssl/corrected@blur-0", &["--metric", "dice"]);
    let other = rows(&other, &[])[0];
    assert_eq!((&other["interval"], &other["p"]), (&row["interval"], &row["p"]));
    assert_eq!(other["note"], "seeds are paired in their order: 0 with 10, 1 with 11, 2 with 12");
    // On other data, seeds and images of both sides are drawn.
    copy(&studio.path(PROFILE), &studio.path("elsewhere"));
    change_records(&studio.path("elsewhere"), |run| run.data = "0".repeat(64));
    let found = compared(&studio, "demo/blurring", "elsewhere/blurring", &["--metric", "accuracy"]);
    for row in rows(&found, &[]) {
        assert!(row["paired"] == false && number(row, "p") == 1.0 && row["change"] == "undecided", "{row}");
        let [low, high] = [0, 1].map(|i| row["interval"][i].as_f64().unwrap());
        assert!(low < 0.0 && high > 0.0, "two samples of the same images are no more alike than two others: {row}");
        assert!(row["note"].as_str().unwrap().contains("not paired"));
    }
}
