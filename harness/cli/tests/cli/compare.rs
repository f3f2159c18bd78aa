//! `compare`: differences between reports, arms and runs, and what is refused.

use crate::studio::{Said, Studio, contents, copy, edit_run, git, published, runs};
use harness_record::{
    rows::{ImageRow, PlaceRow},
    run::RunRecord,
    table,
    vocabulary::{Condition, Protocol, Stage},
};
use serde_json::Value;
use std::{fs, path::Path};

pub(crate) const PROFILE: &str = "reports/demo";
const REPORT: &str = "reports/demo/blurring";

pub(crate) fn compare(studio: &Studio, a: &str, b: &str, more: &[&str]) -> Said {
    studio.run(&[&["compare", a, b][..], more].concat())
}

/// The comparison as JSON.
#[track_caller]
pub(crate) fn compared(studio: &Studio, a: &str, b: &str, more: &[&str]) -> Value {
    compare(studio, a, b, &[&["--json"], more].concat()).ended(0).json()
}

/// Rows of a comparison that match all of `wanted`.
pub(crate) fn rows<'a>(comparison: &'a Value, wanted: &[(&str, &str)]) -> Vec<&'a Value> {
    let is = |row: &Value, name: &str, value: &str| row[name] == value || row[name]["a"] == value;
    let all = comparison["rows"].as_array().unwrap().iter();
    all.filter(|row| wanted.iter().all(|(name, value)| is(row, name, value))).collect()
}

/// Copies the profile of the report to `to`, and changes a column in the scores of all tested images.
pub(crate) fn with_scores(studio: &Studio, to: &str, column: &str, change: impl Fn(f64, &PlaceRow, &str) -> f64) {
    copy(&studio.path(PROFILE), &studio.path(to));
    change_scores(&studio.path(to), column, change);
}

/// Changes a column of `per_image.csv` in all runs of a profile. `change` takes the number, the run's place and the
/// image's name.
fn change_scores(profile: &Path, column: &str, change: impl Fn(f64, &PlaceRow, &str) -> f64) {
    for place in places(&profile.join("blurring")).iter().filter(|place| place.stage == Stage::Evaluate) {
        let folder = profile.join("runs").join(place.run.short());
        edit_run(&folder, "per_image.csv", |text| {
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            let heads = reader.headers().unwrap().clone();
            let at = heads.iter().position(|head| head == column).unwrap();
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(&heads).unwrap();
            for record in reader.into_records().map(Result::unwrap) {
                let cells = record.iter().enumerate().map(|(i, cell)| match cell.parse::<f64>() {
                    Ok(value) if i == at => change(value, place, &record[0]).to_string(),
                    _ => cell.to_owned(),
                });
                writer.write_record(cells).unwrap();
            }
            String::from_utf8(writer.into_inner().unwrap()).unwrap()
        });
    }
}

/// The places of the runs of the report in `folder`.
pub(crate) fn places(folder: &Path) -> Vec<PlaceRow> {
    table::read_rows(&folder.join("data/places.csv")).unwrap()
}

/// Changes the records of all runs of a profile.
pub(crate) fn change_records(profile: &Path, change: impl Fn(&mut RunRecord)) {
    for folder in published(profile, "run.json") {
        let mut record = RunRecord::read(&folder).unwrap();
        change(&mut record);
        record.write(&folder).unwrap();
    }
}

/// Scores of every test image of an arm under the corrected protocol at a level of blur, by image.
fn scores(studio: &Studio, arm: &str, blur: u32, column: &str) -> Vec<(String, f64)> {
    let of = |place: &PlaceRow| {
        place.arm == arm && place.stage == Stage::Evaluate && place.protocol == Some(Protocol::Corrected)
    };
    let place = places(&studio.path(REPORT)).into_iter().find(of).unwrap();
    scores_in(&studio.path(PROFILE).join("runs").join(place.run.short()), blur, column)
}

