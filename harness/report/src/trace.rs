//! From a figure to the rows that hold it and the runs that wrote them.
//!
//! In Markdown a figure is a link by reference, `[0.845][m12]`, so that tables stay readable raw; [`with_definitions`] adds what
//! the references stand for, `[m12]: data/metrics.csv#L12`. A page then finds the runs of those rows ([`Trace::of`]).

use crate::{
    data::{Data, Line, MetricLine},
    run_page::lists,
};
use harness_record::digest;
use std::{collections::BTreeSet, fmt::Write as _, ops::RangeInclusive};

/// A table of the data folder that figures come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Metrics,
    Images,
    Confusion,
    Calibration,
    Published,
}

/// Lines of a table, from and to.
pub(crate) type Lines = RangeInclusive<u64>;

/// Adds a line to the last of `all` if it follows that.
pub(crate) fn add_line(all: &mut Vec<Lines>, line: u64) {
    match all.last_mut() {
        Some(last) if *last.end() + 1 == line => *last = *last.start()..=line,
        _ => all.push(line..=line),
    }
}

/// More lists of lines than this are named by the first and the last of them: a mean over many seeds.
const LISTED: usize = 12;

impl Source {
    const ALL: [Self; 5] = [Self::Metrics, Self::Images, Self::Confusion, Self::Calibration, Self::Published];

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

    /// Where a run's page shows its rows; `None` for what no run wrote.
    fn section(self) -> Option<&'static str> {
        match self {
            Self::Metrics => Some("metrics"),
            Self::Images => Some("images"),
            Self::Confusion | Self::Calibration => Some("pixels"),
            Self::Published => None,
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
        Some(number(first)?..=number(last)?)
    });
    Some((source, lines.collect::<Option<Vec<_>>>()?))
}

/// Digits alone: `parse` would take a sign as well.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// The rows that a link of the Markdown leads to, and their runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trace {
    /// File of the rows, relative to the report.
    pub(crate) csv: &'static str,
    /// `12`, `12 45-47`
    pub(crate) rows: String,
    /// Full keys, each once; none of what no run wrote.
    pub(crate) runs: Vec<String>,
    /// The page of the first run, and the place on it; the table itself where there is no run.
    pub(crate) href: String,
}

impl Trace {
    /// Reads the address of a link: `data/metrics.csv#L12,L45`. `None` if it leads elsewhere, or to rows that are not there.
    pub(crate) fn of(data: &Data, address: &str) -> Option<Self> {
        let (file, lines) = address.split_once('#')?;
        let source = Source::ALL.into_iter().find(|source| source.file() == file)?;
        let mut runs: Vec<String> = Vec::new();
        let mut rows = Vec::new();
        for part in lines.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let [first, last] = [first, last].map(|line| line.strip_prefix('L').and_then(number));
            let [first, last] = [first?, last?];
            rows.push(part.replace('L', ""));
            if source == Source::Published {
                data.published.iter().find(|row| row.line == first && first == last)?;
                continue;
            }
            let (run, end) = (data.run_at(source, first)?, data.run_at(source, last)?);
            if run != end || !is_key(run) {
                return None;
            }
            if !runs.iter().any(|seen| seen == run) {
                runs.push(run.to_owned());
            }
        }
        let first = rows.first().and_then(|row| number(row));
        let listed = first.filter(|line| source == Source::Metrics && data.is_listed(*line));
        let href = match (source.section(), runs.first(), listed) {
            (Some(section), Some(run), Some(line)) => format!("{}#{section}-{line}", page_of(run)),
            (Some(section), Some(run), None) => format!("{}#{section}", page_of(run)),
            _ => source.file().to_owned(),
        };
        Some(Self { csv: source.file(), rows: rows.join(" "), runs, href })
    }
}

/// Page of a run, relative to the report.
pub(crate) fn page_of(run: &str) -> String {
    format!("runs/{}.html", crate::input::file::short(run))
}

impl Data {
    /// Whether the page of its run lists a line of `metrics.csv`.
    fn is_listed(&self, line: u64) -> bool {
        row_at(self.metrics.all(), line).is_some_and(|row| lists(self, row))
    }

    /// Key of the run that wrote a line of a table.
    fn run_at(&self, source: Source, line: u64) -> Option<&str> {
        match source {
            Source::Metrics => row_at(self.metrics.all(), line).map(|row| row.run.as_str()),
            Source::Images => self.scores.run_at(line),
            Source::Confusion => row_at(&self.confusion, line).map(|row| row.run.as_str()),
            Source::Calibration => row_at(&self.calibration, line).map(|row| row.run.as_str()),
            Source::Published => None,
        }
    }
}

/// The row on a line. Lines ascend, as they stand in the file.
fn row_at<T>(lines: &[Line<T>], line: u64) -> Option<&T> {
    lines.binary_search_by_key(&line, |row| row.line).ok().map(|at| &lines[at].row)
}

/// Whether a key could be that of a run: what names a file must not lead out of its folder.
pub(crate) fn is_key(key: &str) -> bool {
    key.len() == digest::of_bytes(b"").len() && key.bytes().all(|byte| byte.is_ascii_hexdigit())
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

    #[test]
    fn only_a_digest_is_a_key() {
        assert!(is_key(&digest::of_bytes(b"a")));
        assert!(!is_key("../../x") && !is_key(""));
    }
}
