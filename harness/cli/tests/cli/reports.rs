//! `report`: rendered again from its data alone, or checked against them.

use crate::studio::{Said, Studio, assert_same, contents, edit_run, published, results, times};
use harness_record::{run::RunRecord, vocabulary::Stage};
use std::{
    fs,
    path::{Path, PathBuf},
};

const REPORT: &str = "reports/demo/blurring";

#[test]
fn what_was_deleted_comes_back_with_the_same_bytes() {
    let studio = Studio::finished();
    let before = contents(&studio.path("reports"));
    for file in ["report.md", "index.html", "runs.html", "data.html"] {
        fs::remove_file(studio.path(REPORT).join(file)).unwrap();
    }
    for folder in ["charts", "gallery", "tables"] {
        fs::remove_dir_all(studio.path(REPORT).join(folder)).unwrap();
    }
    // Neither runs nor data sets are needed.
    fs::remove_dir_all(studio.path("runs")).unwrap();
    studio.run(&["report", "--check"]).ended(1).answers("report.md: missing").answers("charts/training.svg: missing");
    studio.run(&["report", "blurring", "--profile", "demo"]).ended(0).answers("blurring/index.html");
    assert_same(&before, &contents(&studio.path("reports")));
    // Files that are no longer part of the report are removed.
    fs::write(studio.path(REPORT).join("charts/older.svg"), "<svg/>").unwrap();
    studio.run(&["report", "--check"]).ended(1).answers("charts/older.svg: unexpected");
    studio.run(&["report", "--all"]).ended(0);
    assert_same(&before, &contents(&studio.path("reports")));
}

#[test]
fn a_fresh_report_passes_the_check() {
    let studio = Studio::finished();
    let before = times(&studio.path("."));
    for arguments in [&["report", "--check"][..], &["report", "blurring", "--check"], &["report", "--all", "--check"]] {
        let said = studio.run(arguments).ended(0).answers("nothing would change");
        assert!(said.stderr.is_empty(), "{}", said.stderr);
    }
    assert_eq!(times(&studio.path(".")), before);
    studio.run(&["report", "blurring", "--profile", "sample", "--check"]).ended(2).tells("no report in profile sample");
}

/// Changes one thing in a fresh report and checks it: the exit code must be 1, and nothing may be written.
#[track_caller]
fn checked(change: impl Fn(&Studio)) -> (Studio, Said) {
    let studio = Studio::finished();
    change(&studio);
    let before = times(&studio.path("."));
    let said = studio.run(&["report", "--check"]).ended(1).tells("would change");
    assert_eq!(times(&studio.path(".")), before, "a check wrote something");
    studio.run(&["list"]).ended(0).answers("blurring            demo     stale");
    (studio, said)
}

#[test]
fn a_check_names_what_would_change() {
    let (_, said) = checked(|studio| {
        studio.edit(Path::new(REPORT).join("report.md"), "# Blurring", "# Blurred");
    });
    let said = said.answers("reports/demo/blurring/report.md: edited");
    assert_eq!(said.stdout.lines().count(), 1, "{}", said.stdout);

    let (_, said) = checked(|studio| {
        edit_run(&published(&studio.path("reports/demo"), "baselines.csv")[0], "per_image.csv", |text| {
            let (header, row) = (text.lines().next().unwrap(), text.lines().nth(1).unwrap());
            let mut cells: Vec<&str> = row.split(',').collect();
            cells[header.split(',').position(|name| name == "soft_dice").unwrap()] = "0.987654";
            let edited = cells.join(",");
            text.replace(row, &edited)
        });
    });
    // The printed figures stand beside their reproduced values, which no longer follow from the data.
    said.answers("reports/demo/blurring/data/published.csv:").answers("do not edit the file");

    let (_, said) = checked(|studio| {
        let mut runs = published(&studio.path("reports/demo"), "run.json").into_iter();
        let pretraining = |folder: &PathBuf| RunRecord::read(folder).unwrap().stage == Stage::Pretrain;
        edit_run(&runs.find(pretraining).unwrap(), "metrics.csv", |text| {
            let row = text.lines().nth(1).unwrap().to_owned();
            let (start, _) = row.rsplit_once(',').unwrap();
            text.replace(&row, &format!("{start},0.987654"))
        });
    });
    said.answers("reports/demo/blurring/report.md: edited").answers("index.html: edited");

    let (studio, said) = checked(|studio| {
        let template = "templates/page.html.j2";
        studio.edit(template, "</body>", "<!-- another page --></body>");
    });
    let said = said.answers("index.html: edited");
    assert!(!said.stdout.contains("report.md"), "{}", said.stdout);
    studio.run(&["report"]).ended(0);
    studio.run(&["report", "--check"]).ended(0);
    assert!(studio.read(Path::new(REPORT).join("index.html")).contains("another page"));
}

