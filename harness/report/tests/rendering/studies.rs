//! The studies that compare arms: several printed tables, several seeds, networks measured in different ways.

use crate::{
    fixture::{
        self, Report,
        arms::{self, STUDIES},
        store,
    },
    render, templates, text,
};
use harness_record::vocabulary::{Protocol, Stage};
use harness_report::{
    RenderedFile, ReportError,
    inputs::{Fidelity, PublishedVerdict, file, published_csv},
};
use serde_json::Value;
use std::path::Path;

const IMAGES: usize = 12;

fn verdicts(data: &Path) -> Result<Vec<PublishedVerdict>, ReportError> {
    let judged = harness_report::verdicts(data, fixture::fidelity(data))?;
    Ok(judged.into_iter().map(|judged| judged.row).collect())
}

fn folder(study: &Value) -> Report {
    let folder = Report::new();
    arms::write(&folder.data(), study, IMAGES);
    folder
}

fn rendered(data: &Path) -> Vec<RenderedFile> {
    render(data, &templates()).unwrap()
}

fn report(study: &Value) -> String {
    text(&rendered(&folder(study).data()), "report.md").to_owned()
}

/// Returns the lines from one that begins with `start` to the next empty one.
fn block<'a>(markdown: &'a str, start: &str) -> Vec<&'a str> {
    let lines = markdown.lines().skip_while(|line| !line.starts_with(start));
    lines.take_while(|line| !line.is_empty()).collect()
}

fn between<'a>(markdown: &'a str, from: &str, to: &str) -> &'a str {
    &markdown[markdown.find(from).unwrap()..markdown.find(to).unwrap()]
}

fn find<'a>(rows: &'a [PublishedVerdict], [variant, split, metric]: [&str; 3]) -> &'a PublishedVerdict {
    rows.iter().find(|r| r.variant == variant && r.split == split && r.metric == metric).unwrap()
}

#[test]
fn every_printed_figure_gets_a_verdict_in_the_order_of_the_file() {
    let folder = folder(&arms::study("class-imbalance", &[0]));
    let rows = verdicts(&folder.data()).unwrap();
    let printed = arms::printed("class-imbalance");
    assert_eq!(rows.len(), 30);
    for (row, printed) in rows.iter().zip(&printed) {
        assert_eq!((&row.table, &row.variant, &row.value), (&printed.table, &printed.variant, &printed.value));
    }
    // The last of four epochs is two hundredths above the value of the second. One network says nothing about another seed.
    let loss = find(&rows, ["default", "train", "loss"]);
    assert!((loss.reproduced.unwrap() - 0.63).abs() < 1e-12, "{loss:?}");
    assert!(rows.iter().all(|row| (row.low, row.high, row.verdict.as_str()) == (None, None, "not tested")));
    let judged = harness_report::verdicts(&folder.data(), Fidelity::Full).unwrap();
    assert!(judged.iter().all(|one| (one.why, one.seeds, one.margin) == ("one network", 1, 0.02)));
    // Dice of training and validation is soft under the published protocol.
    assert!((find(&rows, ["default", "val", "dice"]).reproduced.unwrap() - 0.869).abs() < 1e-12);
}

#[test]
fn three_seeds_say_where_a_fourth_would_lie() {
    let folder = folder(&arms::study("class-imbalance", &[0, 1, 2]));
    let rows = verdicts(&folder.data()).unwrap();
    let loss = find(&rows, ["default", "train", "loss"]);
    // The values are 0.63, 0.64 and 0.65: mean 0.64, and a half-width of 4.3027 times 0.01 times the root of 4/3.
    assert!((loss.reproduced.unwrap() - 0.64).abs() < 1e-12);
    assert!((loss.high.unwrap() - (0.64 + 4.302_652_730 * 0.01 * (4.0_f64 / 3.0).sqrt())).abs() < 1e-9, "{loss:?}");
    assert_eq!(loss.verdict, "undecided"); // the interval, 0.590 to 0.690, is wider than 0.61 and its margin
    // Test figures differ from seed to seed, too, and lie between the same two ends.
    let test = find(&rows, ["default", "test", "dice"]);
    assert!(test.low.unwrap() < test.reproduced.unwrap() && test.reproduced.unwrap() < test.high.unwrap());
    let two = folder_of(&[0, 1]);
    let judged = harness_report::verdicts(&two.data(), Fidelity::Full).unwrap();
    assert!(judged.iter().all(|one| (one.row.verdict.as_str(), one.why) == ("not tested", "two networks")));
}