/// Scores of every test image of the run in `folder` at a level of blur, by image.
fn scores_in(folder: &Path, blur: u32, column: &str) -> Vec<(String, f64)> {
    let rows = table::read_rows::<ImageRow>(&folder.join("per_image.csv")).unwrap();
    let blurred = rows.into_iter().filter(|row| row.condition == Condition::Blur(blur));
    blurred.map(|row| (row.image.clone(), f64::from(row.score(column).unwrap()))).collect()
}

#[test]
fn a_report_is_the_same_as_itself() {
    let studio = Studio::finished();
    let before = contents(&studio.path("."));
    for other in ["demo/blurring", REPORT, "./reports/demo/blurring/"] {
        let said = compare(&studio, "demo/blurring", other, &["--fail-on-regression", "dice:0"]).ended(0);
        let said =
            said.answers("settings, versions, commits, devices and data are the same").answers("regressions: none");
        assert!(said.stdout.contains("  same") && !said.stdout.contains("worse"), "{}", said.stdout);
    }
    let found = compared(&studio, "demo/blurring", REPORT, &[]);
    // Two arms, two protocols, three levels of blur, and the metrics of the report.
    let metrics = 3;
    assert_eq!(found["rows"].as_array().unwrap().len(), 2 * 2 * 3 * metrics);
    assert!(rows(&found, &[]).iter().all(|row| row["change"] == "same" && row["p"].is_null() && row["paired"] == true));
    assert_eq!(contents(&studio.path(".")), before, "a comparison wrote something");
}

#[test]
fn an_arm_is_held_against_another_image_by_image() {
    let studio = Studio::finished();
    let found = compared(
        &studio,
        "demo/blurring:supervised/corrected@blur-25",
        "demo/blurring:ssl/corrected@blur-25",
        &["--metric", "accuracy", "--metric", "loss"],
    );
    assert_eq!(found["rows"].as_array().unwrap().len(), 2);
    for metric in ["accuracy", "loss"] {
        let row = rows(&found, &[("metric", metric)])[0];
        let of = |arm| scores(&studio, arm, 25, metric);
        let (a, b) = (of("supervised"), of("ssl"));
        assert!(a.len() == 4 && a.iter().zip(&b).all(|(a, b)| a.0 == b.0));
        let expected = b.iter().zip(&a).map(|(b, a)| b.1 - a.1).sum::<f64>() / 4.0;
        let number = |name: &str| row[name].as_f64().unwrap();
        assert!((number("difference") - expected).abs() < 1e-6, "{row}");
        assert!((number("b") - number("a") - expected).abs() < 1e-6, "{row}");
        assert!(row["images"]["a"] == 4 && row["seeds"]["b"] == 1, "{row}");
        // One network of each arm says nothing about another seed.
        assert!(row["interval"].is_null() && row["p"].is_null() && row["change"] == "not-tested", "{row}");
        assert_eq!(row["note"], "not tested: one network on each side");
    }
    assert_eq!(found["rows"][0]["direction"], "higher");
    assert_eq!(found["rows"][1]["direction"], "lower");
    let said = compare(&studio, "demo/blurring:supervised", "demo/blurring:ssl", &[]).ended(0);
    // The arms were trained from different weights, and the output says so in words.
    said.answers("supervised → ssl").answers("settings").answers("pretrain: epochs");
    // The protocols measure Dice differently; only metrics that both measure alike are compared.
    let said = compare(
        &studio,
        "demo/blurring:ssl/published",
        "demo/blurring:ssl/corrected",
        &["--metric", "dice", "--metric", "loss", "--metric", "accuracy"],
    )
    .ended(0);
    let said = said.answers("published → corrected").answers("dice of ssl under published → corrected");
    let table = said.stdout.lines().filter(|line| line.contains(" accuracy ")).count();
    assert_eq!(table, 3, "{}", said.stdout);
    said.answers("loss of ssl").answers("not comparable:");
    // Levels of blur are compared with each other.
    let found = compared(&studio, "demo/blurring:ssl@blur-0", "demo/blurring:ssl@blur-100", &["--metric", "loss"]);
    assert_eq!(rows(&found, &[]).len(), 2);
    // A network that gives every image the same output does not change with blur.
    let tested = rows(&found, &[]).into_iter().filter(|row| row["change"] != "same").collect::<Vec<_>>();
    assert!(!tested.is_empty() && rows(&found, &[]).iter().all(|row| row["condition"]["b"] == "blur-100"), "{found}");
    for row in tested {
        // It is the same network, so images are what chance draws. All 16 flips are tried, and two rows are corrected.
        assert!((0.125..=1.0).contains(&row["p"].as_f64().unwrap()) && row["interval"][0].is_f64(), "{row}");
        assert!(row["note"].as_str().unwrap().contains("the same networks on both sides"), "{row}");
    }
}