#[test]
fn a_new_title_is_taken_over_without_running() {
    let (studio, said) = checked(|studio| {
        studio.edit("studies/blurring.yaml", "title: Blurring at test time", "title: Blur");
    });
    said.answers("data/study.json: edited, or the words of the spec changed");
    let numbers = results(&studio.path(REPORT).join("data"));
    studio.run(&["report"]).ended(0);
    studio.run(&["report", "--check"]).ended(0);
    studio.run(&["list"]).ended(0).answers("blurring            demo     fresh");
    assert!(studio.read(Path::new(REPORT).join("report.md")).starts_with("# Blur\n"));
    let mut after = results(&studio.path(REPORT).join("data"));
    let name = "study.json";
    assert_ne!(after.insert(name.to_owned(), numbers[name].clone()), Some(numbers[name].clone()));
    assert_same(&numbers, &after);
}

#[test]
fn numbers_of_another_spec_are_stale_until_they_are_run_again() {
    let arm = "    pretrained: false\n";
    let (studio, said) = checked(|studio| {
        studio.edit("studies/blurring.yaml", arm, &format!("{arm}    variants: [half-labels]\n"));
    });
    said.answers("data/spec.yaml: stale").answers("the data do not match studies/blurring.yaml");
    // Rendering cannot repair it, but says what can.
    studio.run(&["report"]).ended(0).tells("warning:").tells("`harness study blurring --profile demo`");
    studio.run(&["report", "--check"]).ended(1).answers("stale");
    let said = studio.study(&[]).ended(0).answers("done");
    // The other arm is unchanged.
    assert!(said.stderr.contains("finetune supervised/published") && !said.stderr.contains("ssl"), "{}", said.stderr);
    studio.run(&["report", "--check"]).ended(0);
}

#[test]
fn damaged_data_are_named() {
    for (file, damage) in [
        ("metrics.csv", "study,arm\n1\n"),
        ("per_image.csv", "image,dice\na,high\n"),
        ("run.json", "{"),
        ("study.json", "{}"),
        ("places.csv", "arm,protocol,seed,stage,run\nssl,corrected,0,evaluate,../../../x\n"),
        ("pictures.csv", "file\n../../../x.png\n"),
        ("images.png", "no picture"),
    ] {
        let studio = Studio::finished();
        let before = contents(&studio.path(REPORT));
        let data = studio.path(REPORT).join("data");
        let folder = if data.join(file).exists() {
            data
        } else {
            published(&studio.path("reports/demo"), "images.png").remove(0)
        };
        fs::write(folder.join(file), damage).unwrap();
        let said = studio.run(&["report"]);
        let name = file.rsplit('/').next().unwrap();
        assert!(said.stderr.contains(name) && !said.stderr.contains("panicked"), "{file}: {}", said.stderr);
        assert!(said.ended_badly(), "{file} was damaged and nobody minded");
        assert_eq!(contents(&studio.path(REPORT))["report.md"], before["report.md"]);
    }
    let studio = Studio::finished();
    studio.edit("templates/blurring.md.j2", "\n", "\n{{ no_such_thing.field }}\n");
    let said = studio.run(&["report"]);
    assert!(said.stderr.contains("blurring.md.j2") && said.ended_badly(), "{}", said.stderr);
}

#[test]
fn all_reports_stand_on_one_page() {
    let studio = Studio::finished();
    let page = "reports/index.html";
    let text = studio.read(page);
    for part in [
        r#"<a href="demo/blurring/index.html">Blurring at test time</a>"#,
        "How much does segmentation suffer",
        "2 arms, 1 seed, 9 runs",
        "9 not comparable, 6 not run",
        "<span>harness study</span> <span>blurring</span> <span>--profile demo</span>",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(studio.read(Path::new(REPORT).join("index.html")).contains(r#"<a href="../../index.html">Reports</a>"#));
    studio.edit(page, "Blurring at test time", "Blurring at another time");
    studio.run(&["report", "--check"]).ended(1).answers("reports/index.html: edited");
    // A check of some reports leaves out the page of all reports, but rendering them renders that page, too.
    studio.run(&["report", "blurring", "--check"]).ended(0);
    studio.run(&["report", "blurring"]).ended(0);
    assert_eq!(studio.read(page), text);
    // A study gets a title that must not become markup. The page shows it as soon as it is rendered.
    studio.edit("studies/blurring.yaml", "title: Blurring at test time", "title: \"<script>alert(1)</script>\"");
    studio.run(&["report", "--all"]).ended(0);
    let text = studio.read(page);
    assert!(text.contains("&lt;script&gt;alert(1)") && !text.contains("<script"), "{text}");
    fs::remove_file(studio.path(page)).unwrap();
    studio.run(&["report", "--check"]).ended(1).answers("reports/index.html: missing");
}