fn folder_of(seeds: &[u64]) -> Report {
    folder(&arms::study("class-imbalance", seeds))
}

#[test]
fn the_kept_epoch_and_the_family_decide_what_linknet_is_held_against() {
    let folder = folder(&arms::study("baselines", &[0, 1, 2]));
    let rows = verdicts(&folder.data()).unwrap();
    // Epoch 2 was kept, and its value is the printed one for the first seed; the last epoch would give 0.308.
    let near = |row: &PublishedVerdict, value: f64| (row.reproduced.unwrap() - value).abs() < 1e-9;
    assert!(near(find(&rows, ["linknet", "val", "loss"]), 0.288 + 0.01));
    assert!(near(find(&rows, ["linknet", "val", "dice"]), 0.858 + 0.01)); // batch_dice, not dice
    // 0.857, 0.859 and 0.861: another seed lies between 0.849 and 0.869.
    let test = find(&rows, ["linknet", "test", "dice"]);
    assert!(near(test, 0.859) && (test.low.unwrap() - 0.849_064).abs() < 1e-6, "{test:?}");
    assert_eq!(test.verdict, "reproduced");
    // Each seed has the same value: another one would have it, too. 0.768 is within the margin of it.
    let iou = find(&rows, ["linknet", "test", "iou"]);
    assert_eq!((iou.low, iou.high, iou.verdict.as_str()), (Some(0.75), Some(0.75), "reproduced"));
}

#[test]
fn other_settings_and_missing_runs_have_verdicts_too() {
    let mut study = arms::study("baselines", &[0]);
    study["fidelity"] = "sample".into();
    let folder = folder(&study);
    assert!(verdicts(&folder.data()).unwrap().iter().all(|row| row.verdict == "not comparable"));
    arms::forget_runs(&folder.data());
    for row in verdicts(&folder.data()).unwrap() {
        assert_eq!((row.reproduced, row.verdict.as_str()), (None, "not run"));
    }
}

#[test]
fn recorded_verdicts_must_follow_from_the_data() {
    let folder = folder(&arms::study("baselines", &[0, 1, 2]));
    let path = folder.data().join(file::PUBLISHED);
    let text = String::from_utf8(published_csv(&path, &verdicts(&folder.data()).unwrap()).unwrap()).unwrap();
    std::fs::write(&path, &text).unwrap();
    let untouched = rendered(&folder.data());
    assert!(untouched.iter().any(|f| f.path == Path::new("report.md")));

    // A row in cells: the printed figure is the seventh, then ours, both ends of the interval, and the verdict.
    let row = text.lines().find(|line| line.contains(",test,dice,0.857,")).unwrap();
    let message = |cell: usize, value: &str| {
        let mut cells: Vec<&str> = row.split(',').collect();
        cells[cell] = value;
        std::fs::write(&path, text.replacen(row, &cells.join(","), 1)).unwrap();
        let message = render(&folder.data(), &templates()).unwrap_err().to_string();
        message.replace(folder.data().to_str().unwrap(), "data")
    };
    let messages = [
        message(10, "differs"),
        message(7, "0.857"),
        message(7, "not run"),
        message(8, "0.5"),
        message(9, ""),
        // The printed figure itself was changed, so the verdict no longer follows.
        message(6, "0.897"),
    ];
    insta::assert_snapshot!(messages.join("\n"));
    // Verdicts are computed again, whatever the file says.
    assert_eq!(find(&verdicts(&folder.data()).unwrap(), ["linknet", "test", "dice"]).verdict, "differs");
}

