//! Inserts charts into a page. A chart is inserted as SVG, so that its points have tooltips and its text can be
//! searched, with its data below. Other pictures stay pictures.
//!
//! This crate makes the SVG of a chart and escapes every text in it. The sanitiser would not know that and would remove
//! the SVG. So the sanitiser sees an empty element as a placeholder, which is replaced by the chart afterwards.

use crate::charts::chart::Chart;

/// The prefix of the ids of charts. The ids of headings are made from their text and never contain a full stop.
const ID: &str = "chart.";

/// Returns the placeholder for chart number `number` of the page. Foreign text cannot imitate it: sanitised text has no
/// `<`, and sanitised attributes have no quotes.
pub(super) fn slot(number: usize) -> String {
    format!("<div id=\"{ID}{number}\"></div>")
}

/// Returns the sanitised `html` with its charts, given in the order of the page.
pub(super) fn filled(html: &str, charts: &[&Chart]) -> String {
    let mut html = html.to_owned();
    for (i, chart) in charts.iter().enumerate() {
        html = html.replacen(&slot(i + 1), &chart.svg.inline(&format!("{ID}{}", i + 1)), 1);
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        charts::{records::Records, svg::Svg},
        pages::{body::Body, index::sanitise},
    };

    fn chart() -> Chart {
        Chart {
            name: "a".into(),
            title: "T".into(),
            caption: "C".into(),
            svg: Svg::of_text("<text>drawn</text>"),
            records: Records { markdown: "Table: t\n\n| A |\n|---|\n| x |\n".into(), left_out: 7 },
            alternative: "alt".into(),
        }
    }

    fn page(markdown: &str) -> String {
        let charts = [chart()];
        let body = Body::new(markdown, &charts, &|_| None);
        filled(&sanitise(&body.html), &body.charts)
    }

    #[test]
    fn a_chart_is_set_with_its_caption_and_data() {
        let html = page("![alt](charts/a.svg)\n\nFigure: C\n\nText\n");
        assert!(html.contains("<figure class=\"chart\">") && !html.contains("<img"), "{html}");
        assert!(html.contains("id=\"chart.1.title\"") && html.contains("<text>drawn</text></svg>"), "{html}");
        assert!(html.contains("<a href=\"charts/a.svg\""), "{html}");
        assert!(html.contains("<details class=\"data\">\n<summary>Data of this chart</summary>"), "{html}");
        assert!(html.contains("<caption><span>T</span></caption>") && html.contains("contain 7 more"), "{html}");
    }

    #[test]
    fn a_chart_that_is_set_twice_has_ids_of_its_own() {
        let html = page("# Chart.1.title\n\n![alt](charts/a.svg)\n\n![alt](charts/a.svg)\n");
        for id in ["chart.1.title", "chart.1.desc", "chart.2.title", "chart.2.desc"] {
            assert_eq!(html.matches(&format!("id=\"{id}\"")).count(), 1, "{id} in {html}");
        }
    }

    #[test]
    fn text_that_looks_like_a_slot_stays_text() {
        let html = page(
            "Table: <div id=\"chart.1\"></div>\n\n| <div id=\"chart.1\"></div> |\n|---|\n| `<div id=\"chart.1\"></div>` |\n\n![<div id=\"chart.1\"></div>](charts/b.svg)\n\n![alt](charts/a.svg)\n",
        );
        assert_eq!(html.matches("<svg").count(), 1, "{html}");
        let (_, after) = html.split_once("charts/b.svg").unwrap();
        assert!(after.contains("<svg"), "{html}");
    }
}
