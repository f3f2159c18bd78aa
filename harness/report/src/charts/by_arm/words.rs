//! A chart by arm in words.

use super::points::{Look, Point, Points};
use crate::{
    charts::words::figure_in_words,
    figures::{data::Data, figure::Figure, metrics::Metric, published::Printed},
    markdown::{ends, number},
};

/// Describes a point.
pub(super) fn of_figure(arm: &str, look: &Look, metric: &Metric, figure: &Figure<'_>) -> String {
    format!("{arm}, {} protocol: {} {}", look.protocol, metric.label, figure_in_words(figure))
}

/// Describes a floor.
pub(super) fn of_floor(arm: &str, look: &Look, metric: &Metric, floor: f64) -> String {
    format!("{arm}, {} protocol: floor of {} {}", look.protocol, metric.label, number(floor))
}

/// Describes a printed figure.
pub(super) fn of_printed(arm: &str, metric: &Metric, printed: &Printed<'_>) -> String {
    format!("{arm}, as printed: {} {}", metric.label, printed.text)
}

pub(super) fn describe(data: &Data, looks: &[Look], panels: &[Points<'_>]) -> String {
    let mut sentences = Vec::new();
    for points in panels {
        let mut parts = Vec::new();
        for (arm, row) in data.study.arms.iter().zip(&points.arms) {
            parts.extend(looks.iter().zip(row).filter_map(|(look, point)| in_words(&arm.label, look, point)));
        }
        if !parts.is_empty() {
            sentences.push(format!("{}: {}.", points.metric.label, parts.join("; ")));
        }
    }
    if sentences.is_empty() { "No data.".to_owned() } else { sentences.join(" ") }
}

fn in_words(arm: &str, look: &Look, point: &Point<'_>) -> Option<String> {
    let printed = point.printed.as_ref().map(|p| format!("printed {}", p.text));
    let measured = point.figure.as_ref().map(|f| match f.interval {
        Some(interval) => format!("{} ({})", number(f.mean), ends(interval)),
        None => number(f.mean),
    });
    let floor = point.floor.map(|floor| format!("floor {}", number(floor)));
    let words: Vec<_> = [measured, floor, printed].into_iter().flatten().collect();
    (!words.is_empty()).then(|| format!("{arm}, {} protocol {}", look.protocol, words.join(", ")))
}