#[test]
fn a_stated_margin_widens_what_counts_as_reproduced() {
    let mut study = arms::study("class-imbalance", &[0, 1, 2]);
    let verdict = |study: &Value| {
        let folder = folder(study);
        find(&verdicts(&folder.data()).unwrap(), ["default", "train", "loss"]).verdict.clone()
    };
    // Another seed lies between 0.590 and 0.690; the printed figure is 0.61, which may have been 0.605 or 0.615.
    assert_eq!(verdict(&study), "undecided");
    study["report"]["published"][0]["margin"] = 0.074.into();
    assert_eq!(verdict(&study), "undecided");
    study["report"]["published"][0]["margin"] = 0.076.into();
    assert_eq!(verdict(&study), "reproduced");
    let report = report(&study);
    let caption =
        "`training-performance` of data/published.csv, under the published protocol; margin of equivalence 0.076";
    assert!(report.contains(caption) && report.contains("[0.640 (0.590 to 0.690)][m"), "{report}");
}

#[test]
fn what_a_report_is_comes_from_whoever_renders_it() {
    // The data folder says that it is the published experiment.
    let folder = folder(&arms::study("class-imbalance", &[0]));
    assert!(report(&arms::study("class-imbalance", &[0])).contains("| not tested: one network"));
    for (fidelity, why) in [
        (Fidelity::Synthetic, "other data and size"),
        (Fidelity::Sample, "other data and size"),
        (Fidelity::Other, "other data or settings"),
        (Fidelity::Unknown, "does not match the current spec"),
    ] {
        let judged = harness_report::verdicts(&folder.data(), fidelity).unwrap();
        assert!(judged.iter().all(|j| (j.row.verdict.as_str(), j.why) == ("not comparable", why)), "{fidelity:?}");
        let files = harness_report::render(&folder.data(), &templates(), fidelity, &[]).unwrap();
        let markdown = text(&files, "report.md");
        assert!(
            markdown.contains("> **Not ") && markdown.contains(&format!("| not comparable: {why}")),
            "{fidelity:?}"
        );
        assert!(!markdown.contains("| reproduced") && !text(&files, "index.html").contains("verdict reproduced"));
    }
}

#[test]
fn species_breeds_and_images_are_tables_of_their_own() {
    let markdown = report(&arms::study("ssl-vs-sl", &[0, 1]));
    let section = between(&markdown, "## Species, breeds and images", "## Training");
    let table = |caption: &str| {
        let lines = section.lines().skip_while(|line| !line.starts_with(&format!("Table: {caption}")));
        let rows = lines.skip(4).take_while(|line| line.starts_with('|'));
        rows.map(|row| row.split('|').map(|c| c.trim().to_owned()).collect::<Vec<_>>()).collect::<Vec<_>>()
    };
    let species = table("hard Dice under the corrected protocol by species");
    // `[0.845][i2-13]`
    let shown = |cell: &String| cell[1..cell.find(']').unwrap()].to_owned();
    assert_eq!((species[0][1].as_str(), &shown(&species[0][4])[..], &shown(&species[0][7])[..]), ("Ssl", "9", "3"));
    // There are twelve images of four breeds; the worst breeds come first.
    let breeds = table("hard Dice under the corrected protocol by breed");
    assert!(breeds.len() == 4 && breeds.iter().all(|row| shown(&row[2]) == "3"), "{breeds:?}");
    let number = |cell: &String| shown(cell).parse::<f64>().unwrap();
    let mean = |row: &Vec<String>| f64::midpoint(number(&row[3]), number(&row[4]));
    assert!(breeds.windows(2).all(|two| mean(&two[0]) <= mean(&two[1]) + 0.001), "{breeds:?}");
    let worst = table("hard Dice under the corrected protocol: the 5 of 12 images with the worst");
    let best = table("hard Dice under the corrected protocol: the 5 of 12 images with the best");
    assert_eq!((worst.len(), best.len()), (5, 5));
    assert!(worst.windows(2).all(|two| mean(&two[0]) <= mean(&two[1]) + 0.001));
    assert!(best.windows(2).all(|two| mean(&two[0]) >= mean(&two[1]) - 0.001) && mean(&best[4]) > mean(&worst[4]));
    assert!(worst[0][1].starts_with("images/") && !worst[0][2].is_empty());
}

