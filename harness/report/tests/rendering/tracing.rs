//! Follows every figure of a page to the rows that it is made of, and to the run that wrote them.

use crate::{
    fixture::{self, REALISTIC, Report, SMALL, Size, store},
    folder, render, templates,
};
use harness_record::{
    rows::PlaceRow,
    run::RunRecord,
    vocabulary::{Protocol, Stage},
};
use harness_report::RenderedFile;
use std::collections::{BTreeMap, BTreeSet};

fn rendered(folder: &Report) -> BTreeMap<String, String> {
    let files = render(&folder.data(), &templates()).unwrap();
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

/// Returns the lines of a table, numbered as a reader of the file numbers them.
fn table(folder: &Report, name: &str) -> Vec<String> {
    std::fs::read_to_string(folder.folder().join(name)).unwrap().lines().map(str::to_owned).collect()
}

/// Returns the rows that a link names, file by file: `12,45-47` in one, `2` in another.
fn rows(folder: &Report, link: &Traced) -> Vec<String> {
    let ends = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        (first.parse().unwrap(), last.parse().unwrap())
    };
    let (files, lines): (Vec<&str>, Vec<&str>) = (link.csv.split(' ').collect(), link.rows.split(' ').collect());
    assert_eq!(files.len(), lines.len(), "{link:?}");
    let of_file = |(file, lines): (&str, &str)| {
        let table = table(folder, file);
        let lines = lines.split(',').map(ends).flat_map(|(first, last): (usize, usize)| first..=last);
        lines.map(|line| table[line - 1].clone()).collect::<Vec<_>>()
    };
    files.into_iter().zip(lines).flat_map(of_file).collect()
}

/// Returns the names of the tables that a link leads to, without their folders.
fn names(link: &Traced) -> BTreeSet<String> {
    link.csv.split(' ').map(|file| file.rsplit('/').next().unwrap().to_owned()).collect()
}

#[test]
fn every_figure_of_a_result_leads_to_a_row_that_holds_it() {
    let folder = folder(&fixture::study(), REALISTIC);
    let files = rendered(&folder);
    let links = traced(&files["index.html"]);
    let mut tables: BTreeSet<String> = BTreeSet::new();
    let (mut means, mut differences, mut positions) = (0, 0, 0);
    for link in &links {
        tables.extend(names(link));
        let rows = rows(&folder, link);
        if link.csv == "data/published.csv" {
            // No run wrote the printed figures.
            assert!(rows[0].split(',').any(|cell| cell == link.text), "{link:?}: {rows:?}");
            assert!(link.runs.is_empty() && link.href == link.csv, "{link:?}");
            continue;
        }
        let (page, place) = link.href.split_once('#').unwrap();
        let run = files.get(page).unwrap_or_else(|| panic!("no page for {link:?}"));
        assert!(run.contains(&format!("id=\"{place}\"")), "{link:?}");
        let folders = link.csv.split(' ').map(|file| file.split('/').nth(2).unwrap());
        assert!(folders.eq(link.runs.split(' ')), "{link:?}");
        if link.csv.ends_with("/metrics.csv") {
            let value_of = |row: &String| -> f64 { row.rsplit(',').next().unwrap().parse().unwrap() };
            let value = value_of(&rows[0]);
            if let Some(share) = link.text.strip_suffix("&nbsp;%") {
                // The position of a score: the second row is its floor.
                let floor = value_of(&rows[1]);
                let (share, position) = (share.parse::<f64>().unwrap() / 100.0, (value - floor) / (1.0 - floor));
                assert!((share - position).abs() < 0.005_001 && rows.len() == 2, "{link:?}: {position}");
                positions += 1;
                continue;
            }
            if link.text == "not above the floor" {
                assert!(value <= value_of(&rows[1]) + 1e-6 && rows.len() == 2, "{link:?}");
                continue;
            }
            if link.text.starts_with(['+', '\u{2212}']) {
                differences += 1;
                continue;
            }
            let shown: f64 = link.text.parse().unwrap();
            assert!((value - shown).abs() < 0.000_501, "{link:?}: {value}");
            means += 1;
        }
    }
    // There are three metrics and two protocols, with two arms under five conditions and two baselines.
    assert!(means >= 3 * 2 * 12 && differences > 0, "{means} {differences}");
    assert!(positions > 20, "{positions}");
    let all = ["baselines", "calibration", "confusion", "metrics", "per_image", "published"];
    assert!(tables.into_iter().eq(all.map(|name| format!("{name}.csv"))));
    // In Markdown, each reference links to the first of its files.
    let mut defined = 0;
    for line in files["report.md"].lines().filter(|line| line.starts_with('[') && line.contains("]: ")) {
        let (file, lines) = line.split_once("]: ").unwrap().1.split_once('#').unwrap();
        let first: usize = lines[1..].split([',', '-']).next().unwrap().parse().unwrap();
        assert!(table(&folder, file).len() >= first, "{line}");
        defined += 1;
    }
    assert!(defined > 100, "{defined}");
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
                // An epoch's number names its row, so it has no link; a missing value is a dash.
                assert!(cell.trim_end_matches(" (kept)").parse::<u32>().is_ok() || cell == "\u{2013}", "{cell}");
                [Traced::default()]
            });
            *sources.entry(names(&link).into_iter().collect::<Vec<_>>().join(" ")).or_default() += 1;
        }
    }
    let expected = ["", "calibration", "metrics", "per_image", "published"];
    let expected = expected.map(|name| if name.is_empty() { String::new() } else { format!("{name}.csv") });
    assert_eq!(sources.keys().cloned().collect::<Vec<_>>(), expected);
}

