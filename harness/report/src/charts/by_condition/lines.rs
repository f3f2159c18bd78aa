//! Measured and printed figures over the conditions, as lines.

use crate::{
    charts::{
        axis::{self, Tick},
        canvas::{Ink, Marker},
        records::Tested,
    },
    figures::{data::Data, figure::Figure, metrics::Metric, published::Printed},
};
use harness_record::vocabulary::{Condition, Protocol};

/// A line of a panel: one arm under one protocol.
pub(super) struct Line<'a> {
    pub(super) arm: usize,
    pub(super) protocol: Protocol,
    pub(super) ink: Ink,
    pub(super) marker: Marker,
    /// Pairs of a condition's index and the figure there.
    pub(super) points: Vec<(usize, Figure<'a>)>,
}

impl Line<'_> {
    pub(super) fn means(&self) -> Vec<(usize, f64)> {
        self.points.iter().map(|(c, figure)| (*c, figure.mean)).collect()
    }
}

/// Printed figures of one arm.
pub(super) struct PrintedLine<'a> {
    pub(super) arm: usize,
    /// Pairs of a condition's index and the figure there.
    pub(super) points: Vec<(usize, Printed<'a>)>,
}

impl PrintedLine<'_> {
    /// Returns the label, given the number `count` of printed lines.
    pub(super) fn label(&self, data: &Data, count: usize) -> String {
        if count == 1 { "As printed".to_owned() } else { format!("{}, as printed", data.study.arms[self.arm].label) }
    }

    pub(super) fn points(&self) -> Vec<(usize, f64)> {
        self.points.iter().map(|(c, printed)| (*c, printed.value)).collect()
    }
}

/// All lines of one metric.
pub(super) struct Lines<'a> {
    pub(super) metric: &'static Metric,
    pub(super) measured: Vec<Line<'a>>,
    pub(super) printed: Vec<PrintedLine<'a>>,
}

impl Lines<'_> {
    pub(super) fn heading(&self) -> String {
        format!("{} ({})", self.metric.label, self.metric.unit)
    }

    pub(super) fn range(&self) -> ((f64, f64), Vec<Tick>) {
        if self.metric.is_share() {
            return axis::share_ticks();
        }
        let measured = self.measured.iter().flat_map(|l| l.points.iter().map(|(_, f)| f.high()));
        let printed = self.printed.iter().flat_map(|line| line.points.iter().map(|(_, printed)| printed.value));
        axis::ticks(0.0, measured.chain(printed).fold(0.0, f64::max))
    }
}

/// Returns the lines of each metric, including those of printed figures if `published` is true.
pub(super) fn lines<'a>(data: &'a Data, metrics: &[String], published: bool) -> Vec<Lines<'a>> {
    metrics.iter().filter_map(|name| Metric::find(name)).map(|metric| of_metric(data, metric, published)).collect()
}

fn of_metric<'a>(data: &'a Data, metric: &'static Metric, published: bool) -> Lines<'a> {
    let mut measured = Vec::new();
    let last = data.study.protocols.len().saturating_sub(1);
    for (arm, named) in data.study.arms.iter().enumerate() {
        for (i, &protocol) in data.study.protocols.iter().enumerate() {
            let points = over_conditions(data, |c| data.tested(&named.name, c, metric, protocol));
            if !points.is_empty() {
                // The last protocol (the corrected one if there are two) is the solid line.
                let (ink, marker) = (Ink::Series(arm, last - i), Marker::of_series(arm));
                measured.push(Line { arm, protocol, ink, marker, points });
            }
        }
    }
    let arms = data.study.arms.iter().enumerate().filter(|_| published);
    let printed = arms
        .map(|(arm, named)| PrintedLine {
            arm,
            points: over_conditions(data, |c| data.printed(&named.name, c, metric.name)),
        })
        .filter(|line| !line.points.is_empty());
    Lines { metric, printed: printed.collect(), measured }
}

fn over_conditions<T>(data: &Data, at: impl Fn(Condition) -> Option<T>) -> Vec<(usize, T)> {
    let conditions = data.study.conditions.iter().enumerate();
    conditions.filter_map(|(i, c)| Some((i, at(c.name)?))).collect()
}

/// Returns every figure that is drawn. Printed figures are in the records of the published protocol.
pub(super) fn records<'a>(data: &'a Data, panels: &'a [Lines<'a>]) -> Vec<Tested<'a>> {
    let mut records = Vec::new();
    let mut protocols: Vec<Option<Protocol>> = data.study.protocols.iter().copied().map(Some).collect();
    let beside = protocols.iter().copied().find(|protocol| *protocol == Some(Protocol::Published)).flatten();
    if beside.is_none() {
        protocols.push(None);
    }
    for lines in panels {
        for (arm, named) in data.study.arms.iter().enumerate() {
            for &protocol in &protocols {
                let measured = lines.measured.iter().find(|line| line.arm == arm && Some(line.protocol) == protocol);
                let printed = lines.printed.iter().find(|line| line.arm == arm && protocol == beside);
                for (i, condition) in data.study.conditions.iter().enumerate() {
                    let figure = measured.and_then(|line| line.points.iter().find(|(c, _)| *c == i));
                    let printed = printed.and_then(|line| line.points.iter().find(|(c, _)| *c == i));
                    let figures = (figure.map(|(_, figure)| figure), printed.is_some());
                    let place = (named.name.as_str(), protocol, condition.name);
                    records.extend(Tested::new(data, lines.metric, place, figures));
                }
            }
        }
    }
    records
}
