//! From a link of the Markdown to the rows that it leads to, and the runs that wrote them.

use crate::{
    figures::data::Data,
    inputs::{lines::Line, runs::is_key},
    links::{Source, digits, page_of},
};

/// The rows that a link of the Markdown leads to, and their runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trace {
    /// File of the rows, relative to the report.
    pub(crate) csv: &'static str,
    /// `12`, `12 45-47`
    pub(crate) rows: String,
    /// Full keys, each once; none of what no run wrote.
    pub(crate) runs: Vec<String>,
    /// The place of the first row on the page of all runs; the table itself where there is no run.
    pub(crate) href: String,
    /// Runs and lines of the rows of `metrics.csv` among them.
    pub(crate) metrics: Vec<(String, u64)>,
}

impl Trace {
    /// Reads the address of a link: `data/metrics.csv#L12,L45`. `None` if it leads elsewhere, or to rows that are not there.
    pub(crate) fn of(data: &Data, address: &str) -> Option<Self> {
        let (file, lines) = address.split_once('#')?;
        let source = Source::ALL.into_iter().find(|source| source.file() == file)?;
        let mut runs: Vec<String> = Vec::new();
        let (mut rows, mut metrics) = (Vec::new(), Vec::new());
        for part in lines.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let [first, last] = [first, last].map(|line| line.strip_prefix('L').and_then(digits));
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
            if source == Source::Metrics {
                metrics.extend((first..=last).map(|line| (run.to_owned(), line)));
            }
        }
        let href = match (source, runs.first(), metrics.first()) {
            (Source::Metrics, _, Some((run, line))) => format!("{}-{line}", page_of(run)),
            (Source::Images, Some(run), _) => format!("{}-images", page_of(run)),
            (Source::Confusion | Source::Calibration, Some(run), _) => format!("{}-pixels", page_of(run)),
            _ => source.file().to_owned(),
        };
        Some(Self { csv: source.file(), rows: rows.join(" "), runs, href, metrics })
    }
}

impl Data {
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