#[test]
fn other_data_are_not_paired() {
    let studio = Studio::finished();
    copy(&studio.path(PROFILE), &studio.path("elsewhere"));
    change_records(&studio.path("elsewhere"), |run| {
        run.data = "0".repeat(64);
        run.versions.insert("recipe".to_owned(), "99".to_owned());
    });
    let found = compared(&studio, "demo/blurring", "elsewhere/blurring", &["--metric", "accuracy"]);
    for row in rows(&found, &[]) {
        assert!(row["paired"] == false && row["p"].is_null() && row["difference"] == 0.0, "{row}");
        assert!(row["interval"].is_null() && row["change"] == "not-tested", "{row}");
        assert!(row["note"].as_str().unwrap().contains("one network on each side; not paired"), "{row}");
    }
    let said = compare(&studio, "demo/blurring", "elsewhere/blurring", &[])
        .ended(0)
        .answers("not tested: one network on each side; not paired: they were tested on different data");
    said.answers("versions  recipe").answers("data");
}

#[test]
fn what_only_one_has_is_listed() {
    let studio = Studio::finished();
    copy(&studio.path(PROFILE), &studio.path("other"));
    let path = studio.path("other/blurring/data/study.json");
    let mut study: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    study["arms"][1]["name"] = "<script>alert(1)</script>\u{1b}[2J".into();
    study["conditions"][2]["name"] = "blur-99".into();
    study["report"]["metrics"] = serde_json::json!(["accuracy", "loss"]);
    study["title"] = "</title><script>alert(2)</script>".into();
    fs::write(&path, study.to_string()).unwrap();
    let before = contents(&studio.path("reports"));
    let said = compare(&studio, "demo/blurring", "other/blurring", &["--out", "page"]).ended(0);
    let said = said
        .answers("A: arm supervised")
        .answers("B: arm <script>")
        .answers("A: metric dice")
        .answers("B: metric loss");
    let said = said.answers("A: condition blur-100").answers("page: page/index.html");
    assert!(!said.stdout.contains('\u{1b}'), "{}", said.stdout);
    let page = studio.read("page/index.html");
    // The only script is that of the tables.
    assert!(page.contains("&lt;script&gt;alert(1)") && !page.contains("<script>alert"), "{page}");
    assert_eq!(page.matches("<script").count(), 1, "{page}");
    assert!(page.contains("<h2 id=\"differences\">") && page.contains("accuracy under corrected"), "{page}");
    let table = studio.read("page/differences.csv");
    assert!(table.starts_with("arm_a,arm_b,") && table.lines().count() == 1 + 2 * 2, "{table}");
    assert_eq!(contents(&studio.path("reports")), before);
    // A second comparison writes the same bytes.
    let first = contents(&studio.path("page"));
    compare(&studio, "demo/blurring", "other/blurring", &["--out", "page"]).ended(0);
    assert_eq!(contents(&studio.path("page")), first);
}

