//! Converts the Markdown of a report to HTML.
//!
//! Raw HTML in the Markdown is shown as text. Tables get captions, scoped headers and a scrolling container. Pictures
//! become figures, and pictures of charts become the charts themselves. Verdicts get a class. The sanitiser then allows
//! only what this module writes.

use super::{
    headings::{Entry, name_headings, plain_text},
    slots::slot,
    trace::Trace,
    traced::traced,
};
use crate::{
    charts::chart::Chart,
    figures::published::VERDICTS,
    markdown::{CAPTION, capitalised, count},
    sections::claims::EXPLORATORY,
};
use pulldown_cmark::{Alignment, CowStr, Event, Options, Parser, Tag, TagEnd, html::push_html};
/// The start of a paragraph that is the caption of the picture above it.
const FIGURE: &str = "Figure: ";
/// A cell with more letters than this may be set over several lines.
const LONG: usize = 48;
/// The verdicts on claims. Like verdicts on printed figures, they get a class if they are alone in a cell or in bold.
const CLAIMS: [&str; 5] = ["supported", "contradicted", "undecided", "not tested", "withheld"];

/// The Markdown as HTML, before it is sanitised.
pub(super) struct Body<'a> {
    pub(super) html: String,
    /// The second-level headings.
    pub(super) contents: Vec<Entry>,
    /// The charts, in the order of the page.
    pub(super) charts: Vec<&'a Chart>,
}

impl<'a> Body<'a> {
    pub(super) fn new(markdown: &str, charts: &'a [Chart], trace: &dyn Fn(&str) -> Option<Trace>) -> Self {
        let options = Options::ENABLE_TABLES | Options::ENABLE_GFM | Options::ENABLE_TASKLISTS;
        let events = Parser::new_ext(markdown, options).map(without_html).collect();
        let mut events = traced(events, trace);
        let contents = name_headings(&mut events);
        let mut setter =
            Setter { events: &events, at: 0, out: String::new(), charts, set: Vec::new(), figures: 0, trace };
        while setter.at < events.len() {
            setter.step();
        }
        Self { html: setter.out, contents, charts: setter.set }
    }
}

fn without_html(event: Event<'_>) -> Event<'_> {
    match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        other => other,
    }
}

/// Writes events as HTML, looking ahead for structures that GitHub's Markdown has no syntax for.
struct Setter<'a, 'c> {
    events: &'a [Event<'a>],
    at: usize,
    out: String,
    charts: &'c [Chart],
    /// The charts written so far.
    set: Vec<&'c Chart>,
    /// The number of figures written so far.
    figures: usize,
    /// Returns the rows that a link leads to.
    trace: &'a dyn Fn(&str) -> Option<Trace>,
}

