//! Text of a spec reaches a page as text, whatever it contains.

use crate::studio::Studio;

#[test]
fn nothing_in_a_spec_becomes_markup() {
    let studio = Studio::tiny();
    let said = studio.study(&[
        "--set",
        "title='<script>alert(1)</script>'",
        "--set",
        "question='[press](javascript:alert(2)) <img src=x onerror=alert(3)> ![x](https://example.org/x.png)'",
        "--set",
        "expectation='</style></title><script src=//example.org></script> **bold** `code`'",
        "--set",
        "arms[0].label='a | b `c` <b>d</b>'",
        "--set",
        "arms[1].label='*e* [f](https://example.org)'",
        "--set",
        "arms[0].description='<iframe src=https://example.org></iframe> & \"quotes\"'",
        "--set",
        "report.claims[0].text='<svg onload=alert(4)> | <script>alert(5)</script>'",
        "--set",
        "report.charts[0].title='</svg><script>alert(6)</script>'",
    ]);
    said.ended(0);
    let report = studio.first_in("reports/demo");
    let html = studio.read(report.join("index.html")).to_lowercase();
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "the title is not shown as it is written");
    // The only script is the page's own, for tables.
    assert_eq!(html.matches("<script").count(), 1);
    for markup in
        ["<script>alert", "<iframe", "onerror=alert(3)>", "<svg onload", "href=\"javascript:", "</style></title>"]
    {
        assert!(!html.contains(markup), "{markup} in the page");
    }
    for tag in html.split('<').skip(1).filter_map(|rest| rest.split('>').next()) {
        // Text in quotes is the value of an attribute.
        let names: String = tag.split('"').step_by(2).collect();
        assert!(!names.contains("onerror") && !names.contains("onload"), "<{tag}>");
        // Only links may lead out.
        let loads = ["src=\"http", "src=\"//", "srcset=", "@import", "url(http"];
        assert!(!loads.iter().any(|load| tag.contains(load)), "<{tag}>");
    }
    let chart = studio.read(report.join("charts/metrics-by-blur.svg"));
    assert!(!chart.contains("<script") && chart.matches("</svg>").count() == 1, "a chart's title broke out");

    // A bar in a label stays in its cell.
    let markdown = studio.read(report.join("report.md"));
    assert!(markdown.contains(r"a \| b"), "no label with a bar in the report");
    let mut columns = None;
    for line in markdown.lines() {
        let bars = line.replace(r"\|", "").matches('|').count();
        if line.starts_with('|') {
            assert_eq!(*columns.get_or_insert(bars), bars, "{line}");
        } else {
            columns = None;
        }
    }
}

#[test]
fn what_steers_a_terminal_is_spelled_out() {
    let studio = Studio::new();
    let said = studio.run(&["study", "blur\u{1b}[2J"]).ended(3);
    assert!(!said.stderr.contains('\u{1b}') && said.stderr.contains("blur"), "{}", said.stderr);
    studio.edit("studies/blurring.yaml", "title: Blurring at test time", "title: \"a\\e[31m\\u202eb\"");
    let said = studio.run(&["list"]).ended(0).answers("blurring");
    assert!(!said.stdout.contains(['\u{1b}', '\u{202e}']), "{}", said.stdout);
}
