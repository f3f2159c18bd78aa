//! Renders whole reports from an invented data folder.

use crate::{
    fixture::{self, REALISTIC, SMALL, Size, store},
    folder, render, templates, text,
};
use harness_record::{
    run::file,
    vocabulary::{PictureSheet, Protocol, Stage},
};
use harness_report::{Change, RenderedFile, ReportError, write};
use std::path::Path;

fn rendered(study: &serde_json::Value, size: Size) -> Vec<RenderedFile> {
    render(&folder(study, size).data(), &templates()).unwrap()
}

#[test]
fn a_report_has_all_of_its_files_in_order() {
    let files = rendered(&fixture::study(), REALISTIC);
    let (own, others): (Vec<_>, Vec<_>) =
        files.iter().map(|f| f.path.to_str().unwrap()).partition(|path| path.starts_with("tables/"));
    let named = ["tables/claims.corrected.tex", "tables/dice.published.tex", "tables/printed.tex"];
    assert!(own.is_sorted() && named.iter().all(|name| own.contains(name)), "{own:?}");
    let expected = [
        "charts/metrics-by-blur.svg",
        "charts/training.svg",
        "data.html",
        "gallery/01.jpg",
        "gallery/02.jpg",
        "gallery/03.jpg",
        "gallery/04.jpg",
        "gallery/05.jpg",
        "gallery/06.jpg",
        "gallery/contact.jpg",
        "index.html",
        "report.md",
        "runs.html",
    ];
    assert_eq!(others, expected);
    let gallery: usize = files.iter().filter(|f| f.path.starts_with("gallery")).map(|f| f.bytes.len()).sum();
    assert!(gallery < 600_000, "{gallery} bytes");
}

#[test]
fn the_same_data_give_the_same_bytes_whatever_the_threads() {
    let folder = folder(&fixture::study(), REALISTIC);
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| render(&folder.data(), &templates()).unwrap())
    };
    let first = with(1);
    assert_eq!(first, with(1));
    assert_eq!(first, with(3));
}

#[test]
fn check_names_what_was_touched() {
    let folder = folder(&fixture::study(), SMALL);
    let report = &folder.folder();
    let found = |report: &Path| -> Vec<(String, Change)> {
        let differences =
            harness_report::check(report, &templates(), fixture::fidelity(&report.join("data")), &[]).unwrap();
        differences.into_iter().map(|d| (d.path.to_str().unwrap().to_owned(), d.what)).collect()
    };
    write(report, &render(&report.join("data"), &templates()).unwrap()).unwrap();
    assert!(found(report).is_empty());

    let markdown = std::fs::read_to_string(report.join("report.md")).unwrap();
    std::fs::write(report.join("report.md"), markdown.replace("0.7", "0.9")).unwrap();
    std::fs::write(report.join("charts/stray.svg"), "<svg/>").unwrap();
    std::fs::write(report.join("charts/training.svg"), "<svg/>").unwrap();
    std::fs::remove_file(report.join("data.html")).unwrap();
    let expected = [
        ("charts/stray.svg", Change::Unexpected),
        ("charts/training.svg", Change::Edited),
        ("data.html", Change::Missing),
        ("report.md", Change::Edited),
    ];
    assert_eq!(found(report), expected.map(|(path, what)| (path.to_owned(), what)));

    write(report, &render(&report.join("data"), &templates()).unwrap()).unwrap();
    assert!(found(report).is_empty(), "writing again removes the stray file");

    let test = folder.run("ssl", Some(Protocol::Corrected), Stage::Evaluate);
    store::change(&test, file::PER_IMAGE, |scores| scores.replacen("0.7", "0.8", 40));
    let paths: Vec<_> = found(report).into_iter().map(|(path, _)| path).collect();
    assert!(paths.contains(&"report.md".to_owned()), "{paths:?}");
}

#[test]
fn a_confirming_rerun_changes_no_byte() {
    let folder = folder(&fixture::study(), SMALL);
    let rendered = || render(&folder.data(), &templates()).unwrap();
    let first = rendered();
    let path = folder.profile().join("provenance.json");
    let hosts = std::fs::read_to_string(&path).unwrap();
    let later = hosts.replace("elsewhere", "another").replace("41.7", "7.5").replace("\"started\":1", "\"started\":9");
    assert_ne!(later, hosts);
    std::fs::write(&path, later).unwrap();
    assert_eq!(rendered(), first);
    // Files that were there before change nothing either.
    write(&folder.folder(), &first).unwrap();
    std::fs::write(folder.folder().join("charts/old.svg"), "<svg/>").unwrap();
    assert_eq!(rendered(), first);
}

