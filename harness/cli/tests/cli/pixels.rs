//! Tests count every pixel, reports show every run with its settings, and a second run gives the same bytes.

use crate::studio::{Studio, contents, published, runs};
use harness_record::run::RunRecord;
use std::{collections::BTreeMap, path::Path};

const REPORT: &str = "reports/demo/blurring";
/// Pixels of all test images of the tiny study: 4 images of 16 × 16.
const PIXELS: u64 = 4 * 16 * 16;
const LEVELS: usize = 3;

/// The rows of a table from all tests of the report's profile, by the names of its columns, each with its run and
/// protocol.
fn table(studio: &Studio, name: &str) -> Vec<BTreeMap<String, String>> {
    let mut rows = Vec::new();
    for folder in published(&studio.path("reports/demo"), name) {
        let record = RunRecord::read(&folder).unwrap();
        let mut reader = csv::Reader::from_path(folder.join(name)).unwrap();
        rows.extend(reader.deserialize().map(Result::unwrap).map(|mut row: BTreeMap<String, String>| {
            row.insert("run".to_owned(), record.key.to_string());
            row.insert("protocol".to_owned(), record.protocol.unwrap().to_string());
            row
        }));
    }
    rows
}

fn place(row: &BTreeMap<String, String>) -> [String; 3] {
    ["run", "predictor", "condition"].map(|column| row[column].clone())
}

#[test]
fn every_pixel_is_counted_once_and_both_tables_agree() {
    let studio = Studio::finished();
    let number = |row: &BTreeMap<String, String>, column: &str| row[column].parse::<u64>().unwrap();
    let (mut all, mut right) = (BTreeMap::new(), BTreeMap::new());
    for row in table(&studio, "confusion.csv") {
        *all.entry(place(&row)).or_insert(0) += number(&row, "pixels");
        let is_right = row["truth"] == row["predicted"];
        *right.entry(place(&row)).or_insert(0) += if is_right { number(&row, "pixels") } else { 0 };
    }
    // There are two arms under two protocols, each at every level, and two baselines beside each.
    let networks = all.keys().filter(|[_, predictor, _]| predictor == "model").count();
    assert_eq!((networks, all.len() - networks), (4 * LEVELS, 4 * 2));
    assert!(all.values().all(|pixels| *pixels == PIXELS), "{all:?}");

    let (mut sure, mut hits) = (BTreeMap::new(), BTreeMap::new());
    for row in table(&studio, "calibration.csv") {
        *sure.entry(place(&row)).or_insert(0) += number(&row, "pixels");
        *hits.entry(place(&row)).or_insert(0) += number(&row, "right");
        let (pixels, confidence) = (number(&row, "pixels") as f64, row["confidence"].parse::<f64>().unwrap());
        let [low, high] = ["low", "high"].map(|end| row[end].parse::<f64>().unwrap());
        assert!((low * pixels..=high * pixels + 1e-3).contains(&confidence), "{row:?}");
    }
    assert_eq!(sure.len(), 4 * LEVELS);
    assert!(sure.values().all(|pixels| *pixels == PIXELS), "{sure:?}");
    assert!(hits.iter().all(|(place, hits)| right[place] == *hits));
    // The published cross-entropy reads probabilities that are never above e/(e + 2).
    for row in table(&studio, "calibration.csv") {
        if row["protocol"] == "published" && row["low"].parse::<f64>().unwrap() > 0.58 {
            assert_eq!(row["pixels"], "0", "{row:?}");
        }
    }
}

#[test]
fn every_run_has_its_settings_and_its_place_on_the_page_of_runs() {
    let studio = Studio::finished();
    let page = studio.read(Path::new(REPORT).join("runs.html"));
    for run in runs(&studio.path("runs")) {
        assert!(page.contains(run.key.as_str()) && page.contains("recipe"), "{}", run.key);
        assert!(run.settings["work"][run.stage.name()].is_object() && run.epochs > 0 && run.kept_epoch > 0);
        assert_eq!(harness_record::vocabulary::Key::of(&run.settings).unwrap(), run.key);
    }
}

#[test]
fn a_repetition_changes_provenance_alone() {
    let (first, again) = (Studio::finished(), Studio::tiny());
    again.study(&[]).ended(0);
    let [first, again] = [first, again].map(|studio| contents(&studio.path("reports")));
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&first), names(&again));
    let changed: Vec<&String> = first.keys().filter(|name| first[*name] != again[*name]).collect();
    assert_eq!(changed, ["demo/provenance.json"]);
}
