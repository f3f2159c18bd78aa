//! From a figure to the rows that hold it and the runs that wrote them.
//!
//! In Markdown a figure is a link by reference, `[0.845][m12]`, so that tables stay readable raw; [`with_definitions`] adds what
//! the references stand for, `[m12]: data/metrics.csv#L12`. A page then finds the runs of those rows (`pages/trace.rs`).

use crate::{
    inputs::{file::short, lines::Lines, metrics::MetricLine, published::PublishedLine},
    markdown::escape,
};
use std::{collections::BTreeSet, fmt::Write as _};

/// A table of the data folder that figures come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Metrics,
    Images,
    Confusion,
    Calibration,
    Published,
}

/// More lists of lines than this are named by the first and the last of them: a mean over many seeds.
const LISTED: usize = 12;

impl Source {
    pub(crate) const ALL: [Self; 5] =
        [Self::Metrics, Self::Images, Self::Confusion, Self::Calibration, Self::Published];

    /// First letter of its references.
    fn letter(self) -> char {
        match self {
            Self::Metrics => 'm',
            Self::Images => 'i',
            Self::Confusion => 'c',
            Self::Calibration => 'k',
            Self::Published => 'p',
        }
    }

    /// Its file, relative to the report.
    pub(crate) fn file(self) -> &'static str {
        match self {
            Self::Metrics => "data/metrics.csv",
            Self::Images => "data/per_image.csv",
            Self::Confusion => "data/confusion.csv",
            Self::Calibration => "data/calibration.csv",
            Self::Published => "data/published.csv",
        }
    }
}

/// `text` as a link to `lines` of a table; the text alone where there are none.
pub(crate) fn linked(text: &str, source: Source, lines: &[Lines]) -> String {
    let mut lines: Vec<&Lines> = lines.iter().collect();
    if lines.len() > LISTED {
        lines = [lines[0], lines[lines.len() - 1]].into();
    }
    if lines.is_empty() {
        return text.to_owned();
    }
    let one = |lines: &&Lines| match (lines.start(), lines.end()) {
        (first, last) if first == last => first.to_string(),
        (first, last) => format!("{first}-{last}"),
    };
    let reference = lines.iter().map(one).collect::<Vec<_>>().join(".");
    format!("[{text}][{}{reference}]", source.letter())
}

/// `text` as a link to rows of `metrics.csv`, one a seed.
pub(crate) fn to_metrics(text: &str, rows: &[&MetricLine]) -> String {
    let lines: Vec<Lines> = rows.iter().map(|row| row.line..=row.line).collect();
    linked(text, Source::Metrics, &lines)
}

/// The page of all runs, beside the report.
pub(crate) const RUNS_PAGE: &str = "runs.html";

/// Where the page of all runs tells of one, relative to the report.
pub(crate) fn page_of(run: &str) -> String {
    format!("{RUNS_PAGE}#{}", short(run))
}

/// A printed figure as it was printed, as a link to its row.
pub(crate) fn to_published(line: &PublishedLine) -> String {
    linked(&escape(&line.row.value), Source::Published, &[line.line..=line.line])
}

/// Markdown with a definition for each of its references, in the order of tables and lines.
pub(crate) fn with_definitions(mut markdown: String) -> String {
    let mut used: BTreeSet<(usize, Vec<u64>, String)> = BTreeSet::new();
    for part in markdown.split("][").skip(1) {
        let Some((reference, _)) = part.split_once(']') else { continue };
        if let Some((source, target)) = target_of(reference) {
            let place = Source::ALL.iter().position(|s| *s == source).unwrap_or_default();
            let lines = target.iter().flat_map(|lines| [*lines.start(), *lines.end()]).collect();
            used.insert((place, lines, reference.to_owned()));
        }
    }
    if !used.is_empty() {
        markdown.push('\n');
    }
    for (place, _, reference) in &used {
        let Some((_, target)) = target_of(reference) else { continue };
        let one = |lines: &Lines| match (lines.start(), lines.end()) {
            (first, last) if first == last => format!("L{first}"),
            (first, last) => format!("L{first}-L{last}"),
        };
        let lines = target.iter().map(one).collect::<Vec<_>>().join(",");
        // Writing to memory cannot fail.
        let _ = writeln!(markdown, "[{reference}]: {}#{lines}", Source::ALL[*place].file());
    }
    markdown
}

/// `m12.45-47` as its table and lines.
fn target_of(reference: &str) -> Option<(Source, Vec<Lines>)> {
    let source = Source::ALL.into_iter().find(|source| reference.starts_with(source.letter()))?;
    let lines = reference[1..].split('.').map(|part| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(digits(first)?..=digits(last)?)
    });
    Some((source, lines.collect::<Option<Vec<_>>>()?))
}

/// Digits alone: `parse` would take a sign as well.
pub(crate) fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_refer_to_their_rows() {
        assert_eq!(linked("0.5", Source::Metrics, &[12..=12]), "[0.5][m12]");
        assert_eq!(linked("0.4 to 0.6", Source::Images, &[2..=9, 20..=27]), "[0.4 to 0.6][i2-9.20-27]");
        assert_eq!(linked("0.5", Source::Metrics, &[]), "0.5");
        let many: Vec<Lines> = (1..=20).map(|n| n..=n).collect();
        assert_eq!(linked("0.5", Source::Metrics, &many), "[0.5][m1.20]");
    }

    #[test]
    fn references_are_defined_once_and_in_order() {
        let text = "| [a][m12] | [b][i2-9.20-27] |\n| [c][m3] | [d][m12] |\n\\[x\\][m-1] [x][mad] [y][c7]\n".to_owned();
        let whole = with_definitions(text.clone());
        let added = whole.strip_prefix(&text).unwrap();
        let expected = "\n[m3]: data/metrics.csv#L3\n[m12]: data/metrics.csv#L12\n\
                        [i2-9.20-27]: data/per_image.csv#L2-L9,L20-L27\n[c7]: data/confusion.csv#L7\n";
        assert_eq!(added, expected);
        assert_eq!(with_definitions("no references\n".into()), "no references\n");
    }
}
