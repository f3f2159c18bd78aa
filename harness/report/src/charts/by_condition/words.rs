//! A chart by condition in words.

use super::lines::{Line, Lines, PrintedLine};
use crate::{
    charts::words::figure_in_words,
    figures::{data::Data, figure::Figure, metrics::Metric, published::Printed},
    markdown::number,
};

/// Returns the name of a line: its arm, and its protocol if there are several.
pub(super) fn of_line(data: &Data, line: &Line<'_>) -> String {
    let arm = &data.study.arms[line.arm].label;
    if data.study.protocols.len() > 1 { format!("{arm}, {} protocol", line.protocol) } else { arm.clone() }
}

/// Describes a point of a line.
pub(super) fn of_figure(data: &Data, metric: &Metric, line: &Line<'_>, (c, figure): (usize, &Figure<'_>)) -> String {
    let (arm, condition) = (&data.study.arms[line.arm].label, &data.study.conditions[c].label);
    format!("{arm}, {} protocol, {condition}: {} {}", line.protocol, metric.label, figure_in_words(figure))
}

/// Describes a printed figure.
pub(super) fn of_printed(
    data: &Data,
    metric: &Metric,
    line: &PrintedLine<'_>,
    (c, printed): (usize, &Printed<'_>),
) -> String {
    let (arm, condition) = (&data.study.arms[line.arm].label, &data.study.conditions[c].label);
    format!("{arm}, as printed, {condition}: {} {}", metric.label, printed.text)
}

pub(super) fn describe(data: &Data, panels: &[Lines<'_>]) -> String {
    let mut sentences = Vec::new();
    for lines in panels {
        let measured = lines.measured.iter().map(|line| (of_line(data, line), line.means()));
        let as_printed = |line: &PrintedLine<'_>| format!("{}, as printed", data.study.arms[line.arm].label);
        let printed = lines.printed.iter().map(|line| (as_printed(line), line.points()));
        let parts: Vec<_> = measured.chain(printed).map(|(label, points)| course(data, &label, &points)).collect();
        if !parts.is_empty() {
            sentences.push(format!("{}: {}.", lines.metric.label, parts.join("; ")));
        }
    }
    if sentences.is_empty() { "No data.".to_owned() } else { sentences.join(" ") }
}

fn course(data: &Data, label: &str, points: &[(usize, f64)]) -> String {
    let place = |c: usize| &data.study.conditions[c].label;
    match points {
        [] => format!("{label} has no data"),
        [(c, value)] => format!("{label} {} at {}", number(*value), place(*c)),
        [(first, from), .., (last, to)] => {
            format!("{label} {} at {}, {} at {}", number(*from), place(*first), number(*to), place(*last))
        }
    }
}
