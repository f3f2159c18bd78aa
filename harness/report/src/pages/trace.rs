//! Traces a reference of the Markdown to the rows that it stands for, and to the runs that wrote them.

use crate::{
    figures::data::Data,
    inputs::lines::{Lines, Rows, Table},
    links::{file_of, page_of, parts_of},
};

/// The rows that a reference of the Markdown stands for, and their runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trace {
    /// The files of the rows, relative to the report, separated by spaces.
    pub(crate) csv: String,
    /// The lines in each file: `12`, or `12,45-47 2` for two files.
    pub(crate) rows: String,
    /// The first digits of the key of each file's run; empty for rows that no run wrote.
    pub(crate) runs: String,
    /// The address of the first row on the page of all runs, or of the table if there is no run.
    pub(crate) href: String,
    /// The runs and lines of those rows that are in `metrics.csv`.
    pub(crate) metrics: Vec<(String, u64)>,
}

impl Trace {
    /// Parses a reference such as `m1a2b3c4d.12.45-47`. Returns `None` if it is not a reference or if its rows do not
    /// exist.
    pub(crate) fn of(data: &Data, reference: &str) -> Option<Self> {
        let parts = parts_of(reference)?;
        if !parts.iter().all(|(table, run, lines)| lines.iter().all(|lines| data.has_rows(*table, run, lines))) {
            return None;
        }
        let joined = |texts: Vec<String>| texts.join(" ");
        let one = |lines: &Lines| match (lines.start(), lines.end()) {
            (first, last) if first == last => first.to_string(),
            (first, last) => format!("{first}-{last}"),
        };
        let (table, run, lines) = parts.first()?;
        let metrics = parts.iter().filter(|(table, ..)| *table == Table::Metrics);
        Some(Self {
            csv: joined(parts.iter().map(|(table, run, _)| file_of(*table, run)).collect()),
            rows: joined(parts.iter().map(|(.., lines)| lines.iter().map(one).collect::<Vec<_>>().join(",")).collect()),
            runs: joined(parts.iter().map(|(_, run, _)| run.clone()).filter(|run| !run.is_empty()).collect()),
            href: address(*table, run, *lines.first()?.start()),
            metrics: metrics
                .flat_map(|(_, run, lines)| lines.iter().cloned().flatten().map(|line| (run.clone(), line)))
                .collect(),
        })
    }
}

impl Data {
    /// Returns true if the table has these rows.
    fn has_rows(&self, table: Table, run: &str, lines: &Lines) -> bool {
        if table == Table::Published {
            return self.published.iter().any(|row| lines.contains(&row.line) && lines.start() == lines.end());
        }
        let rows = Rows { table, run: run.to_owned(), lines: lines.clone() };
        self.runs.by_short(run).is_some_and(|run| run.has(&rows))
    }
}

/// Returns the address of a row on the page of all runs, or of the table that holds it.
fn address(table: Table, run: &str, line: u64) -> String {
    let place = page_of(run);
    match table {
        Table::Metrics => format!("{place}-{line}"),
        Table::Images | Table::Baselines => format!("{place}-images"),
        Table::Confusion | Table::Calibration => format!("{place}-pixels"),
        Table::Published => file_of(table, run),
    }
}
