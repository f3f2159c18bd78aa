//! From every figure of a page to the rows it is made of, and to the run that wrote them.

use crate::{
    fixture::{self, REALISTIC, SMALL, Size},
    folder, render, templates,
};
use harness_report::RenderedFile;
use std::collections::BTreeMap;
use tempfile::TempDir;

fn rendered(folder: &TempDir) -> BTreeMap<String, String> {
    let data = folder.path().join("data");
    let files = render(&data, &templates()).unwrap();
    let text = |file: RenderedFile| {
        let name = file.path.to_str().unwrap().to_owned();
        String::from_utf8(file.bytes).ok().map(|text| (name, text))
    };
    files.into_iter().filter_map(text).collect()
}

/// A link that names its rows.
#[derive(Debug, Default)]
struct Traced {
    href: String,
    csv: String,
    rows: String,
    runs: String,
    text: String,
}

fn traced(html: &str) -> Vec<Traced> {
    let attribute = |tag: &str, name: &str| {
        let from = tag.find(&format!("{name}=\""))? + name.len() + 2;
        Some(tag[from..from + tag[from..].find('"')?].to_owned())
    };
    let links = html.split("<a ").skip(1).filter_map(|rest| rest.split_once('>'));
    links
        .filter_map(|(tag, rest)| {
            Some(Traced {
                href: attribute(tag, "href")?,
                csv: attribute(tag, "data-csv")?,
                rows: attribute(tag, "data-row")?,
                runs: attribute(tag, "data-run").unwrap_or_default(),
                text: rest[..rest.find('<')?].to_owned(),
            })
        })
        .collect()
}

/// A table by its lines, counted as a reader of the file counts them.
fn table(folder: &TempDir, name: &str) -> Vec<String> {
    std::fs::read_to_string(folder.path().join(name)).unwrap().lines().map(str::to_owned).collect()
}

/// The lines of `2-5 9`, counted from 1.
fn lines(rows: &str) -> Vec<usize> {
    let ends = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        (first.parse().unwrap(), last.parse().unwrap())
    };
    rows.split(' ').map(ends).flat_map(|(first, last): (usize, usize)| first..=last).collect()
}

#[test]
fn every_figure_of_a_result_leads_to_a_row_that_holds_it() {
    let folder = folder(&fixture::study(), REALISTIC);
    let files = rendered(&folder);
    let links = traced(&files["index.html"]);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut means, mut differences) = (0, 0);
    for link in &links {
        *counts.entry(&link.csv).or_default() += 1;
        let table = table(&folder, &link.csv);
        if link.csv == "data/published.csv" {
            // What was printed no run of ours wrote.
            let printed = &table[lines(&link.rows)[0] - 1];
            assert!(printed.split(',').any(|cell| cell == link.text), "{link:?}: {printed}");
            assert!(link.runs.is_empty() && link.href == link.csv, "{link:?}");
            continue;
        }
        let (page, place) = link.href.split_once('#').unwrap();
        let run = files.get(page).unwrap_or_else(|| panic!("no page for {link:?}"));
        assert!(run.contains(&format!("id=\"{place}\"")), "{link:?}");
        for line in lines(&link.rows) {
            let row = &table[line - 1];
            assert!(link.runs.split(' ').any(|run| row.contains(run)), "{link:?}: {row}");
        }
        if link.csv == "data/metrics.csv" {
            let value: f64 = table[lines(&link.rows)[0] - 1].rsplit(',').next().unwrap().parse().unwrap();
            if link.text.starts_with(['+', '\u{2212}']) {
                differences += 1;
                continue;
            }
            let shown: f64 = link.text.parse().unwrap();
            assert!((value - shown).abs() < 0.000_501, "{link:?}: {value}");
            means += 1;
        }
    }
    // Three metrics, two protocols, two arms under five conditions, and two baselines.
    assert!(means >= 3 * 2 * 12 && differences > 0, "{means} {differences}");
    let sources =
        ["calibration", "confusion", "metrics", "per_image", "published"].map(|name| format!("data/{name}.csv"));
    assert_eq!(counts.keys().copied().collect::<Vec<_>>(), sources);
}