impl<'a> Setter<'a, '_> {
    fn step(&mut self) {
        match &self.events[self.at] {
            Event::Start(Tag::Paragraph) if self.starts_with(CAPTION) => self.caption_and_table(),
            Event::Start(Tag::Paragraph) if self.is_picture() => self.figure(),
            Event::Start(Tag::Table(alignments)) => self.table(alignments, ""),
            Event::Start(Tag::BlockQuote(_)) => self.replace("<div class=\"banner\" role=\"note\">\n"),
            Event::End(TagEnd::BlockQuote(_)) => self.replace("</div>\n"),
            Event::Start(Tag::Strong) => self.strong(),
            // Task list markers become words instead of checkboxes, because they cannot be ticked on the page.
            Event::TaskListMarker(true) => self.replace("<span class=\"known\">\u{2713} known</span> "),
            Event::TaskListMarker(false) => self.replace("<span class=\"open\">open</span> "),
            _ => {
                let end = self.plain_run();
                push_html(&mut self.out, self.events[self.at..end].iter().cloned());
                self.at = end;
            }
        }
    }

    fn put(&mut self, html: &str) {
        self.out.push_str(html);
    }

    fn replace(&mut self, html: &str) {
        self.put(html);
        self.at += 1;
    }

    /// Returns the end of the events from here on that need no special treatment. They are written in one call, because
    /// lists and line breaks depend on their neighbours.
    fn plain_run(&self) -> usize {
        let special = |i: &usize| {
            matches!(
                self.events[*i],
                Event::Start(Tag::Paragraph | Tag::Table(_) | Tag::BlockQuote(_) | Tag::Strong)
                    | Event::End(TagEnd::BlockQuote(_))
                    | Event::TaskListMarker(_)
            )
        };
        (self.at + 1..self.events.len()).find(special).unwrap_or(self.events.len())
    }

    /// Returns true if the current paragraph begins with `start`.
    fn starts_with(&self, start: &str) -> bool {
        matches!(self.events.get(self.at + 1), Some(Event::Text(text)) if text.starts_with(start))
    }

    /// Returns the index of the end of the paragraph that begins at `from`.
    fn paragraph_end(&self, from: usize) -> usize {
        let end = |i: &usize| matches!(self.events[*i], Event::End(TagEnd::Paragraph));
        (from..self.events.len()).find(end).unwrap_or(self.events.len() - 1)
    }

    /// Returns the inline HTML of the current paragraph without its first `skip` bytes, and moves past the paragraph.
    fn inline(&mut self, skip: usize) -> String {
        let end = self.paragraph_end(self.at);
        let mut inner: Vec<Event<'a>> = self.events[self.at + 1..end].to_vec();
        if let Some(Event::Text(text)) = inner.first_mut() {
            *text = CowStr::from(text[skip..].to_owned());
        }
        self.at = end + 1;
        let mut html = String::new();
        push_html(&mut html, inner.into_iter());
        html
    }

    fn caption_and_table(&mut self) {
        let caption = self.inline(CAPTION.len());
        let caption = capitalised(&caption);
        if let Some(Event::Start(Tag::Table(alignments))) = self.events.get(self.at) {
            self.table(alignments, &caption);
        } else {
            self.put(&format!("<p>{caption}</p>\n"));
        }
    }

    fn table(&mut self, alignments: &[Alignment], caption: &str) {
        let label = if caption.is_empty() { "Table".to_owned() } else { without_tags(caption) };
        self.put(&format!("<div class=\"scroll\" role=\"region\" aria-label=\"{label}\" tabindex=\"0\">\n<table>\n"));
        if !caption.is_empty() {
            // The span stays in view while a wide table is scrolled.
            self.put(&format!("<caption><span>{caption}</span></caption>\n"));
        }
        self.at += 1;
        let (mut head, mut column) = (false, 0);
        while let Some(event) = self.events.get(self.at) {
            self.at += 1;
            match event {
                Event::End(TagEnd::Table) => break,
                Event::Start(Tag::TableHead) => {
                    head = true;
                    column = 0;
                    self.out.push_str("<thead>\n<tr>");
                }
                Event::End(TagEnd::TableHead) => {
                    head = false;
                    self.out.push_str("</tr>\n</thead>\n<tbody>\n");
                }
                Event::Start(Tag::TableRow) => {
                    column = 0;
                    self.out.push_str("<tr>");
                }
                Event::End(TagEnd::TableRow) => self.out.push_str("</tr>\n"),
                Event::Start(Tag::TableCell) => {
                    self.cell(head, column, alignments);
                    column += 1;
                }
                _ => {}
            }
        }
        self.out.push_str("</tbody>\n</table>\n</div>\n");
    }

    /// Writes the cell whose start event was just passed.
    fn cell(&mut self, head: bool, column: usize, alignments: &[Alignment]) {
        let end = |i: &usize| matches!(self.events[*i], Event::End(TagEnd::TableCell));
        let end = (self.at..self.events.len()).find(end).unwrap_or(self.events.len());
        let inner: Vec<Event<'a>> = self.events[self.at..end].to_vec();
        let text = plain_text(&inner, |_| false);
        let right = matches!(alignments.get(column), Some(Alignment::Right));
        let verdict = verdict_class(&text);
        let long = !head && text.chars().count() > LONG;
        let class = match (right, verdict) {
            (true, _) => "number".to_owned(),
            (_, Some(verdict)) if long => format!("{verdict} long"),
            (_, Some(verdict)) => verdict,
            (_, None) if long => "long".to_owned(),
            _ => String::new(),
        };
        let class = if class.is_empty() { class } else { format!(" class=\"{class}\"") };
        let tag = match (head, column) {
            (true, _) => format!("th scope=\"col\"{class}"),
            (false, 0) => format!("th scope=\"row\"{class}"),
            _ => format!("td{class}"),
        };
        self.put(&format!("<{tag}>"));
        push_html(&mut self.out, inner.into_iter());
        self.out += if tag.starts_with("th") { "</th>" } else { "</td>" };
        self.at = end + 1;
    }

    fn strong(&mut self) {
        let class = match self.events.get(self.at + 1) {
            Some(Event::Text(text)) => verdict_class(text),
            _ => None,
        };
        let class = class.map_or(String::new(), |class| format!(" class=\"{class}\""));
        self.replace(&format!("<strong{class}>"));
    }
}

impl<'c> Setter<'_, 'c> {
    /// Returns true if the current paragraph consists of one picture.
    fn is_picture(&self) -> bool {
        let end = self.paragraph_end(self.at);
        matches!(self.events.get(self.at + 1), Some(Event::Start(Tag::Image { .. })))
            && matches!(self.events.get(end - 1), Some(Event::End(TagEnd::Image)))
    }

    fn figure(&mut self) {
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

    /// Returns the placeholder for a chart until the page is sanitised.
    fn slot(&mut self, chart: &'c Chart) -> String {
        self.set.push(chart);
        slot(self.set.len())
    }

    /// Writes the table of a chart's figures, folded until the reader clicks.
    fn data_of(&mut self, chart: &Chart) {
        self.put("<details class=\"data\">\n<summary>Data of this chart</summary>\n");
        self.put(&Body::new(&chart.records.markdown, &[], self.trace).html);
        if chart.records.left_out > 0 {
            let left_out = count(chart.records.left_out as u64);
            self.put(&format!("<p>The tables of the runs contain {left_out} more.</p>\n"));
        }
        self.put("</details>\n");
    }
}

/// Returns HTML without its tags, for use as an attribute value; entities stay entities.
fn without_tags(html: &str) -> String {
    let mut text = String::new();
    let mut tag = false;
    for c in html.chars() {
        match c {
            '<' => tag = true,
            '>' if tag => tag = false,
            '"' if !tag => text.push_str("&quot;"),
            c if !tag => text.push(c),
            _ => {}
        }
    }
    text
}

/// Returns the classes of a verdict; `None` if the text is none. The verdict may give a reason after a colon:
/// `not comparable: other data and size`.
fn verdict_class(text: &str) -> Option<String> {
    let verdict = text.split_once(": ").map_or(text, |(verdict, _)| verdict);
    let verdict = verdict.strip_suffix(EXPLORATORY).unwrap_or(verdict);
    let is_known = CLAIMS.contains(&verdict) || VERDICTS.contains(&verdict);
    is_known.then(|| format!("verdict {}", verdict.replace(' ', "-")))
}