#[test]
fn every_template_copes_with_all_none_and_some_of_its_arms() {
    for (name, all) in STUDIES {
        let mut study = arms::study(name, &[0, 1, 2]);
        let full = folder(&study);
        let markdown = text(&rendered(&full.data()), "report.md").to_owned();
        for heading in ["## Answer", "## Claims", "## Results", "## Printed tables", "### Metrics", "## Provenance"] {
            assert!(
                markdown.contains(heading) || heading == "## Printed tables" && name == "distortions",
                "{name}: {heading}"
            );
        }
        assert!(
            markdown.contains("\n* The encoder of LinkNet started from random weights, not from \\<ImageNet\\>.\n")
        );

        arms::forget_runs(&full.data());
        let markdown = text(&rendered(&full.data()), "report.md").to_owned();
        assert!(markdown.contains("there is no answer yet"), "{name}: {markdown}");

        study["report"]["claims"] = serde_json::json!([]);
        for kept in 0..all.len() {
            let mut one = study.clone();
            one["arms"] = serde_json::json!([study["arms"][kept]]);
            let protocol = ["published", "corrected"][kept % 2];
            one["protocols"] = serde_json::json!([protocol]);
            assert!(report(&one).contains("## Answer"), "{name}: {}", all[kept].0);
        }
    }
}

#[test]
fn several_seeds_and_printed_tables_read_well() {
    let files = rendered(&folder(&arms::study("class-imbalance", &[0, 1, 2])).data());
    let markdown = text(&files, "report.md");
    let row = block(markdown, "| Default").first().copied().unwrap_or_default();
    let reference = row.split("][m").nth(1).and_then(|rest| rest.split_once(']')).unwrap().0;
    assert_eq!(reference.split("_m").count(), 3, "a row for each seed: {row}");
    let run = reference.split_once('.').unwrap().0;
    assert!(markdown.contains(&format!("\n[m{reference}]: ../runs/{run}/metrics.csv#L")), "{reference}");
    assert!(!markdown.contains("| Condition"), "a single condition needs no column");
    // Three of the twelve images are dogs: those of the one breed whose name begins with a small letter.
    // No claim is about a species, so the differences have no word.
    assert!(markdown.contains("over cats alone, corrected protocol: \u{2212}0") && markdown.contains("over 9 images"));
    assert!(markdown.contains("over dogs alone, corrected protocol: \u{2212}0") && markdown.contains("over 3 images"));
    // The template's text on imbalance is checked against the images that were trained on.
    assert!(markdown.contains("**In this report there are not fewer cats than dogs:**"));
    insta::assert_snapshot!("class_imbalance", between(markdown, "# ", "## Training"));
}

#[test]
fn networks_of_different_families_are_told_apart() {
    let files = rendered(&folder(&arms::study("baselines", &[0, 1, 2])).data());
    let markdown = text(&files, "report.md");
    // The claim compares LinkNet's Dice, which is a mean over batches only under the published protocol.
    let claim = "| The first arm is better than the second. `linknet.dice > segnet-supervised.dice` ";
    let cells = |row: &str| row.split(" | ").map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let rows: Vec<_> = markdown.lines().filter(|line| line.starts_with(claim)).map(cells).collect();
    assert_eq!((rows[0][1].as_str(), rows[1][1].as_str()), ("not comparable", "supported"));
    let remark = "segnet-supervised.dice` is not comparable under the published protocol: Dice of Linknet is a mean over batches";
    assert!(markdown.contains(remark));
    insta::assert_snapshot!("baselines", between(markdown, "# ", "## Training"));
    insta::assert_snapshot!("definitions", between(markdown, "### Protocols", "### Intervals"));
    insta::assert_snapshot!("by_arm", text(&files, "charts/metrics-by-arm.svg"));
}

#[test]
fn the_answers_of_the_other_studies_read_well() {
    let answers = ["ssl-vs-sl", "finetune-fractions", "distortions"]
        .map(|name| between(&report(&arms::study(name, &[0])), "## Answer", "## Claims").to_owned());
    insta::assert_snapshot!(answers.join("\n\n"));
}