#[test]
fn rows_of_an_interval_are_those_of_its_arm_and_condition() {
    let folder = folder(&fixture::study(), SMALL);
    let files = rendered(&folder);
    let html = &files["index.html"];
    let (_, results) = html.split_once("id=\"results-under-the-published-protocol\"").unwrap();
    let row = results.split("<tr>").find(|row| row.contains("Self-supervised") && row.contains(">25&nbsp;%<"));
    let link = traced(row.unwrap()).into_iter().find(|link| link.csv.ends_with("/per_image.csv")).unwrap();
    let found = rows(&folder, &link);
    assert_eq!(found.len(), SMALL.images);
    assert!(found.iter().all(|row| row.contains(",model,blur-25,")), "{found:?}");
    let test = folder.run("ssl", Some(Protocol::Published), Stage::Evaluate);
    assert_eq!(link.csv, format!("../runs/{}/per_image.csv", test.file_name().unwrap().to_str().unwrap()));
}

#[test]
fn the_page_of_runs_shows_what_it_was_and_links_to_its_neighbours() {
    let folder = folder(&fixture::study(), SMALL);
    let files = rendered(&folder);
    let sections: Vec<&str> = files["runs.html"].split("<section class=\"run\" id=\"").skip(1).collect();
    assert_eq!(sections.len(), 9);
    let of = |words: &str| *sections.iter().find(|section| section.contains(words)).unwrap();
    let test = of("<h2>Test: Self-supervised, corrected protocol, seed 0</h2>");
    let short = &test[..8];
    let file = |name: &str| format!("href=\"../runs/{short}/{name}\"");
    for needed in [
        format!("id=\"{short}-images\""),
        format!("id=\"{short}-pixels\""),
        "&quot;stage&quot;: &quot;evaluate&quot;".to_owned(),
    ] {
        assert!(test.contains(&needed), "{needed}");
    }
    for name in ["run.json", "metrics.csv", "per_image.csv", "confusion.csv", "calibration.csv"] {
        assert!(test.contains(&file(name)), "{name}");
    }
    let training = of("<h2>Pretraining: Self-supervised, seed 0</h2>");
    assert!(!training.contains("-images\"") && training.contains("<svg"));
}

#[test]
fn settings_from_strangers_stay_text() {
    let folder = folder(&fixture::study(), SMALL);
    for run in folder.runs() {
        let record = RunRecord::read(&run).unwrap();
        let settings = "</pre><script>alert(1)</script> {{ 7 * 7 }}\n\u{1b}[31mred".into();
        RunRecord { settings, ..record }.write(&run).unwrap();
    }
    let files = rendered(&folder);
    let page = &files["runs.html"];
    assert!(!page.contains("<script>alert") && page.contains("&lt;script&gt;alert(1)"), "{page}");
    assert!(page.contains("{{ 7 * 7 }}") && !page.contains('\u{1b}'), "{page}");
}

