//! Checks that every text of every chart is complete and overlaps nothing, for any study. Texts are measured from the
//! drawn SVG in the bundled font.

use crate::{
    fixture::{self, REALISTIC, Report, SMALL, Size, arms, store},
    folder, render, templates, text,
};
use ab_glyph::{Font as _, FontRef, ScaleFont as _};
use harness_record::{digest, rows::PlaceRow, run::RunRecord, table, vocabulary::Key};
use harness_report::{RenderedFile, inputs::file};
use serde_json::{Value, json};
use std::{fs, path::Path};

static REGULAR: &[u8] = include_bytes!("../../assets/HarnessSans-Regular.ttf");
static BOLD: &[u8] = include_bytes!("../../assets/HarnessSans-Bold.ttf");

/// A text of a chart and its bounding box: left, top, right, bottom.
#[derive(Debug)]
struct Lettered {
    text: String,
    at: [f64; 4],
}

fn attribute<'a>(element: &'a str, name: &str) -> &'a str {
    let start = element.find(&format!(" {name}=\"")).unwrap() + name.len() + 3;
    element[start..].split('"').next().unwrap()
}

fn number(element: &str, name: &str) -> f64 {
    attribute(element, name).parse().unwrap()
}

/// Returns all texts of a chart, in pixels.
fn texts(svg: &str) -> Vec<Lettered> {
    let elements = svg.split("<text ").skip(1).map(|rest| rest.split("</text>").next().unwrap());
    let measured = elements.map(|element| {
        let (tag, text) = element.split_once('>').unwrap();
        let tag = format!(" {tag}");
        let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        let font = FontRef::try_from_slice(if tag.contains("bold") { BOLD } else { REGULAR }).unwrap();
        let size = number(&tag, "font-size");
        // The size of a font is the size of its em, but ab_glyph scales by the height of a line.
        let em = font.units_per_em().unwrap();
        let letters = font.as_scaled(size as f32 * font.height_unscaled() / em);
        let width = f64::from(text.chars().map(|c| letters.h_advance(letters.glyph_id(c))).sum::<f32>());
        let left = match attribute(&tag, "text-anchor") {
            "start" => number(&tag, "x"),
            "middle" => number(&tag, "x") - width / 2.0,
            _ => number(&tag, "x") - width,
        };
        // The baseline is half an x-height below the middle: 0.27 of an em in this font. Apart from letters with
        // accents, no letter rises more than 0.76 of an em above it or reaches 0.24 below.
        let base = number(&tag, "y") + 0.27 * size;
        Lettered { text, at: [left, base - 0.76 * size, left + width, base + 0.24 * size] }
    });
    measured.collect()
}

/// Returns the problems with the texts of a chart.
fn faults(svg: &str) -> Vec<String> {
    let view: Vec<f64> = attribute(svg, "viewBox").split(' ').map(|part| part.parse().unwrap()).collect();
    let texts = texts(svg);
    assert!(texts.len() > 4, "{svg}");
    let mut faults = Vec::new();
    for (i, one) in texts.iter().enumerate() {
        let [left, top, right, bottom] = one.at;
        if left < 0.0 || top < 0.0 || right > view[2] || bottom > view[3] {
            faults.push(format!("`{}` leaves the canvas: {:?} in {view:?}", one.text, one.at));
        }
        for other in &texts[i + 1..] {
            let [l, t, r, b] = other.at;
            if left < r && l < right && top < b && t < bottom {
                faults.push(format!("`{}` and `{}` overlap: {:?} and {:?}", one.text, other.text, one.at, other.at));
            }
        }
    }
    faults
}

fn rendered(data: &Path) -> Vec<RenderedFile> {
    render(data, &templates()).unwrap()
}

fn charts(data: &Path) -> Vec<RenderedFile> {
    let files = rendered(data).into_iter();
    files.filter(|file| file.path.extension().is_some_and(|extension| extension == "svg")).collect()
}

/// Returns the words of all tooltips of a page's chart (the first chart is 1), one line each. The files of charts have
/// no tooltips.
fn tips(page: &str, chart: usize) -> Vec<&str> {
    let start = format!("aria-labelledby=\"chart.{chart}.title");
    let svg = page.split(&start).nth(1).unwrap().split("</svg>").next().unwrap();
    let tips = svg.split("<g class=\"tips\"").nth(1).unwrap().split("<title>").skip(1);
    tips.flat_map(|rest| rest.split("</title>").next().unwrap().lines()).collect()
}