#[test]
fn percentages_of_the_published_text_are_held_against_its_own_table() {
    let study = arms::study("finetune-fractions", &[0]);
    let markdown = report(&study);
    let section = between(&markdown, "### Percentages of the published text", "## Claims");
    assert!(
        section.contains("The text's own table supports 2 of the 10 percentages. The other 8 measure"),
        "{section}"
    );
    // These percentages are the IoU, or the Dice, compared with the accuracy of the same network. With the rounding of
    // the printed figures, its Dice is about as close for some of them.
    assert_eq!(section.matches("no: it is the difference from its own Accuracy").count(), 8, "{section}");
    let row = |quoted: &str| section.lines().find(|line| line.contains(quoted)).unwrap().to_owned();
    assert!(row("IoU Score (-12.25%)").contains("[\u{2212}2.21\u{a0}%][p7.4] | no"), "{section}");
    assert!(row("Dice Score dropping by -4.05%").contains("[\u{2212}4.05\u{a0}%][p"), "{section}");
    // Our figures are next to them with their intervals. Without runs or without a printed table, no figures are
    // invented.
    assert!(row("-13.37%").matches("\u{a0}% (one network per arm, not tested)").count() == 2, "{section}");
    let three = report(&arms::study("finetune-fractions", &[0, 1, 2]));
    let of_three = three.lines().find(|line| line.contains("-13.37%")).unwrap();
    assert!(of_three.matches("\u{a0}% (\u{2212}").count() == 2, "{of_three}");
    let folder = folder(&study);
    arms::forget_runs(&folder.data());
    let markdown = text(&rendered(&folder.data()), "report.md").to_owned();
    assert!(between(&markdown, "### Percentages", "## Claims").contains(" not run |"));
    let mut study = study;
    study["report"]["published"] = serde_json::json!([]);
    let markdown = report(&study);
    assert!(
        between(&markdown, "### Percentages", "## Claims").contains("no printed table to check the statements against")
    );
}

#[test]
fn a_gallery_of_one_condition_is_one_sheet() {
    let mut study = arms::study("ssl-vs-sl", &[0]);
    study["report"]["gallery"] = serde_json::json!({"images": 5, "arm": "ssl", "protocol": "corrected"});
    let files = rendered(&folder(&study).data());
    let sheets: Vec<_> =
        files.iter().filter(|f| f.path.starts_with("gallery/") && !f.path.ends_with("contact.jpg")).collect();
    assert_eq!(sheets.len(), 1);
    let picture = mozjpeg::Decompress::new_mem(&sheets[0].bytes).unwrap();
    assert_eq!(picture.size(), (5 * 132 - 4, 2 * 132 - 4));
    let markdown = text(&files, "report.md");
    assert_eq!(block(markdown, "Figure: images/Bengal_1.jpg (Bengal), images/Maine_Coon_2.jpg").len(), 1, "{markdown}");
}

#[test]
fn means_over_different_images_say_how_many() {
    let folder = folder(&arms::study("ssl-vs-sl", &[0]));
    // The second arm was not tested on two of the images.
    let dropped = |line: &&str| line.contains("_1.jpg") || line.contains("_2.jpg");
    for protocol in Protocol::ALL {
        let test = folder.run("supervised", Some(protocol), Stage::Evaluate);
        store::change(&test, "per_image.csv", |rows| {
            rows.lines().filter(|line| !dropped(line)).collect::<Vec<_>>().join("\n")
        });
    }
    let files = rendered(&folder.data());
    let markdown = text(&files, "report.md");
    let answer = between(markdown, "## Answer", "## Claims");
    assert!(answer.contains(", over the 10 images that both were tested on)"), "{answer}");
    let table = block(markdown, "| Arm ");
    assert!(
        table[0].contains(" Images |") && table[2].contains(" [12][i") && table[3].contains(" [10][i"),
        "{table:?}"
    );
}

#[test]
fn charts_can_be_limited_to_protocols() {
    let mut study = arms::study("ssl-vs-sl", &[0]);
    study["report"]["charts"][0]["protocols"] = serde_json::json!({"only": ["corrected"]});
    let files = rendered(&folder(&study).data());
    let chart = text(&files, "charts/metrics-by-arm.svg");
    assert!(chart.contains("Under the corrected protocol") && !chart.contains("published protocol"));
    let wrong = serde_json::json!({"only": ["correct"]});
    let file = folder(&study);
    study["report"]["charts"][0]["protocols"] = wrong;
    std::fs::write(file.data().join("study.json"), study.to_string()).unwrap();
    let message = harness_report::render(&file.data(), &templates(), Fidelity::Full, &[]).unwrap_err().to_string();
    assert!(message.contains("study.json") && message.contains("unknown variant `correct`"), "{message}");
}