#[test]
fn a_key_that_is_no_digest_names_no_file() {
    let folder = folder(&fixture::study(), SMALL);
    let path = folder.data().join("places.csv");
    let places = std::fs::read_to_string(&path).unwrap();
    let (before, _) = places.trim_end().rsplit_once(',').unwrap();
    std::fs::write(&path, format!("{before},../../x\n")).unwrap();
    let error = render(&folder.data(), &templates()).unwrap_err().to_string();
    assert!(error.contains("places.csv") && error.contains("../../x") && error.contains("hexadecimal"), "{error}");
}

#[test]
fn a_study_without_counts_renders_without_them() {
    let folder = folder(&fixture::study(), SMALL);
    for run in folder.runs() {
        let mut record = RunRecord::read(&run).unwrap();
        record.files.retain(|name, _| name != "confusion.csv" && name != "calibration.csv");
        record.write(&run).unwrap();
    }
    let files = rendered(&folder);
    assert!(!files["report.md"].contains("Confusion") && !files["index.html"].contains("/confusion.csv"));
}

#[test]
fn arms_that_share_a_run_lead_to_the_same_rows() {
    let folder = folder(&fixture::study(), SMALL);
    // Both arms now have the runs of the first one.
    let mut places = folder.places();
    for at in 0..places.len() {
        if places[at].arm == "supervised" {
            let of = |other: &&PlaceRow| {
                other.arm == "ssl" && (other.stage, other.protocol) == (places[at].stage, places[at].protocol)
            };
            places[at].run = places.iter().find(of).unwrap().run.clone();
        }
    }
    harness_record::table::write(&folder.data().join("places.csv"), &places).unwrap();
    let files = rendered(&folder);
    assert_eq!(files["runs.html"].matches("<section class=\"run\"").count(), 5);
    let of_arm = |arm: &str| -> Vec<String> {
        let rows =
            files["report.md"].lines().filter(|line| line.starts_with(&format!("| {arm} ")) && line.contains("][i"));
        rows.map(|row| row.split('|').skip(2).map(str::trim).collect::<Vec<_>>().join("|")).collect()
    };
    let [first, second] = ["Self-supervised", "Supervised"].map(of_arm);
    assert!(first.len() > 10 && second.iter().all(|row| row.contains("][i")), "{first:?}");
    // The first arm's rows also show the printed figures; the means and their rows are the same.
    let means = |rows: &[String]| -> Vec<String> {
        rows.iter().filter_map(|row| row.split('|').find(|cell| cell.contains("][m")).map(str::to_owned)).collect()
    };
    assert_eq!(means(&first), means(&second));
}

/// Returns the sum of all numbers in a part of a JSON file.
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
    let counts = page.split("data-json=\"data/study.json\" data-pointer=\"").skip(1);
    let text = std::fs::read_to_string(folder.data().join("study.json")).unwrap();
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
fn masks_of_a_single_class_withhold_verdicts_above_the_answer() {
    let folder = folder(&fixture::study(), SMALL);
    let said = "**Failed: collapse.** Under the published protocol (condition 0 %), Self-supervised ([100.0\u{a0}%]";
    assert!(!rendered(&folder)["report.md"].contains("**Failed"));
    let only_background = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        if cells[0] == "split" || cells[4] == "background" {
            return line.to_owned();
        }
        [&cells[..5], &["0"]].concat().join(",")
    };
    let test = folder.run("ssl", Some(Protocol::Published), Stage::Evaluate);
    store::change(&test, "confusion.csv", |text| text.lines().map(only_background).collect::<Vec<_>>().join("\n"));
    let files = rendered(&folder);
    let report = &files["report.md"];
    let (above, below) = report.split_once("## Answer").unwrap();
    assert!(above.contains("1 check of the records failed"), "{above}");
    assert!(above.contains("so 2 verdicts are withheld") && above.contains(said), "{above}");
    let withheld = "withheld: Self-supervised collapsed to background";
    // Both claims of the arm under the protocol, and none under the other.
    assert_eq!(below.matches(withheld).count(), 2, "{below}");
    assert!(files["index.html"].contains(&format!("<td class=\"verdict withheld long\">{withheld}</td>")));
    let latex = [files["tables/claims.published.tex"].as_str(), &files["tables/claims.corrected.tex"]];
    assert_eq!(latex.map(|text| text.matches(withheld).count()), [2, 0]);
    // The differences in the answer have numbers, and no words on their direction.
    assert!(below.contains("; [verdict withheld](#health))"), "{below}");
}
