//! Definitions of the metrics of a report.

use crate::{
    figures::{
        data::Data,
        metrics::{METRICS, Metric},
    },
    markdown::{escape, listed},
};
use harness_record::{
    metrics::Direction,
    vocabulary::{PrintedDice, Protocol},
};

/// A metric as a column of `per_image.csv`, and the names that the report gives it.
struct Defined {
    metric: &'static Metric,
    /// Names such as `Dice under the published protocol`.
    names: Vec<String>,
}

/// Lists every metric that the report's tables show, with unit, direction, definition and source.
pub(crate) fn definitions(data: &Data) -> String {
    defined(data).iter().map(Defined::to_markdown).collect::<Vec<_>>().join("\n") + "\n"
}

fn defined(data: &Data) -> Vec<Defined> {
    let mut all: Vec<Defined> = Vec::new();
    for shown in data.study.report.metrics.iter().filter_map(|name| Metric::find(name)) {
        for &protocol in &data.study.protocols {
            let mut columns = vec![shown.column(protocol, PrintedDice::Soft)];
            columns.extend(data.study.arms.iter().map(|arm| data.column(&arm.name, shown, protocol)));
            let mut seen: Vec<&str> = Vec::new();
            for column in columns {
                if seen.contains(&column) {
                    continue;
                }
                seen.push(column);
                note(&mut all, of_column(column).unwrap_or(shown), name(data, shown, protocol, column));
            }
        }
    }
    all
}

/// Returns the metric that is this column under every protocol.
fn of_column(column: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|m| m.is_always(column))
}

fn note(all: &mut Vec<Defined>, metric: &'static Metric, name: Option<String>) {
    match all.iter_mut().find(|d| d.metric.name == metric.name) {
        Some(defined) => defined.names.extend(name),
        None => all.push(Defined { metric, names: name.into_iter().collect() }),
    }
}

/// Returns the report's name for a column under a protocol, or `None` if its name is the same under every protocol.
fn name(data: &Data, shown: &Metric, protocol: Protocol, column: &str) -> Option<String> {
    if of_column(column).is_none_or(|metric| metric.name == shown.name) {
        return None;
    }
    let named = format!("{} under the {protocol} protocol", shown.label);
    let others = data.study.arms.iter().filter(|arm| data.column(&arm.name, shown, protocol) == column);
    let arms: Vec<_> = others.map(|arm| escape(&arm.label)).collect();
    let of_all = arms.is_empty() || arms.len() == data.study.arms.len();
    Some(if of_all { named } else { format!("{named} for {}", listed(&arms)) })
}

impl Defined {
    fn to_markdown(&self) -> String {
        let (metric, measured) = (self.metric, self.metric.measured(Protocol::Corrected, PrintedDice::Soft));
        let better = match metric.direction {
            Direction::Higher => "higher is better",
            Direction::Lower => "lower is better",
        };
        let names =
            if self.names.is_empty() { String::new() } else { format!(" This is {}.", self.names.join(", and ")) };
        let source =
            if measured.source.is_empty() { String::new() } else { format!(" Source: {}.", escape(measured.source)) };
        format!("* **{}** ({}; {better}): {}{names}{source}", metric.label, metric.unit, escape(measured.definition))
    }
}