#[test]
fn names_from_strangers_stay_text() {
    let mut study = fixture::study();
    study["title"] = "A | `b` <script>alert(1)</script> [x](javascript:alert(2))".into();
    study["question"] = "Is <img src=x onerror=alert(3)> | shown?\n# Not a heading".into();
    study["arms"][0]["label"] = "SSL | <b>bold</b> ![p](http://example.org/p.png)".into();
    study["command"] = "harness study x\n```\n<script>alert(4)</script>".into();
    let files = rendered(&study, SMALL);
    let markdown = text(&files, "report.md");
    assert!(markdown.starts_with("# A \\| \\`b\\` \\<script\\>alert(1)\\</script\\> \\[x\\](javascript:alert(2))\n"));
    assert!(!markdown.contains("\n# Not a heading"));
    let html = text(&files, "index.html");
    // The script of the page is the only one.
    assert_eq!(html.matches("<script").count(), 1);
    for forbidden in
        ["<script>alert", "<img src=\"x\"", "onerror=\"", "href=\"javascript:", "example.org/p.png\"", "<b>bold"]
    {
        assert!(!html.contains(forbidden), "{forbidden}");
    }
    assert!(html.contains("<title>A | `b` &lt;script&gt;"), "{}", &html[..600]);
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    // A pipe in a label does not add a column.
    let lines: Vec<&str> = markdown.lines().collect();
    let of_ssl: Vec<usize> = (0..lines.len()).filter(|&i| lines[i].starts_with("| SSL")).collect();
    assert!(!of_ssl.is_empty());
    for i in of_ssl {
        let head = (0..i).rev().find(|&at| !lines[at].starts_with('|')).unwrap() + 1;
        let columns = |line: &str| line.replace("\\|", "").matches('|').count();
        assert_eq!(columns(lines[i]), columns(lines[head]), "{}", lines[i]);
    }
    let chart = text(&files, "charts/metrics-by-blur.svg");
    assert!(!chart.contains("<b>") && chart.contains("&lt;b&gt;bold"));
}

#[test]
fn a_page_needs_nothing_from_elsewhere() {
    let files = rendered(&fixture::study(), SMALL);
    let html = text(&files, "index.html");
    for forbidden in ["http://", "https://", "<style", "@import", "url("] {
        assert!(!html.contains(forbidden), "{forbidden}");
    }
    for needed in
        ["lang=\"en\"", "class=\"skip\"", "<main", "<nav", "<caption>", "\"../../style.css\"", "\"../../tables.js\""]
    {
        assert!(html.contains(needed), "{needed}");
    }
}

#[test]
fn every_setting_says_what_it_is() {
    let mut study = fixture::study();
    let markdown = |study: &serde_json::Value| text(&rendered(study, SMALL), "report.md").to_owned();
    let synthetic = markdown(&study);
    assert!(synthetic.contains("synthetic pets drawn by the program"));
    assert!(synthetic.contains("not comparable") && !synthetic.contains("| reproduced"));
    study["fidelity"] = "sample".into();
    assert!(markdown(&study).contains("a small sample of real photographs"));
    study["fidelity"] = "full".into();
    let full = markdown(&study);
    assert!(!full.contains("Not the published experiment"));
    assert!(full.contains("| not tested: one network |"));
}

#[test]
fn a_study_without_a_template_gets_the_general_one() {
    let mut study = fixture::study();
    study["study"] = "another".into();
    let files = rendered(&study, SMALL);
    assert!(text(&files, "report.md").contains("## Results"));
    study["study"] = "../report".into();
    assert!(text(&rendered(&study, SMALL), "report.md").contains("## Results"));
}

#[test]
fn changed_settings_are_named_at_the_top() {
    let folder = folder(&fixture::study(), SMALL);
    std::fs::write(folder.folder().join("provenance.json"), "{}").unwrap();
    let changed = ["finetuning.epochs=1", "title='<b>`x`</b>'"].map(str::to_owned);
    let fidelity = fixture::fidelity(&folder.data());
    let files = harness_report::render(&folder.data(), &templates(), fidelity, &changed).unwrap();
    let (markdown, page) = (text(&files, "report.md"), text(&files, "index.html"));
    for part in [
        "This report is of `blurring` with changed settings: `finetuning.epochs=1`, ``title='<b>`x`</b>'``.",
        "its own report is [blurring](../blurring/index.html)",
        "[provenance.json](provenance.json)",
    ] {
        assert!(markdown.contains(part), "{part}: {markdown}");
    }
    assert!(markdown.find("Changed settings") < markdown.find("Not the published experiment"), "{markdown}");
    for part in ["<code>finetuning.epochs=1</code>", "<a href=\"../blurring/index.html\">", "href=\"provenance.json\""]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("<b>"), "{page}");
    // A report without changed settings has nothing of it.
    let files = render(&folder.data(), &templates()).unwrap();
    assert!(!text(&files, "report.md").contains("hanged settings"));
}

