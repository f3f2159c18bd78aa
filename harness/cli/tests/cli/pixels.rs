//! What a test leaves of its pixels and a report of its runs: every pixel counted, every run with its settings and log.

use crate::studio::{Studio, runs};
use std::{collections::BTreeMap, fs, path::Path};

const REPORT: &str = "reports/demo/blurring";
/// Test images of the tiny study, and pixels of each.
const PIXELS: u64 = 4 * 16 * 16;
const LEVELS: usize = 3;

/// Rows of a table of the report's data, by the names of its columns.
fn table(studio: &Studio, name: &str) -> Vec<BTreeMap<String, String>> {
    let text = studio.read(Path::new(REPORT).join("data").join(name));
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.deserialize().map(Result::unwrap).collect()
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
    // Two arms under two protocols, each at every level, and the baselines once.
    let networks = all.keys().filter(|[_, predictor, _]| predictor == "model").count();
    assert_eq!((networks, all.len() - networks), (4 * LEVELS, 2));
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
fn every_run_has_its_settings_its_log_and_a_page() {
    let studio = Studio::finished();
    for run in runs(&studio.path("runs")) {
        let short = &run.key[..8];
        let data = Path::new(REPORT).join("data/runs");
        let settings = studio.read(data.join(format!("{short}.yaml")));
        assert!(settings.contains("recipe:") && settings.contains(&run.kind), "{settings}");
        let log = studio.read(data.join(format!("{short}.log")));
        let here = studio.path(".").display().to_string();
        assert!(log.contains("done in") && !log.contains(here.trim_end_matches("/.")), "{log}");
        let page = studio.read(Path::new(REPORT).join(format!("runs/{short}.html")));
        assert!(page.contains(&run.key) && page.contains("recipe:"));
        // How long it trained, and what was kept, is known to the report.
        let known: serde_json::Value =
            serde_json::from_str(&studio.read(Path::new(REPORT).join("data/runs.json"))).unwrap();
        let of_run = known.as_array().unwrap().iter().find(|entry| entry["record"]["key"] == *run.key).unwrap();
        assert_eq!(of_run["record"]["epochs"], serde_json::json!(run.epochs));
        assert!(of_run["record"]["kept_epoch"].is_number());
    }
}

#[test]
fn a_repetition_keeps_what_changed_and_another_run_says_what_did() {
    let studio = Studio::finished();
    let changes = studio.path(REPORT).join("data/changes.json");
    assert!(!changes.exists());
    studio.study(&["--set", "finetuning.epochs=2"]).ended(0);
    let first = fs::read(&changes).unwrap();
    let found: serde_json::Value = serde_json::from_slice(&first).unwrap();
    assert!(found["runs"].as_u64().unwrap() > 0 && !found["changed"].as_array().unwrap().is_empty(), "{found}");
    assert!(studio.read(Path::new(REPORT).join("report.md")).contains("### Changes"));
    fs::remove_file(studio.path(REPORT).join("report.md")).unwrap();
    studio.study(&["--set", "finetuning.epochs=2"]).ended(0);
    assert_eq!(fs::read(&changes).unwrap(), first);
}