#[test]
fn a_revision_is_read_as_it_was_committed() {
    let studio = Studio::finished();
    compare(&studio, "HEAD:demo/blurring", "demo/blurring", &[]).ended(2).tells("is not in a git repository");
    git(&studio, &["init", "-q", "-b", "main"]);
    git(&studio, &["add", "reports"]);
    git(&studio, &["commit", "-q", "-m", "First"]);
    change_scores(&studio.path(PROFILE), "dice", |value, _, _| value * 0.5);
    studio.edit(Path::new(REPORT).join("data/spec.yaml"), "epochs: 4", "epochs: 7");
    // Each image of the same network has half its score, but four images say little.
    let gate = ["--fail-on-regression", "hard_dice:0"];
    let said = compare(&studio, "HEAD:demo/blurring", "demo/blurring", &gate).ended(0);
    said.answers("finetuning.epochs").answers("hard_dice of ssl under corrected").answers("because it is undecided");
    git(&studio, &["commit", "-q", "-a", "-m", "Second"]);
    compare(&studio, "HEAD:demo/blurring", "demo/blurring", &[]).ended(0).answers("  same");
    let found = compared(
        &studio,
        "main~1:demo/blurring:ssl@blur-0",
        "HEAD:demo/blurring:ssl@blur-0",
        &["--metric", "hard_dice"],
    );
    assert!(
        rows(&found, &[]).len() == 2 && rows(&found, &[]).iter().all(|row| row["difference"].as_f64().unwrap() < 0.0)
    );
    // Variables that name another repository change nothing.
    let mut elsewhere = studio.harness(&["compare", "HEAD:demo/blurring", "demo/blurring"]);
    elsewhere.env("GIT_DIR", studio.path("nowhere")).env("GIT_WORK_TREE", studio.path("studies"));
    Said::of(elsewhere).ended(0).answers("  same");
    // This works from a folder below, too.
    let mut below = studio.harness(&["compare", "HEAD:demo/blurring", "demo/blurring"]);
    below.current_dir(studio.path("studies"));
    Said::of(below).ended(0);
    compare(&studio, "nowhere:demo/blurring", "demo/blurring", &[]).ended(2).tells("there is no revision `nowhere`");
    compare(&studio, "HEAD:demo/distortions", "demo/blurring", &[]).ended(2).tells("has no report demo/distortions");
    compare(&studio, "HEAD:../../secrets", "demo/blurring", &[]).ended(2).tells("PROFILE/STUDY");
    studio.run(&["compare", "--", "--output=x:demo/blurring", "demo/blurring"]).ended(2).tells("there is no revision");
    let mut alone = studio.harness(&["compare", "HEAD:demo/blurring", "demo/blurring"]);
    alone.env("PATH", studio.path("studies"));
    Said::of(alone).ended(5).tells("cannot start git");
    // A link in the repository is not followed.
    let scores = published(&studio.path(PROFILE), "per_image.csv")[0].join("per_image.csv");
    fs::remove_file(&scores).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", &scores).unwrap();
    git(&studio, &["commit", "-q", "-a", "-m", "Link"]);
    compare(&studio, "HEAD:demo/blurring", "HEAD~1:demo/blurring", &[]).ended(4).tells("per_image.csv");
}

/// The records of the runs of a kind under a protocol.
fn keys(studio: &Studio, kind: &str, protocol: &str) -> Vec<RunRecord> {
    let mut found = runs(&studio.path("runs"));
    found.retain(|run| run.stage.name() == kind && run.protocol.is_some_and(|of| of.name() == protocol));
    found
}

