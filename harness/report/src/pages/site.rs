//! `reports/index.html`: every report with its question, its answer and its verdicts on printed figures. Also the style
//! sheet and the script of all pages.
//!
//! The page is made from the reports on disk, so that it agrees with them.

use crate::{
    charts::svg,
    error::ReportError,
    figures::published::VERDICTS,
    inputs::{
        file,
        lines::json,
        provenance::{Code, Provenance},
        published::PublishedVerdict,
        runs::places,
        study::StudyInput,
    },
    output::RenderedFile,
    template::engine,
};
use harness_record::{files, table, vocabulary::Key};
use minijinja::{Value, context, value::Serde};
use pulldown_cmark::{Event, Parser, Tag, TagEnd};
use serde::Serialize;
use std::{collections::BTreeSet, path::Path};

const TEMPLATE: &str = "site.html.j2";
/// The size limit for reading a report, in bytes.
const LIMIT: u64 = 64 << 20;
const PAGE: &str = "index.html";

/// A report of the site.
#[derive(Debug, Serialize)]
struct Entry {
    profile: String,
    study: String,
    /// The address of the report's page, relative to the site's page.
    page: String,
    title: String,
    question: String,
    /// The first paragraph of the answer that is no remark, without markup; empty if the report has none.
    answer: String,
    arms: usize,
    seeds: usize,
    /// The number of distinct runs.
    runs: usize,
    /// The worst state of the code of a run; `None` without runs.
    code: Option<Code>,
    /// The verdicts on printed figures with their counts, best first.
    verdicts: Vec<(&'static str, usize)>,
}

/// Returns the style sheet and the script that all pages link to.
///
/// # Errors
/// Fails if a template is missing or damaged.
pub fn assets(templates: &Path) -> Result<[RenderedFile; 2], ReportError> {
    let text = |name: &str| engine::page(templates, &format!("partials/{name}"), context! {});
    let style = format!("{}\n{}", text("page.css")?.trim_end(), svg::style_sheet());
    Ok([
        RenderedFile::new("style.css", style.into_bytes()),
        RenderedFile::new("tables.js", text("tables.js")?.into_bytes()),
    ])
}

/// Renders the page of all reports at `<reports>/<profile>/<study>/`. `places` lists them as `(profile, study)`, in the
/// order of the page.
///
/// # Errors
/// Fails if data of a report are missing or damaged, or if a template is missing or asks for something that does not
/// exist.
pub fn site(reports: &Path, places: &[(String, String)], templates: &Path) -> Result<RenderedFile, ReportError> {
    let entries: Vec<Entry> =
        places.iter().map(|(profile, study)| entry(reports, profile, study)).collect::<Result<_, _>>()?;
    let mut profiles: Vec<(&str, Vec<&Entry>)> = Vec::new();
    for entry in &entries {
        match profiles.last_mut() {
            Some((profile, list)) if *profile == entry.profile => list.push(entry),
            _ => profiles.push((&entry.profile, vec![entry])),
        }
    }
    let context = context! { profiles => Value::from(Serde(profiles)), reports => entries.len() };
    let page = engine::page(templates, TEMPLATE, context)?;
    Ok(RenderedFile::new(PAGE, page.into_bytes()))
}

fn entry(reports: &Path, profile: &str, study: &str) -> Result<Entry, ReportError> {
    let folder = reports.join(profile).join(study);
    let data = folder.join("data");
    let input: StudyInput = json(&data.join(file::STUDY))?;
    let places = places(&data)?;
    let provenance = Provenance::read(&data)?;
    let report = folder.join("report.md");
    let text = if report.exists() { files::read(&report, LIMIT)? } else { Vec::new() };
    let keys: BTreeSet<&Key> = places.iter().map(|place| &place.run).collect();
    Ok(Entry {
        profile: profile.to_owned(),
        study: study.to_owned(),
        page: format!("{profile}/{study}/{PAGE}"),
        answer: answer(&String::from_utf8_lossy(&text)),
        arms: input.arms.len(),
        seeds: input.seeds.len(),
        runs: keys.len(),
        code: keys.iter().map(|key| provenance.code(key)).max(),
        verdicts: verdicts(&data.join(file::PUBLISHED))?,
        title: input.title,
        question: input.question,
    })
}

/// Counts how often each verdict was given.
fn verdicts(path: &Path) -> Result<Vec<(&'static str, usize)>, ReportError> {
    let rows: Vec<PublishedVerdict> = if path.exists() { table::read_rows(path)? } else { Vec::new() };
    let count = |word: &'static str| (word, rows.iter().filter(|row| row.verdict == word).count());
    Ok(VERDICTS.into_iter().map(count).filter(|(_, count)| *count > 0).collect())
}

/// Returns the first paragraph under `## Answer` that is not in a block quote, without markup. Quotes hold remarks, which are the
/// same in many reports.
fn answer(markdown: &str) -> String {
    let (mut in_heading, mut in_answer, mut in_quote, mut in_paragraph) = (false, false, false, false);
    let (mut heading, mut text) = (String::new(), String::new());
    for event in Parser::new(markdown) {
        match event {
            Event::Start(Tag::Heading { .. }) => {
                in_heading = true;
                heading.clear();
            }
            Event::End(TagEnd::Heading(_)) => {
                in_heading = false;
                if in_answer {
                    break;
                }
                in_answer = heading == "Answer";
            }
            Event::Start(Tag::BlockQuote(_)) => in_quote = true,
            Event::End(TagEnd::BlockQuote(_)) => in_quote = false,
            Event::Start(Tag::Paragraph) if in_answer && !in_quote => in_paragraph = true,
            Event::End(TagEnd::Paragraph) if in_paragraph => break,
            Event::Text(part) | Event::Code(part) if in_heading => heading.push_str(&part),
            Event::Text(part) | Event::Code(part) if in_paragraph => text.push_str(&part),
            Event::SoftBreak | Event::HardBreak if in_paragraph => text.push(' '),
            _ => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_the_first_paragraph_under_its_heading() {
        let text =
            "# T\n\nNot this.\n\n## Answer\n\n**It helps:** by `0.1`\nor so.\n\nMore.\n\n## Claims\n\nNor this.\n";
        assert_eq!(answer(text), "It helps: by 0.1 or so.");
        assert_eq!(answer("# T\n\n## Answer\n\n## Claims\n\ntext\n"), "");
        assert_eq!(answer("text\n"), "");
        assert_eq!(answer("## Answer\n\n> A remark.\n\nIt helps.\n"), "It helps.");
    }
}