fn assert_legible(what: &str, data: &Path) {
    for chart in charts(data) {
        let svg = String::from_utf8(chart.bytes).unwrap();
        let faults = faults(&svg);
        assert!(faults.is_empty(), "{what}, {}:\n{}", chart.path.display(), faults.join("\n"));
    }
}

fn assert_blurring(what: &str, study: &Value, size: Size) {
    assert_legible(what, &folder(study, size).data());
}

fn assert_arms(what: &str, study: &Value) {
    let folder = Report::new();
    arms::write(&folder.data(), study, 6);
    assert_legible(what, &folder.data());
}

/// Copies an arm's runs under each of `names`, so that all of these arms have equal values.
fn copy_runs(report: &Report, arm: &str, names: &[String]) {
    let mut places = report.places();
    for place in report.places().into_iter().filter(|place| place.arm == arm) {
        let from = file::run_folder(&report.data(), &place.run);
        for name in names {
            let run: Key = digest::of_bytes(format!("{name} {}", place.run).as_bytes()).parse().unwrap();
            let to = file::run_folder(&report.data(), &run);
            fs::create_dir_all(&to).unwrap();
            for entry in fs::read_dir(&from).unwrap() {
                let path = entry.unwrap().path();
                fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
            }
            let record = RunRecord::read(&from).unwrap();
            RunRecord { key: run.clone(), ..record }.write(&to).unwrap();
            places.push(PlaceRow { arm: name.clone(), run, ..place.clone() });
        }
    }
    table::write(&report.data().join(file::PLACES), &places).unwrap();
}

#[test]
fn every_point_says_what_it_is() {
    let files = rendered(&folder(&fixture::study(), SMALL).data());
    let page = text(&files, "index.html");
    let by_blur = tips(page, 1);
    // There are two arms under two protocols and the printed figures, at five levels of blur, in three metrics.
    assert_eq!(by_blur.len(), (2 * 2 + 1) * 5 * 3);
    assert!(by_blur.contains(&"Self-supervised, as printed, 25 %: Dice 0.749"), "{by_blur:#?}");
    let first = by_blur.iter().find(|tip| tip.starts_with("Supervised, corrected protocol, 100 %: IoU 0.")).unwrap();
    assert!(first.contains(", 95\u{a0}% interval 0.") && first.ends_with(", over 8 images"), "{first}");
    let training = tips(page, 2);
    // The one pretraining stage logs its loss, and three epochs of fine-tuning are in two panels.
    assert_eq!(
        training.iter().filter(|tip| tip.starts_with("Pretraining: loss") && tip.ends_with(", epoch 2")).count(),
        1
    );
    assert_eq!(training.iter().filter(|tip| tip.ends_with(", epoch 3")).count(), 5);
    assert!(training.iter().any(|tip| tip.ends_with("in epoch 3, whose weights were kept")), "{training:#?}");
}

#[test]
fn the_data_of_a_chart_are_a_table_of_the_page() {
    let files = rendered(&folder(&fixture::study(), SMALL).data());
    let page = text(&files, "index.html");
    let tables: Vec<&str> = page.split("<details class=\"data\">").skip(1).collect();
    assert_eq!(tables.len(), 2);
    let by_blur = tables[0].split("</details>").next().unwrap();
    assert_eq!(by_blur.matches("<tr>").count(), 1 + 2 * 2 * 5 * 3);
    assert!(by_blur.contains(">0.749</a>") && by_blur.contains("data-csv=\"data/published.csv\""));
    assert!(files.iter().all(|file| file.path.extension().is_none_or(|extension| extension != "csv")));
}

#[test]
fn many_epochs_keep_their_files_small() {
    let files = rendered(&folder(&fixture::study(), Size { epochs: 1500, ..SMALL }).data());
    let (chart, page) = (text(&files, "charts/training.svg"), text(&files, "index.html"));
    assert!(chart.len() < 200_000 && page.len() < 500_000, "{} and {} bytes", chart.len(), page.len());
    assert!(page.contains("<p>The tables of the runs contain "));
    assert!(tips(page, 2).iter().any(|tip| tip.ends_with(", epoch 1500")));
}

const LONG: &str =
    "Self-supervised on a great many photographs of cats, dogs and whatever else was at hand, then fine-tuned";