#[test]
fn runs_are_compared_by_their_keys() {
    let studio = Studio::finished();
    let tested = keys(&studio, "evaluate", "corrected");
    let [a, b] = [tested[0].key.as_str(), tested[1].key.as_str()];
    let found = compared(&studio, &a[..8], b, &["--metric", "accuracy"]);
    assert_eq!(rows(&found, &[("split", "test")]).len(), 3);
    assert!(rows(&found, &[]).iter().all(|row| row["paired"] == true && row["images"]["a"] == 4));
    assert!(found["circumstances"].as_array().unwrap().iter().any(|one| one["field"] == "work.evaluate.finetune"));
    // A run is one arm, so it can be compared with an arm of a report, here with its own.
    let arm = if scores_in(&studio.path(format!("runs/evaluate/{a}")), 0, "accuracy")
        == scores(&studio, "ssl", 0, "accuracy")
    {
        "ssl"
    } else {
        "supervised"
    };
    let found = compared(&studio, a, &format!("demo/blurring:{arm}/corrected"), &["--metric", "accuracy"]);
    assert!(rows(&found, &[]).len() == 3 && rows(&found, &[]).iter().all(|row| row["change"] == "same"));
    compare(&studio, a, "demo/blurring", &[]).ended(2).tells("name one on each side");
    // Trainings have one value each.
    let trained = keys(&studio, "finetune", "corrected");
    let said = compare(&studio, trained[0].key.as_str(), trained[1].key.as_str(), &[]).ended(0);
    said.answers("validation").answers("not tested: one network on each side");
    compare(&studio, trained[0].key.as_str(), a, &[]).ended(2).tells("cannot be compared");
    compare(&studio, trained[0].key.as_str(), trained[1].key.as_str(), &["--metric", "hard_dice"])
        .ended(2)
        .tells("unknown metric");
    // Two runs have keys that begin alike.
    let other = format!("{}{}", &a[..63], if a.ends_with('0') { '1' } else { '0' });
    copy(&studio.path(format!("runs/evaluate/{a}")), &studio.path(format!("runs/evaluate/{other}")));
    let said = compare(&studio, &a[..12], b, &[]).ended(2).tells("the keys of 2 runs begin with");
    said.tells(a).tells(&other);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let studio = Studio::finished();
    let refused = |a: &str, b: &str, more: &[&str], tells: &str| {
        compare(&studio, a, b, more).ended(2).tells(tells);
    };
    let report = "demo/blurring";
    refused("demo/bluring", report, &[], "did you mean `demo/blurring`?");
    refused("demo/blurring:sll", report, &[], "did you mean `ssl`?");
    refused("demo/blurring:ssl@blur-1", report, &[], "unknown condition `blur-1`");
    refused("demo/blurring:ssl/corect", report, &[], "did you mean `corrected`?");
    refused("demo/blurring:", report, &[], "expected ARM[/PROTOCOL][@CONDITION]");
    refused("demo/blurring:ssl@", report, &[], "expected ARM[/PROTOCOL][@CONDITION]");
    refused("nothing", report, &[], "is not a report either");
    refused("01234567", report, &[], "there is no run 01234567");
    refused("sample/blurring", report, &[], "there is no report sample/blurring");
    refused(report, report, &["--metric", "dicee"], "did you mean `dice`?");
    refused(report, report, &["--fail-on-regression", "dice"], "METRIC:THRESHOLD");
    refused(report, report, &["--fail-on-regression", "dice:-1"], "at least 0");
    refused(report, report, &["--fail-on-regression", "dise:0"], "did you mean `dice`?");
    studio.run(&["compare", report]).ended(2);
    for (file, damage) in [("study.json", "{"), ("places.csv", "arm\na\n"), ("spec.yaml", "{")] {
        copy(&studio.path(PROFILE), &studio.path("damaged"));
        fs::write(studio.path("damaged/blurring/data").join(file), damage).unwrap();
        compare(&studio, "damaged/blurring", report, &[]).ended(4).tells(file);
    }
    for (file, damage) in [("run.json", "{"), ("metrics.csv", "epoch\n1\n"), ("per_image.csv", "image,dice\na,high\n")]
    {
        copy(&studio.path(PROFILE), &studio.path("damaged"));
        let folder = published(&studio.path("damaged"), "per_image.csv").remove(0);
        fs::write(folder.join(file), damage).unwrap();
        compare(&studio, "damaged/blurring", report, &[]).ended(4).tells(file);
    }
}
