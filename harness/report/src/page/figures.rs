//! Figures: a chart is set into the page, so that its points can be asked and its letters found, with its data below; any other
//! picture stays one.
//!
//! The SVG of a chart is made by this crate, which escapes every text in it. The sanitiser would take it for a stranger's, so
//! it sees an empty element that stands for the chart, and the chart replaces that afterwards.

use super::{Body, FIGURE, Setter};
use crate::{
    charts::{Chart, style_sheet},
    markdown::count,
};
use pulldown_cmark::{Event, Tag, TagEnd};

/// Ids begin with this. Headings get theirs from their text, which never gives a full stop.
const ID: &str = "chart.";

impl<'c> Setter<'_, 'c> {
    /// Whether the paragraph here is one picture and nothing else.
    pub(super) fn is_picture(&self) -> bool {
        let end = self.paragraph_end(self.at);
        matches!(self.events.get(self.at + 1), Some(Event::Start(Tag::Image { .. })))
            && matches!(self.events.get(end - 1), Some(Event::End(TagEnd::Image)))
    }

    pub(super) fn figure(&mut self) {
        let address = match &self.events[self.at + 1] {
            Event::Start(Tag::Image { dest_url, .. }) => dest_url.to_string(),
            _ => String::new(),
        };
        let picture = self.inline(0);
        let chart = self.charts.iter().find(|chart| address == format!("charts/{}.svg", chart.name));
        let class = if address.starts_with("gallery/") { "sheet" } else { "chart" };
        let shown = chart.map_or(picture, |chart| self.slot(chart));
        self.figures += 1;
        let label = format!("Figure {}", self.figures);
        self.put(&format!(
            "<figure class=\"{class}\">\n<div class=\"scroll\" role=\"region\" aria-label=\"{label}\" tabindex=\"0\">{shown}</div>\n"
        ));
        let captioned =
            matches!(self.events.get(self.at), Some(Event::Start(Tag::Paragraph))) && self.starts_with(FIGURE);
        let caption = if captioned { self.inline(FIGURE.len()) } else { String::new() };
        let link =
            chart.map_or(String::new(), |chart| format!(" · <a href=\"charts/{}.svg\">Chart as SVG</a>", chart.name));
        if captioned || chart.is_some() {
            self.put(&format!("<figcaption>{caption}{link}</figcaption>\n"));
        }
        self.put("</figure>\n");
        if let Some(chart) = chart {
            self.data_of(chart);
        }
    }

    /// What stands for a chart until the page is sanitised.
    fn slot(&mut self, chart: &'c Chart) -> String {
        self.set.push(chart);
        slot(self.set.len())
    }

    /// The table of a chart's figures, behind a click.
    fn data_of(&mut self, chart: &Chart) {
        self.put("<details class=\"data\">\n<summary>Data of this chart</summary>\n");
        self.put(&Body::new(&chart.records.markdown, &[], self.trace).html);
        if chart.records.left_out > 0 {
            let (left_out, name) = (count(chart.records.left_out as u64), &chart.name);
            self.put(&format!("<p>{left_out} more rows are in <a href=\"charts/{name}.csv\">{name}.csv</a>.</p>\n"));
        }
        self.put("</details>\n");
    }
}

/// The element that stands for the chart that is the `number`th of the page. No text of a stranger can be it: sanitised text
/// has no `<`, and sanitised attributes have no quotes.
fn slot(number: usize) -> String {
    format!("<div id=\"{ID}{number}\"></div>")
}

/// The sanitised `html` with its charts, in the order in which they were set.
pub(super) fn filled(html: &str, charts: &[&Chart]) -> String {
    let mut html = html.to_owned();
    for (i, chart) in charts.iter().enumerate() {
        html = html.replacen(&slot(i + 1), &chart.svg.inline(&format!("{ID}{}", i + 1)), 1);
    }
    html
}

/// The style sheet that set charts need.
pub(super) fn style(charts: &[&Chart]) -> String {
    if charts.is_empty() { String::new() } else { style_sheet() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        charts::{Records, Svg},
        page::{Body, sanitise},
    };

    fn chart() -> Chart {
        Chart {
            name: "a".into(),
            title: "T".into(),
            caption: "C".into(),
            svg: Svg::of_text("<text>drawn</text>"),
            records: Records { csv: Vec::new(), markdown: "Table: t\n\n| A |\n|---|\n| x |\n".into(), left_out: 7 },
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
        let html = page("![alt](charts/a.svg)\n\nFigure: C [Data as CSV](charts/a.csv)\n\nText\n");
        assert!(html.contains("<figure class=\"chart\">") && !html.contains("<img"), "{html}");
        assert!(html.contains("id=\"chart.1.title\"") && html.contains("<text>drawn</text></svg>"), "{html}");
        assert!(html.contains("<a href=\"charts/a.csv\"") && html.contains("<a href=\"charts/a.svg\""), "{html}");
        assert!(html.contains("<details class=\"data\">\n<summary>Data of this chart</summary>"), "{html}");
        assert!(html.contains("<caption><span>T</span></caption>") && html.contains("7 more rows are in"), "{html}");
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
