//! Links from a page to the rows of the data.

use super::trace::Trace;
use pulldown_cmark::{Event, Tag, TagEnd};

/// Points links to rows of the data to the place of those rows on the page of all runs, and adds attributes that name
/// the file, the rows and the run.
pub(super) fn traced<'a>(events: Vec<Event<'a>>, trace: &dyn Fn(&str) -> Option<Trace>) -> Vec<Event<'a>> {
    let mut out = Vec::with_capacity(events.len());
    let mut inside = false;
    for event in events {
        let found = match &event {
            Event::Start(Tag::Link { id, .. }) => trace(id),
            _ => None,
        };
        if let Some(Trace { csv, rows, runs, href, .. }) = found {
            // All of it is made of digits, hexadecimal digits and names of this program, so it needs no escaping.
            let runs = if runs.is_empty() { String::new() } else { format!(" data-run=\"{runs}\"") };
            let tag = format!("<a href=\"{href}\" data-csv=\"{csv}\" data-row=\"{rows}\"{runs}>");
            out.push(Event::InlineHtml(tag.into()));
            inside = true;
        } else if inside && matches!(event, Event::End(TagEnd::Link)) {
            out.push(Event::InlineHtml("</a>".into()));
            inside = false;
        } else {
            out.push(event);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::{body::Body, index::sanitise};

    #[test]
    fn figures_lead_to_their_run_and_name_their_rows() {
        let trace = |reference: &str| {
            (reference == "m0123abcd.12").then(|| Trace {
                csv: "../runs/0123abcd/metrics.csv".to_owned(),
                rows: "12".to_owned(),
                runs: "0123abcd".to_owned(),
                href: "runs.html#0123abcd-12".to_owned(),
                metrics: Vec::new(),
            })
        };
        let markdown = "| a | b |\n|---|--:|\n| x | [0.5][m0123abcd.12] |\n| y | [0.6][m0123abcd.13] |\n\n\
                        [m0123abcd.12]: ../runs/0123abcd/metrics.csv#L12\n[m0123abcd.13]: ../runs/0123abcd/metrics.csv#L13\n";
        let html = sanitise(&Body::new(markdown, &[], &trace).html);
        let link = "<td class=\"number\"><a href=\"runs.html#0123abcd-12\" \
                    data-csv=\"../runs/0123abcd/metrics.csv\" data-row=\"12\" data-run=\"0123abcd\">0.5</a></td>";
        assert!(html.contains(link), "{html}");
        // A link with unknown rows stays unchanged.
        assert!(html.contains("<a href=\"../runs/0123abcd/metrics.csv#L13\""), "{html}");
    }
}
