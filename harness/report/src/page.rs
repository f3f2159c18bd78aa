//! `index.html`: the Markdown of a report, rendered, sanitised and set in `page.html.j2`.
//!
//! Raw HTML in the Markdown is shown as text. Tables get captions and scoped headers and scroll in a container of their
//! own; pictures become figures, and those of charts the charts themselves; words of verdicts get a class. The sanitiser then
//! passes what this module writes and nothing else.

mod figures;
mod links;

use crate::{
    charts::Chart, data::Data, error::ReportError, markdown::capitalised, published::VERDICTS, tables::CAPTION,
    template, trace::Trace,
};
use links::traced;
use minijinja::{Value, context, value::Serde};
use pulldown_cmark::{Alignment, CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html::push_html};
use serde::Serialize;
use std::{borrow::Cow, path::Path};

const TEMPLATE: &str = "page.html.j2";
/// Start of a paragraph that is the caption of the picture before it.
const FIGURE: &str = "Figure: ";
/// Letters of a cell above which it may take several lines.
const LONG: usize = 48;
/// Verdicts on claims. As those on printed figures they get a class where they stand alone in a cell or in bold.
const CLAIMS: [&str; 3] = ["supported", "contradicted", "undecided"];

/// One entry of the table of contents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Entry {
    id: String,
    text: String,
}

/// Renders the page. The pictures of `charts` become the charts themselves.
pub(crate) fn render(data: &Data, charts: &[Chart], markdown: &str, templates: &Path) -> Result<String, ReportError> {
    let Body { html, contents, charts } = Body::new(markdown, charts, &|address| Trace::of(data, address));
    let study = &data.study;
    let context = context! {
        title => &study.title, question => &study.question, study => &study.study, profile => &study.profile,
        contents => Value::from(Serde(contents)), chart_style => Value::from_safe_string(figures::style(&charts)),
        body => Value::from_safe_string(figures::filled(&sanitise(&unbroken(&html)), &charts)),
    };
    template::page(templates, TEMPLATE, context)
}

/// The Markdown as HTML, before sanitising.
struct Body<'a> {
    html: String,
    /// The second-level headings.
    contents: Vec<Entry>,
    /// The charts, in the order in which they are set.
    charts: Vec<&'a Chart>,
}

impl<'a> Body<'a> {
    fn new(markdown: &str, charts: &'a [Chart], trace: &dyn Fn(&str) -> Option<Trace>) -> Self {
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

/// HTML in which no line ends between a number and its percent sign.
fn unbroken(html: &str) -> String {
    let is_number = |part: &&str| part.ends_with(|c: char| c.is_ascii_digit());
    let parts = html.split_inclusive(" %").map(|part| (part, part.strip_suffix(" %").filter(is_number)));
    parts.flat_map(|(part, number)| number.map_or([part, ""], |number| [number, "\u{a0}%"])).collect()
}

fn without_html(event: Event<'_>) -> Event<'_> {
    match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        other => other,
    }
}

/// Gives every heading the id that GitHub gives it, so that links within the page work in both places.
fn name_headings(events: &mut [Event<'_>]) -> Vec<Entry> {
    let mut contents: Vec<Entry> = Vec::new();
    let mut used: Vec<String> = Vec::new();
    for i in 0..events.len() {
        let Event::Start(Tag::Heading { level, .. }) = events[i] else { continue };
        let text = plain_text(&events[i + 1..], |e| matches!(e, TagEnd::Heading(_)));
        let slug = slug(&text);
        let repeats = used.iter().filter(|u| **u == slug).count();
        used.push(slug.clone());
        let name = if repeats == 0 { slug } else { format!("{slug}-{repeats}") };
        if level == HeadingLevel::H2 {
            contents.push(Entry { id: name.clone(), text });
        }
        if let Event::Start(Tag::Heading { id, .. }) = &mut events[i] {
            *id = Some(CowStr::from(name));
        }
    }
    contents
}

/// The text up to the end that `last` accepts.
fn plain_text(events: &[Event<'_>], last: impl Fn(&TagEnd) -> bool) -> String {
    let mut text = String::new();
    for event in events {
        match event {
            Event::End(end) if last(end) => break,
            Event::Text(part) | Event::Code(part) => text.push_str(part),
            Event::SoftBreak | Event::HardBreak => text.push(' '),
            _ => {}
        }
    }
    text
}

fn slug(text: &str) -> String {
    let kept = text.to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// Writes events as HTML, with a look ahead for what GitHub's Markdown cannot say.
struct Setter<'a, 'c> {
    events: &'a [Event<'a>],
    at: usize,
    out: String,
    charts: &'c [Chart],
    /// The charts that were set so far.
    set: Vec<&'c Chart>,
    /// How many figures there are so far.
    figures: usize,
    /// The rows that a link leads to.
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
            // Words, not boxes: nobody can tick them here.
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

    /// End of the events from here on that need nothing special: written at once, because lists and line breaks
    /// depend on their neighbours.
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

    /// Whether the paragraph here begins with `start`.
    fn starts_with(&self, start: &str) -> bool {
        matches!(self.events.get(self.at + 1), Some(Event::Text(text)) if text.starts_with(start))
    }

    /// Index of the end of the paragraph that begins at `from`.
    fn paragraph_end(&self, from: usize) -> usize {
        let end = |i: &usize| matches!(self.events[*i], Event::End(TagEnd::Paragraph));
        (from..self.events.len()).find(end).unwrap_or(self.events.len() - 1)
    }

    /// Inline HTML of the paragraph here without its first `skip` bytes; moves behind it.
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
            // The span stays in sight while a wide table is scrolled.
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

    /// The cell whose start was just passed.
    fn cell(&mut self, head: bool, column: usize, alignments: &[Alignment]) {
        let end = |i: &usize| matches!(self.events[*i], Event::End(TagEnd::TableCell));
        let end = (self.at..self.events.len()).find(end).unwrap_or(self.events.len());
        let inner: Vec<Event<'a>> = self.events[self.at..end].to_vec();
        let text = plain_text(&inner, |_| false);
        let right = matches!(alignments.get(column), Some(Alignment::Right));
        let verdict = verdict_class(&text);
        let class = if right {
            " class=\"number\"".to_owned()
        } else if verdict.is_empty() && !head && text.chars().count() > LONG {
            " class=\"long\"".to_owned()
        } else {
            verdict
        };
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
            _ => String::new(),
        };
        self.replace(&format!("<strong{class}>"));
    }
}

/// HTML without its tags, as the value of an attribute: entities stay entities.
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

/// The class of a verdict, which may say why after a colon: `not comparable: other data and size`.
fn verdict_class(text: &str) -> String {
    let verdict = text.split_once(": ").map_or(text, |(verdict, _)| verdict);
    if CLAIMS.contains(&verdict) || VERDICTS.contains(&verdict) {
        format!(" class=\"verdict {}\"", verdict.replace(' ', "-"))
    } else {
        String::new()
    }
}

/// Passes what this module writes and nothing else: no script, no style, pictures of the report's own folders only.
fn sanitise(html: &str) -> String {
    ammonia::Builder::default()
        .add_tags(["figure", "figcaption"])
        .add_generic_attributes(["id", "class", "role", "tabindex", "aria-label"])
        .add_tag_attributes("th", ["scope"])
        .add_tag_attributes("a", ["data-csv", "data-row", "data-run"])
        .url_schemes(["http", "https"].into())
        // No link opens a window of its own.
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