#[test]
fn an_arm_that_was_not_run_says_so() {
    let mut study = fixture::study();
    study["arms"]
        .as_array_mut()
        .unwrap()
        .push(serde_json::json!({"name": "half", "model": "vqvae", "label": "Half", "description": "d"}));
    let files = rendered(&study, SMALL);
    let markdown = text(&files, "report.md");
    assert!(markdown.lines().any(|line| line.starts_with("| Half") && line.contains("not run")), "{markdown}");
}

/// Returns the error message for a template of the small report. Its path is relative to the folder of templates.
fn refusal(data: &Path, templates: &Path) -> String {
    match render(data, templates).unwrap_err() {
        ReportError::Template { path, line, message } => {
            let path = path.strip_prefix(templates).unwrap().display().to_string();
            format!("{path}:{}: {message}", line.unwrap_or_default())
        }
        other => panic!("{other}"),
    }
}

/// Faulty expressions. The message for each is checked in the study's template, in an included file and in a macro.
const WRONG: [&str; 31] = [
    // Operands: the arm, the condition, the metric, the form.
    r#"{{ value("sll.dice", "corrected") }}"#,
    r#"{{ ci("ssl@blur_0.dice", "corrected") }}"#,
    r#"{{ value("ssl@blur-0.dise", "corrected") }}"#,
    r#"{{ diff("ssl.dice", "superviced.dice", "corrected") }}"#,
    r#"{{ compare("ssl.dice", "ssl", "corrected").phrase }}"#,
    r#"{{ published("ssl.accuracy_") }}"#,
    r#"{{ contrast("ssl.dice", "ssl.iou", "ssl.dice", "sls.iou", "corrected") }}"#,
    r#"{{ percent_change("ssl.dice", "ssl.icu") }}"#,
    // Other names.
    r#"{{ value("ssl.dice", "correct") }}"#,
    r#"{{ table("publisht") }}"#,
    r#"{{ chart("metrics-by-blurr") }}"#,
    r#"{{ charts("by-condtion") }}"#,
    r#"{{ claim("blur-hurt") }}"#,
    r#"{{ ranking("dize", "corrected") }}"#,
    r#"{{ species_value("ssl.dice", "cats", "corrected") }}"#,
    r#"{{ vlaue("ssl.dice", "corrected") }}"#,
    "{{ study.titel }}",
    "{{ confidenc }}",
    r#"{{ compare("ssl.dice", "ssl.iou", "corrected").diference }}"#,
    "{{ study.seeds | lenght }}",
    r#"{% include "partials/result.md.j2" %}"#,
    // Numbers and types of arguments.
    r#"{{ value("ssl.dice") }}"#,
    r#"{{ diff("ssl.dice", "ssl.iou", "corrected", "published") }}"#,
    r#"{{ claims("blur-hurts") }}"#,
    r#"{{ value(0.5, "corrected") }}"#,
    r#"{{ value("ssl.dice", protocol="corrected") }}"#,
    r#"{{ percent_change("ssl.dice") }}"#,
    r#"{{ statements("ssl.dice") }}"#,
    r#"{{ statements([["ssl.dice", "a drop of 3%"]]) }}"#,
    r#"{{ statements([["ssl.dice", "sl.dice", "a drop of 3%"]]) }}"#,
    r#"{{ statements([["ssl.dice", "ssl.iou", "a drop"]]) }}"#,
];

