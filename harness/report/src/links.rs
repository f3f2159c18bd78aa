//! Links from a figure to the rows that hold it and the runs that wrote them.
//!
//! In Markdown a figure is a reference link, `[0.845][m1a2b3c4d.12]`, so that raw tables stay readable. The reference
//! is a letter for the table, the first digits of the run's key, and line numbers. [`with_definitions`] adds the
//! definitions: `[m1a2b3c4d.12]: ../runs/1a2b3c4d/metrics.csv#L12`. If a figure is made of several files, its
//! definition links to the first. The HTML page then lists all files and lines (`pages/trace.rs`).

use crate::{
    inputs::{
        file,
        lines::{Lines, Rows, Table},
        published::PublishedLine,
        runs::Measured,
    },
    markdown::escape,
};
use harness_record::vocabulary::Key;
use std::{collections::BTreeMap, fmt::Write as _};

/// If a figure has more ranges of lines than this (a mean over many seeds), only the first and the last are named.
const LISTED: usize = 12;
/// The separator between the parts of a reference.
const PART: char = '_';

/// Rows of one file: the table, the first digits of the run's key, and line ranges.
pub(crate) type Part = (Table, String, Vec<Lines>);

/// The first letter of references to a table.
fn letter(table: Table) -> char {
    match table {
        Table::Metrics => 'm',
        Table::Images => 'i',
        Table::Baselines => 'b',
        Table::Confusion => 'c',
        Table::Calibration => 'k',
        Table::Published => 'p',
    }
}

/// The file of a table, relative to the report.
pub(crate) fn file_of(table: Table, run: &str) -> String {
    match table {
        Table::Published => format!("data/{}", table.file()),
        _ => format!("../{}/{run}/{}", file::RUNS, table.file()),
    }
}

/// Returns `text` as a link to rows, or the plain text if there are no rows.
pub(crate) fn linked(text: &str, rows: &[Rows]) -> String {
    let mut rows: Vec<&Rows> = rows.iter().collect();
    if rows.len() > LISTED {
        rows = [rows[0], rows[rows.len() - 1]].into();
    }
    let mut parts: Vec<String> = Vec::new();
    let mut last: Option<&Rows> = None;
    for one in rows {
        let lines = match (one.lines.start(), one.lines.end()) {
            (first, last) if first == last => first.to_string(),
            (first, last) => format!("{first}-{last}"),
        };
        match (last, parts.last_mut()) {
            (Some(last), _) if last == one => {}
            (Some(last), Some(part)) if (last.table, &last.run) == (one.table, &one.run) => {
                part.push('.');
                part.push_str(&lines);
            }
            _ => {
                let run = if one.run.is_empty() { String::new() } else { format!("{}.", one.run) };
                parts.push(format!("{}{run}{lines}", letter(one.table)));
            }
        }
        last = Some(one);
    }
    if parts.is_empty() { text.to_owned() } else { format!("[{text}][{}]", parts.join(&PART.to_string())) }
}

