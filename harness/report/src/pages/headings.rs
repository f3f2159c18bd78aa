//! The headings of a page: their ids, and the table of contents.

use pulldown_cmark::{CowStr, Event, HeadingLevel, Tag, TagEnd};
use serde::Serialize;

/// One entry of the table of contents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Entry {
    pub(super) id: String,
    text: String,
}

/// Gives every heading the same id as GitHub, so that links within the page work in both places. Returns the entries of
/// the table of contents.
pub(super) fn name_headings(events: &mut [Event<'_>]) -> Vec<Entry> {
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

/// Returns the text up to the end event for which `last` returns true.
pub(super) fn plain_text(events: &[Event<'_>], last: impl Fn(&TagEnd) -> bool) -> String {
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