#[test]
fn what_a_template_asks_for_in_vain_is_named_with_its_line_and_what_was_meant() {
    let folder = folder(&fixture::study(), SMALL);
    let own = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(own.path().join(name), text).unwrap();
    std::fs::create_dir(own.path().join("partials")).unwrap();
    write("partials/results.md.j2", "");
    let message = || refusal(&folder.data(), own.path());
    let messages = WRONG.map(|wrong| {
        write("blurring.md.j2", &format!("one\n{wrong}\n"));
        message()
    });
    insta::assert_snapshot!(messages.join("\n"));

    // In an included file, the message names that file and its line. In a macro, it names the file that defines the
    // macro.
    for (wrong, direct) in WRONG.iter().zip(&messages) {
        let what = direct.strip_prefix("blurring.md.j2:2: ").unwrap();
        write("partials/part.md.j2", &format!("a\nb\n{wrong}\n"));
        write("blurring.md.j2", "one\n\n\n{% include \"partials/part.md.j2\" %}\n");
        let included = format!("partials/part.md.j2:3: {what} (included from blurring.md.j2:4)");
        assert_eq!(message(), included);
        // A macro of another file can call functions, but cannot see the values of a report.
        if !wrong.contains("study.") && !wrong.contains("confidenc") {
            write("partials/part.md.j2", &format!("{{% macro m() %}}\nb\nc\n{wrong}{{% endmacro %}}"));
            write("blurring.md.j2", "{% import \"partials/part.md.j2\" as part %}\n{{ part.m() }}\n");
            assert_eq!(message(), format!("partials/part.md.j2:4: {what}"));
        }
    }
    write("partials/part.md.j2", "{% include 'partials/inner.md.j2' %}");
    write("partials/inner.md.j2", "\n{{ vlaue() }}");
    write("blurring.md.j2", "{% include \"partials/part.md.j2\" %}");
    let nested = "partials/inner.md.j2:2: vlaue is unknown (did you mean `value`?) (included from partials/part.md.j2:1, from blurring.md.j2:1)";
    assert_eq!(message(), nested);
    write("partials/inner.md.j2", "\n{% if %}");
    assert!(message().starts_with("partials/inner.md.j2:2: "), "{}", message());
}

#[test]
fn damaged_data_are_named() {
    let folder = folder(&fixture::study(), SMALL);
    let (data, profile) = (folder.data(), folder.profile().to_str().unwrap().to_owned());
    let test = folder.run("ssl", Some(Protocol::Corrected), Stage::Evaluate);
    let message = || render(&data, &templates()).unwrap_err().to_string().replace(&profile, "demo");
    let mut messages = Vec::new();
    let metrics = std::fs::read_to_string(test.join(file::METRICS)).unwrap();
    store::change(&test, file::METRICS, |text| text.replacen(",loss,", ",loss,x", 1));
    messages.push(message());
    store::change(&test, file::METRICS, |_| metrics.clone());
    // The file has other numbers than the run wrote.
    std::fs::write(test.join(file::METRICS), metrics.replacen(",loss,0.", ",loss,1.", 1)).unwrap();
    messages.push(message());
    std::fs::remove_file(test.join(file::METRICS)).unwrap();
    messages.push(message());
    std::fs::write(test.join(file::METRICS), &metrics).unwrap();
    store::change_bytes(&test, PictureSheet::Masks.name(), |_| b"no picture".to_vec());
    messages.push(message());
    // The folder holds another run.
    let other = folder.run("ssl", Some(Protocol::Published), Stage::Evaluate);
    std::fs::copy(other.join(file::RUN), test.join(file::RUN)).unwrap();
    messages.push(message());
    std::fs::remove_file(test.join(file::RUN)).unwrap();
    messages.push(message());
    let path = data.join("places.csv");
    let places = std::fs::read_to_string(&path).unwrap();
    let place = places.lines().last().unwrap();
    let twin = format!("{places}{}{}\n", &place[..place.len() - 1], if place.ends_with('0') { '1' } else { '0' });
    std::fs::write(&path, twin).unwrap();
    messages.push(message());
    std::fs::write(&path, places.replacen("evaluate", "evaluation", 1)).unwrap();
    messages.push(message());
    std::fs::remove_file(&path).unwrap();
    messages.push(message());
    insta::assert_snapshot!(messages.join("\n"));
}

#[test]
fn an_empty_table_is_no_table() {
    let folder = folder(&fixture::study(), SMALL);
    let test = folder.run("ssl", Some(Protocol::Corrected), Stage::Evaluate);
    for table in [file::METRICS, file::PER_IMAGE] {
        let whole = std::fs::read_to_string(test.join(table)).unwrap();
        store::change(&test, table, |_| String::new());
        let message = render(&folder.data(), &templates()).unwrap_err().to_string();
        assert!(message.contains(table) && message.contains("is empty"), "{message}");
        store::change(&test, table, |_| whole.clone());
    }
}

#[test]
fn a_small_report_reads_well() {
    let files = rendered(&fixture::study(), SMALL);
    insta::assert_snapshot!("report", text(&files, "report.md"));
    insta::assert_snapshot!("chart", text(&files, "charts/metrics-by-blur.svg"));
}