/// Returns `text` as a link to rows of `metrics.csv`, one row for each seed.
pub(crate) fn to_metrics(text: &str, rows: &[Measured<'_>]) -> String {
    linked(text, &rows.iter().map(Measured::rows).collect::<Vec<_>>())
}

/// The page of all runs, in the same folder as the report.
pub(crate) const RUNS_PAGE: &str = "runs.html";

/// The address of one run on the page of all runs, relative to the report.
pub(crate) fn page_of(run: &str) -> String {
    format!("{RUNS_PAGE}#{run}")
}

/// Returns a printed figure in its printed form, as a link to its row.
pub(crate) fn to_published(line: &PublishedLine) -> String {
    linked(&escape(&line.row.value), &[printed_row(line)])
}

/// The row of `published.csv` that holds a printed figure.
pub(crate) fn printed_row(line: &PublishedLine) -> Rows {
    Rows { table: Table::Published, run: String::new(), lines: line.line..=line.line }
}

/// Returns the Markdown with a definition for each of its references, sorted by table, run and lines.
pub(crate) fn with_definitions(mut markdown: String) -> String {
    let mut used: BTreeMap<(Table, String, Vec<u64>, String), String> = BTreeMap::new();
    for text in markdown.split("][").skip(1) {
        let Some((reference, _)) = text.split_once(']') else { continue };
        let Some((table, run, lines)) = parts_of(reference).and_then(|parts| parts.into_iter().next()) else {
            continue;
        };
        let one = |lines: &Lines| match (lines.start(), lines.end()) {
            (first, last) if first == last => format!("L{first}"),
            (first, last) => format!("L{first}-L{last}"),
        };
        let address = format!("{}#{}", file_of(table, &run), lines.iter().map(one).collect::<Vec<_>>().join(","));
        let order = lines.iter().flat_map(|lines| [*lines.start(), *lines.end()]).collect();
        used.insert((table, run, order, reference.to_owned()), address);
    }
    if !used.is_empty() {
        markdown.push('\n');
    }
    for ((.., reference), address) in &used {
        // Writing to memory cannot fail.
        let _ = writeln!(markdown, "[{reference}]: {address}");
    }
    markdown
}

/// Splits a reference such as `m1a2b3c4d.12.45-47_b1a2b3c4d.2` into its parts. Returns `None` if the text is not a
/// reference.
pub(crate) fn parts_of(reference: &str) -> Option<Vec<Part>> {
    reference.split(PART).map(part_of).collect()
}

fn part_of(text: &str) -> Option<Part> {
    let table = Table::ALL.into_iter().find(|table| text.starts_with(letter(*table)))?;
    let rest = &text[1..];
    let (run, lines) = if table == Table::Published { ("", rest) } else { rest.split_once('.')? };
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if table != Table::Published && !(run.len() == Key::SHORT && run.bytes().all(is_digit)) {
        return None;
    }
    let lines = lines.split('.').map(|part| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(digits(first)?..=digits(last)?)
    });
    Some((table, run.to_owned(), lines.collect::<Option<Vec<_>>>()?))
}

/// Parses digits only; `parse` alone would also accept a sign.
fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(table: Table, run: &str, lines: &[Lines]) -> Vec<Rows> {
        lines.iter().map(|lines| Rows { table, run: run.to_owned(), lines: lines.clone() }).collect()
    }

    #[test]
    fn figures_refer_to_their_rows() {
        let one = rows(Table::Metrics, "0123abcd", &[12..=12]);
        assert_eq!(linked("0.5", &one), "[0.5][m0123abcd.12]");
        let images = rows(Table::Images, "0123abcd", &[2..=9, 20..=27]);
        assert_eq!(linked("0.4 to 0.6", &images), "[0.4 to 0.6][i0123abcd.2-9.20-27]");
        let other = [images, rows(Table::Images, "89ef0000", &[2..=9]), rows(Table::Baselines, "89ef0000", &[2..=9])];
        assert_eq!(linked("a", &other.concat()), "[a][i0123abcd.2-9.20-27_i89ef0000.2-9_b89ef0000.2-9]");
        assert_eq!(linked("0.5", &[]), "0.5");
        assert_eq!(linked("0.5", &[one.clone(), one].concat()), "[0.5][m0123abcd.12]");
        let many: Vec<Lines> = (1..=20).map(|n| n..=n).collect();
        assert_eq!(linked("0.5", &rows(Table::Published, "", &many)), "[0.5][p1.20]");
    }

    #[test]
    fn references_are_defined_once_and_in_order() {
        let text =
            "| [a][m0123abcd.12] | [b][i0123abcd.2-9.20-27_b0123abcd.4] |\n| [c][m0123abcd.3] | [d][m0123abcd.12] |\n\
                    \\[x\\][m0123abcd.-1] [x][mad] [y][p7] [z][m../x.1] [z][m0123ABCD.1]\n"
                .to_owned();
        let whole = with_definitions(text.clone());
        let added = whole.strip_prefix(&text).unwrap();
        let expected = "\n[m0123abcd.3]: ../runs/0123abcd/metrics.csv#L3\n\
                        [m0123abcd.12]: ../runs/0123abcd/metrics.csv#L12\n\
                        [i0123abcd.2-9.20-27_b0123abcd.4]: ../runs/0123abcd/per_image.csv#L2-L9,L20-L27\n\
                        [p7]: data/published.csv#L7\n";
        assert_eq!(added, expected);
        assert_eq!(with_definitions("no references\n".into()), "no references\n");
    }
}
