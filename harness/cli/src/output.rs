//! Results on stdout.

use crate::failure::{Failure, Outcome};
use harness_study::spec::diagnosis::printable;
use std::io::Write as _;

/// Prints a line of results on stdout. If the reader has gone (`| head`), the program ends quietly.
pub(crate) fn say(line: &str) -> Outcome {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        result => result.map_err(Failure::run),
    }
}

/// Prints `value` as JSON on stdout.
pub(crate) fn say_json<T: serde::Serialize>(value: &T) -> Outcome {
    say(&serde_json::to_string_pretty(value).map_err(Failure::run)?)
}

/// A number with its noun: `1 spec`, `2 specs`.
pub(crate) fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// A table with aligned columns, two spaces apart; the first row is the header.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let shown: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| printable(cell)).collect()).collect();
    let width =
        |c: usize| shown.iter().filter_map(|row| row.get(c)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    shown.iter().map(line).collect::<Vec<_>>().join("\n")
}