#[test]
fn texts_of_the_usual_studies_stand_free() {
    assert_blurring("blurring", &fixture::study(), REALISTIC);
    for (name, _) in arms::STUDIES {
        for seeds in [&[0][..], &[0, 1, 2]] {
            assert_arms(name, &arms::study(name, seeds));
        }
    }
}

#[test]
fn long_names_are_cut() {
    let mut study = fixture::study();
    for (i, arm) in study["arms"].as_array_mut().unwrap().iter_mut().enumerate() {
        arm["label"] = format!("{LONG} {i}").into();
    }
    for chart in study["report"]["charts"].as_array_mut().unwrap() {
        chart["title"] = LONG.repeat(4).into();
    }
    study["report"]["charts"][0]["x"] = LONG.repeat(2).into();
    assert_blurring("long labels", &study, SMALL);
    for (i, condition) in study["conditions"].as_array_mut().unwrap().iter_mut().enumerate() {
        condition["label"] = format!("{LONG} {i}").into();
        condition["value"] = json!(if i == 2 { 0.001 } else { i as f64 });
    }
    assert_blurring("long conditions", &study, SMALL);
    for (name, _) in arms::STUDIES {
        let mut study = arms::study(name, &[0]);
        for arm in study["arms"].as_array_mut().unwrap() {
            arm["label"] = LONG.into();
        }
        study["report"]["charts"][0]["title"] = "W".repeat(400).into();
        assert_arms(name, &study);
    }
}

#[test]
fn a_study_of_one_of_everything_has_charts() {
    let mut study = fixture::study();
    for (list, kept) in [("conditions", 1), ("arms", 1), ("protocols", 1)] {
        study[list].as_array_mut().unwrap().truncate(kept);
    }
    study["report"]["claims"] = json!([]);
    study["report"]["gallery"] = Value::Null;
    study["study"] = "other".into();
    study["report"]["charts"][0]["metrics"] = json!(["loss"]);
    assert_blurring("one of everything", &study, SMALL);
}

#[test]
fn many_arms_of_equal_values_stand_apart_or_in_the_legend() {
    for count in [1, 3, 5, 9, 30] {
        let mut study = fixture::study();
        let names: Vec<String> = (0..count).map(|i| format!("arm-{i}")).collect();
        for name in &names {
            let arm = json!({"name": name, "model": "vqvae", "label": format!("Network {name}"), "description": "d"});
            study["arms"].as_array_mut().unwrap().push(arm);
        }
        let by_arm = json!({"name": "arms", "kind": "by-arm", "metrics": ["dice", "loss"], "title": "Arms"});
        study["report"]["charts"].as_array_mut().unwrap().push(by_arm);
        study["study"] = "other".into();
        let report = folder(&study, SMALL);
        copy_runs(&report, "ssl", &names);
        assert_legible(&format!("{count} equal arms"), &report.data());
    }
}

#[test]
fn huge_and_tiny_values_have_room() {
    for (from, to) in [("0.", "1234567890."), ("0.", "0.0000000")] {
        let mut study = fixture::study();
        study["study"] = "other".into();
        study["report"]["charts"][0]["metrics"] = json!(["loss", "dice"]);
        let by_arm = json!({"name": "arms", "kind": "by-arm", "metrics": ["loss", "dice", "iou"], "title": "Arms"});
        study["report"]["charts"].as_array_mut().unwrap().push(by_arm);
        let report = folder(&study, SMALL);
        for run in report.runs() {
            for table in ["metrics.csv", "per_image.csv", "baselines.csv"] {
                if run.join(table).exists() {
                    store::change(&run, table, |text| text.replace(&format!(",{from}"), &format!(",{to}")));
                }
            }
        }
        assert_legible(to, &report.data());
    }
}

#[test]
fn a_fault_would_be_seen() {
    let text = |x: u32, y: u32| {
        format!("<text x=\"{x}\" y=\"{y}\" text-anchor=\"start\" font-size=\"25\" class=\"rf0\">Words</text>")
    };
    let svg = |texts: &[String]| format!("<svg viewBox=\"0 0 400 300\">{}</svg>", texts.concat());
    let apart = [text(10, 20), text(10, 50), text(10, 80), text(10, 110), text(200, 20)];
    assert_eq!(faults(&svg(&apart)), [""; 0]);
    let mut bad = apart;
    bad[1] = text(60, 22);
    bad[4] = text(390, 290);
    assert_eq!(faults(&svg(&bad)).len(), 2, "{:?}", faults(&svg(&bad)));
}