#[test]
fn every_number_of_a_charts_table_leads_to_its_row() {
    let mut study = fixture::study();
    let calibration =
        serde_json::json!({"name": "calibration", "kind": "reliability", "title": "Accuracy by confidence"});
    study["report"]["charts"].as_array_mut().unwrap().push(calibration);
    let files = rendered(&folder(&study, Size { epochs: 6, ..SMALL }));
    let mut sources: BTreeMap<String, usize> = BTreeMap::new();
    for data in files["index.html"].split("<details class=\"data\">").skip(1) {
        let cells = data.split("</details>").next().unwrap().split("<td class=\"number\">").skip(1);
        for cell in cells.map(|rest| rest.split("</td>").next().unwrap()) {
            let [link] = traced(cell).try_into().unwrap_or_else(|_| {
                // The number of an epoch is the name of a row; what is not there is a dash.
                assert!(cell.trim_end_matches(" (kept)").parse::<u32>().is_ok() || cell == "\u{2013}", "{cell}");
                [Traced::default()]
            });
            *sources.entry(link.csv).or_default() += 1;
        }
    }
    let expected = ["", "calibration", "metrics", "per_image", "published"];
    let expected = expected.map(|name| if name.is_empty() { String::new() } else { format!("data/{name}.csv") });
    assert_eq!(sources.keys().cloned().collect::<Vec<_>>(), expected);
    // Pages of runs list the kept and the last epoch; of others they show the curve.
    let links = traced(&files["index.html"]);
    let middle = links.iter().filter(|link| link.href.ends_with("#metrics")).count();
    assert!(middle > 0 && middle < links.len());
}

#[test]
fn rows_of_an_interval_are_those_of_its_arm_and_condition() {
    let folder = folder(&fixture::study(), SMALL);
    let files = rendered(&folder);
    let html = &files["index.html"];
    let (_, results) = html.split_once("id=\"results-under-the-published-protocol\"").unwrap();
    let row = results.split("<tr>").find(|row| row.contains("Self-supervised") && row.contains(">25&nbsp;%<"));
    let link = traced(row.unwrap()).into_iter().find(|link| link.csv == "data/per_image.csv").unwrap();
    let table = table(&folder, "data/per_image.csv");
    let found: Vec<&String> = lines(&link.rows).into_iter().map(|line| &table[line - 1]).collect();
    assert_eq!(found.len(), SMALL.images);
    assert!(found.iter().all(|row| row.starts_with("ssl,published,") && row.contains(",model,blur-25,")), "{found:?}");
}

#[test]
fn a_page_of_a_run_shows_what_it_was_and_links_to_its_neighbours() {
    let folder = folder(&fixture::study(), SMALL);
    let files = rendered(&folder);
    let pages: Vec<(&String, &String)> = files.iter().filter(|(name, _)| name.starts_with("runs/")).collect();
    assert_eq!(pages.len(), 9);
    let of = |words: &str| pages.iter().find(|(_, page)| page.contains(words)).unwrap().1;
    let test = of("<h1>Test: Self-supervised, corrected protocol, seed 0</h1>");
    for needed in [
        "id=\"images\"",
        "id=\"pixels\"",
        "images/Bengal_1.jpg",
        "stage: evaluate",
        "the weights of epoch 1",
        "0a1b2c3d",
    ] {
        assert!(test.contains(needed), "{needed}");
    }
    let training = of("<h1>Pretraining: Self-supervised, seed 0</h1>");
    assert!(!training.contains("id=\"images\"") && training.contains("id=\"metrics\""));
}

#[test]
fn settings_and_logs_from_strangers_stay_text() {
    let folder = folder(&fixture::study(), SMALL);
    let runs = folder.path().join("data/runs");
    for entry in std::fs::read_dir(&runs).unwrap() {
        std::fs::write(entry.unwrap().path(), "</pre><script>alert(1)</script> {{ 7 * 7 }}\n\u{1b}[31mred").unwrap();
    }
    let files = rendered(&folder);
    for (name, page) in files.iter().filter(|(name, _)| name.starts_with("runs/")) {
        assert!(!page.contains("<script>alert") && page.contains("&lt;script&gt;alert(1)"), "{name}");
        assert!(page.contains("{{ 7 * 7 }}") && !page.contains('\u{1b}'), "{name}");
    }
}

