//! `index.html`: the Markdown of a report, rendered, sanitised and put into `page.html.j2`.

use super::{body::Body, slots, trace::Trace};
use crate::{charts::chart::Chart, error::ReportError, figures::data::Data, template::engine};
use minijinja::{Value, context, value::Serde};
use std::{
    borrow::Cow,
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

const TEMPLATE: &str = "page.html.j2";

/// The lines of `metrics.csv` that figures of a page lead to, by the first digits of the run's key.
pub(crate) type Listed = BTreeMap<String, BTreeSet<u64>>;

/// Renders the page and returns it with the rows that its figures lead to. Pictures of `charts` become the charts
/// themselves.
pub(crate) fn render(
    data: &Data,
    charts: &[Chart],
    markdown: &str,
    templates: &Path,
) -> Result<(String, Listed), ReportError> {
    let listed = RefCell::new(Listed::new());
    let trace = |reference: &str| {
        let found = Trace::of(data, reference)?;
        for (run, line) in &found.metrics {
            listed.borrow_mut().entry(run.clone()).or_default().insert(*line);
        }
        Some(found)
    };
    let Body { html, contents, charts } = Body::new(markdown, charts, &trace);
    let study = &data.study;
    let context = context! {
        title => &study.title, question => &study.question, study => &study.study, profile => &study.profile,
        provenance => data.provenance_address(),
        contents => Value::from(Serde(contents)),
        body => Value::from_safe_string(slots::filled(&sanitise(&unbroken(&html)), &charts)),
    };
    Ok((engine::page(templates, TEMPLATE, context)?, listed.into_inner()))
}

/// Returns HTML without a possible line break between a number and its percent sign.
fn unbroken(html: &str) -> String {
    let is_number = |part: &&str| part.ends_with(|c: char| c.is_ascii_digit());
    let parts = html.split_inclusive(" %").map(|part| (part, part.strip_suffix(" %").filter(is_number)));
    parts.flat_map(|(part, number)| number.map_or([part, ""], |number| [number, "\u{a0}%"])).collect()
}

/// Allows only what `body.rs` writes: no scripts, no styles, and only pictures from the report's own folders.
pub(super) fn sanitise(html: &str) -> String {
    ammonia::Builder::default()
        .add_tags(["figure", "figcaption"])
        .add_generic_attributes(["id", "class", "role", "tabindex", "aria-label"])
        .add_tag_attributes("th", ["scope"])
        .add_tag_attributes("a", ["data-csv", "data-row", "data-run"])
        .url_schemes(["http", "https"].into())
        // Links need no `rel` attribute, because none opens a new window.
        .link_rel(None)
        .attribute_filter(|tag, attribute, value| match (tag, attribute) {
            ("img", "src") if !(value.starts_with("charts/") || value.starts_with("gallery/")) => None,
            _ => Some(Cow::Borrowed(value)),
        })
        .clean(html)
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(markdown: &str) -> String {
        sanitise(&Body::new(markdown, &[], &|_| None).html)
    }

    #[test]
    fn tables_have_captions_scopes_and_a_container() {
        let html = page("Table: soft Dice\n\n| Arm | Dice |\n| :-- | --: |\n| SSL | 0.5 |\n");
        assert!(html.contains("<div class=\"scroll\" role=\"region\" aria-label=\"Soft Dice\""), "{html}");
        assert!(html.contains("<caption><span>Soft Dice</span></caption>"), "{html}");
        assert!(html.contains("<th scope=\"col\">Arm</th><th scope=\"col\" class=\"number\">Dice</th>"), "{html}");
        assert!(html.contains("<th scope=\"row\">SSL</th><td class=\"number\">0.5</td>"), "{html}");
    }

    #[test]
    fn items_of_a_checklist_say_in_words_what_they_are() {
        let html = page("* [x] **Seeds**: three.\n* [ ] **Ethics**: say.\n* [y] else\n");
        let known = "<li><span class=\"known\">\u{2713} known</span> <strong>Seeds</strong>: three.</li>";
        let open = "<li><span class=\"open\">open</span> <strong>Ethics</strong>: say.</li>";
        assert!(html.contains(known) && html.contains(open) && html.contains("<li>[y] else</li>"), "{html}");
        assert!(!html.contains("<input"), "{html}");
    }

    #[test]
    fn pictures_become_figures() {
        let html = page("![alt](charts/a.svg)\n\nFigure: A chart\n\nText\n");
        assert!(html.contains("<img src=\"charts/a.svg\" alt=\"alt\">"), "{html}");
        assert!(html.contains("<figcaption>A chart</figcaption>\n</figure>\n<p>Text</p>"), "{html}");
    }

    #[test]
    fn raw_html_and_foreign_addresses_are_disarmed() {
        let html =
            page("a <script>alert(1)</script>\n\n<b onclick=x>b</b>\n\n[l](javascript:x) ![i](http://e.org/x.png)\n");
        assert!(!html.contains("<script") && !html.contains("<b ") && !html.contains("javascript:"), "{html}");
        assert!(!html.contains("e.org"), "{html}");
    }

    #[test]
    fn a_number_and_its_percent_sign_stay_together() {
        assert_eq!(unbroken("<td>95 %</td> a %b 1 %, %"), "<td>95\u{a0}%</td> a %b 1\u{a0}%, %");
    }

    #[test]
    fn headings_are_named_as_on_github() {
        let Body { contents, .. } = Body::new("# T\n\n## How to reproduce?\n\n## Data\n\n## Data\n", &[], &|_| None);
        let ids: Vec<_> = contents.iter().map(|e| e.id.as_str()).collect();
        assert_eq!(ids, ["how-to-reproduce", "data", "data-1"]);
    }

    #[test]
    fn verdicts_get_a_class() {
        let cell = page("| a | b |\n|---|---|\n| x | not comparable: other data |\n");
        assert!(cell.contains("<td class=\"verdict not-comparable\">not comparable: other data</td>"), "{cell}");
        let html = page("It is **not run** and **bold**.\n");
        assert!(
            html.contains("<strong class=\"verdict not-run\">not run</strong> and <strong>bold</strong>"),
            "{html}"
        );
    }
}