#[test]
fn a_key_that_is_no_digest_names_no_file() {
    let folder = folder(&fixture::study(), SMALL);
    let path = folder.path().join("data/runs.json");
    let runs = std::fs::read_to_string(&path).unwrap();
    let mut runs: serde_json::Value = serde_json::from_str(&runs).unwrap();
    runs[0]["record"]["key"] = "../../x".into();
    std::fs::write(&path, runs.to_string()).unwrap();
    let data = folder.path().join("data");
    let error = render(&data, &templates()).unwrap_err().to_string();
    assert!(error.contains("runs.json") && error.contains("../../x") && error.contains("SHA-256"), "{error}");
}

#[test]
fn a_folder_without_counts_and_settings_renders_without_them() {
    let folder = folder(&fixture::study(), SMALL);
    let data = folder.path().join("data");
    for name in ["confusion.csv", "calibration.csv"] {
        std::fs::remove_file(data.join(name)).unwrap();
    }
    std::fs::remove_dir_all(data.join("runs")).unwrap();
    let files = rendered(&folder);
    assert!(!files["report.md"].contains("Confusion") && !files["index.html"].contains("confusion.csv#"));
    assert!(
        files.iter().filter(|(name, _)| name.starts_with("runs/")).all(|(_, page)| !page.contains("id=\"settings\""))
    );
}

#[test]
fn changes_since_the_last_collection_are_told() {
    let folder = folder(&fixture::study(), SMALL);
    assert!(rendered(&folder)["report.md"].contains("Nothing was collected here before"));
    let figure = |metric: &str, before: Option<f64>, after: Option<f64>| {
        serde_json::json!({"arm": "ssl", "protocol": "corrected", "seed": 0, "condition": "blur-0", "metric": metric,
                           "before": before, "after": after})
    };
    let changes = serde_json::json!({
        "commit": "0a1b2c3d4e5f", "dirty": true, "versions": {}, "runs": 1, "compared": 40,
        "changed": [figure("dice", Some(0.5), Some(0.25)), figure("iou", None, Some(0.5))]
    });
    std::fs::write(folder.path().join("data/changes.json"), changes.to_string()).unwrap();
    let report = &rendered(&folder)["report.md"];
    let sentence = "made at commit `0a1b2c3d` with changes, 1 run is new; of 40 figures of tests that both have, 1 changed, \
                    and 1 figure stands in only one of the two.";
    assert!(report.contains(sentence), "{report}");
    assert!(report.contains("\u{2212}0.250 |"), "{report}");
}

/// All numbers that a part of a JSON file holds, added up.
fn sum(value: &serde_json::Value) -> u64 {
    match value {
        serde_json::Value::Number(number) => number.as_u64().unwrap(),
        serde_json::Value::Array(all) => all.iter().map(sum).sum(),
        serde_json::Value::Object(all) => all.values().map(sum).sum(),
        _ => 0,
    }
}

#[test]
fn every_count_of_the_data_page_says_where_the_data_hold_it() {
    let folder = folder(&fixture::study(), REALISTIC);
    let files = rendered(&folder);
    let page = &files["data.html"];
    let counts = page.split("data-json=\"data/datasets.json\" data-pointer=\"").skip(1);
    let text = std::fs::read_to_string(folder.path().join("data/datasets.json")).unwrap();
    let data: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut found = 0;
    for count in counts {
        let (pointer, rest) = count.split_once("\">").unwrap();
        let shown: u64 = rest[..rest.find('<').unwrap()].replace(',', "").parse().unwrap();
        assert_eq!(sum(data.pointer(pointer).expect(pointer)), shown, "{pointer}");
        found += 1;
    }
    assert!(found > 0 && found == page.matches("<td class=\"number\"").count(), "{found} of {page}");
}

#[test]
fn masks_of_a_single_class_are_pointed_out() {
    let folder = folder(&fixture::study(), SMALL);
    let path = folder.path().join("data/confusion.csv");
    let said = "**Under the published protocol, every mask is background alone, or nearly:";
    assert!(!rendered(&folder)["report.md"].contains(said));
    let text = std::fs::read_to_string(&path).unwrap();
    let only_background = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        if cells[1] != "published" || cells[8] == "background" {
            return line.to_owned();
        }
        [&cells[..9], &["0"]].concat().join(",")
    };
    std::fs::write(&path, text.lines().map(only_background).collect::<Vec<_>>().join("\n")).unwrap();
    let report = &rendered(&folder)["report.md"];
    assert!(
        report.contains(said) && report.contains("Of their pixels (condition 0 %), 99.5\u{a0}% or more"),
        "{report}"
    );
    assert!(!report.contains("**Under the corrected protocol, every mask"));
}
