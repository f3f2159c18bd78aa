//! Metrics over the conditions of the test: a panel a metric, a line an arm and protocol.

use super::{
    Chart, Head, MARGIN, Panel, WIDTH,
    axis::{self, Scale, Tick},
    canvas::{Canvas, Ink, Marker, draw_chart},
    legend::Entry,
    measured_how,
};
use crate::{data::Data, error::ReportError, figure::Figure, markdown::number, metric::Metric};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Metrics over the conditions of the test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ByCondition {
    /// Name: becomes the file's name.
    pub name: String,
    /// Metrics, a panel each.
    pub metrics: Vec<String>,
    /// Title.
    pub title: String,
    /// Label of the horizontal axis, with its unit.
    pub x: String,
    /// Whether published figures are drawn.
    #[serde(default)]
    pub published: bool,
}

const PANEL_HEIGHT: f64 = 300.0;
const COLUMNS: usize = 3;
const CAPTION: &str =
    "Lines are means over the test images and bands their 95 % intervals; diamonds are printed figures.";

/// A line of a panel.
struct Line<'a> {
    label: String,
    ink: Ink,
    marker: Marker,
    /// Index of the condition, and the figure there.
    points: Vec<(usize, Figure<'a>)>,
}

/// Printed figures of one arm: index of the condition, and value.
type PrintedLine = (String, Vec<(usize, f64)>);

/// All lines of one metric.
struct Lines<'a> {
    metric: &'static Metric,
    measured: Vec<Line<'a>>,
    printed: Vec<PrintedLine>,
}

impl ByCondition {
    pub(super) fn draw(&self, data: &Data) -> Result<Chart, ReportError> {
        let panels: Vec<_> =
            self.metrics.iter().filter_map(|name| Metric::find(name)).map(|m| self.lines(data, m)).collect();
        let head = Head::new(&self.name, &self.title, legend(&panels))?;
        let columns = panels.len().clamp(1, COLUMNS);
        let height = head.height() + panels.len().div_ceil(columns) as f64 * PANEL_HEIGHT;
        let alternative = describe(data, &panels);
        let svg = draw_chart(&self.name, (WIDTH, height), [&self.title, &alternative], |canvas| {
            head.draw(canvas)?;
            let top = head.height();
            let width = (WIDTH - 2.0 * MARGIN) / columns as f64;
            for (i, lines) in panels.iter().enumerate() {
                let (row, column) = (i / columns, i % columns);
                let left = MARGIN + column as f64 * width;
                let place = Panel { left, top: top + row as f64 * PANEL_HEIGHT, width, height: PANEL_HEIGHT };
                self.panel(canvas, place, data, lines)?;
            }
            Ok(())
        })?;
        let (name, title) = (self.name.clone(), self.title.clone());
        let caption = format!("{CAPTION} {}", measured_how(data));
        Ok(Chart { name, title, caption, svg, alternative })
    }

    fn lines<'a>(&self, data: &'a Data, metric: &'static Metric) -> Lines<'a> {
        let mut measured = Vec::new();
        let last = data.study.protocols.len().saturating_sub(1);
        for (colour, arm) in data.study.arms.iter().enumerate() {
            for (i, protocol) in data.study.protocols.iter().enumerate() {
                let points = over_conditions(data, |c| data.tested(&arm.name, c, metric, protocol));
                if points.is_empty() {
                    continue;
                }
                // The last protocol, the corrected one where there are two, is the solid line.
                let (ink, marker) = (Ink::Series(colour, last - i), Marker::of_series(colour));
                measured.push(Line { label: label(data, &arm.label, protocol), ink, marker, points });
            }
        }
        let arms = data.study.arms.iter().filter(|_| self.published);
        let printed = arms
            .map(|arm| {
                let name = format!("{}, as published", arm.label);
                (name, over_conditions(data, |c| data.printed(&arm.name, c, metric.name).map(|p| p.value)))
            })
            .filter(|(_, points)| !points.is_empty())
            .collect();
        Lines { metric, measured, printed }
    }

    fn panel(&self, canvas: &Canvas<'_>, place: Panel, data: &Data, lines: &Lines<'_>) -> Result<(), String> {
        place.heading(canvas, &format!("{} ({})", lines.metric.label, lines.metric.unit))?;
        place.foot(canvas, &self.x)?;
        let across = positions(data);
        let x = Scale { data: padded_range(&across), layout: place.across() };
        let ((low, high), up) = lines.range();
        let y = Scale { data: (low, high), layout: place.up() };
        axis::frame(canvas, (&x, &y), &across, &up)?;
        for line in &lines.measured {
            draw_interval(canvas, line, &across, (&x, &y))?;
        }
        for (i, (_, points)) in lines.printed.iter().enumerate() {
            let at: Vec<_> = points.iter().map(|&(c, v)| (x.at(across[c].value), y.at(v))).collect();
            canvas.line(&at, Ink::Plain(2 - i % 2), 1.5)?;
            at.iter().try_for_each(|&point| canvas.marker(point, Marker::Diamond, Ink::Text))?;
        }
        for line in &lines.measured {
            let at: Vec<_> = line.points.iter().map(|(c, f)| (x.at(across[*c].value), y.at(f.mean))).collect();
            canvas.line(&at, line.ink, 2.0)?;
            at.iter().try_for_each(|&point| canvas.marker(point, line.marker, line.ink))?;
        }
        Ok(())
    }
}

impl Lines<'_> {
    fn range(&self) -> ((f64, f64), Vec<Tick>) {
        if self.metric.is_share() {
            return axis::share_ticks();
        }
        let measured = self.measured.iter().flat_map(|l| l.points.iter().map(|(_, f)| f.high()));
        let printed = self.printed.iter().flat_map(|(_, points)| points.iter().map(|&(_, v)| v));
        axis::ticks(0.0, measured.chain(printed).fold(0.0, f64::max))
    }
}

fn label(data: &Data, arm: &str, protocol: &str) -> String {
    if data.study.protocols.len() > 1 { format!("{arm}, {protocol} protocol") } else { arm.to_owned() }
}

fn over_conditions<'a, T>(data: &'a Data, at: impl Fn(&'a str) -> Option<T>) -> Vec<(usize, T)> {
    let conditions = data.study.conditions.iter().enumerate();
    conditions.filter_map(|(i, c)| Some((i, at(&c.name)?))).collect()
}

/// Where each condition stands: at its value if all have one, else at equal distances.
fn positions(data: &Data) -> Vec<Tick> {
    let conditions = &data.study.conditions;
    let valued = conditions.iter().all(|c| c.value.is_some_and(f64::is_finite));
    let place = |i: usize, value: Option<f64>| if valued { value.unwrap_or_default() } else { i as f64 };
    conditions.iter().enumerate().map(|(i, c)| Tick { value: place(i, c.value), label: c.label.clone() }).collect()
}

fn padded_range(across: &[Tick]) -> (f64, f64) {
    let low = across.iter().map(|t| t.value).fold(f64::INFINITY, f64::min);
    let high = across.iter().map(|t| t.value).fold(f64::NEG_INFINITY, f64::max);
    let pad = if high > low { (high - low) * 0.05 } else { 1.0 };
    (low - pad, high + pad)
}

/// The 95 % interval: a band along a line, a whisker at a lone point.
fn draw_interval(
    canvas: &Canvas<'_>,
    line: &Line<'_>,
    across: &[Tick],
    (x, y): (&Scale, &Scale),
) -> Result<(), String> {
    let at = |c: usize, value: f64| (x.at(across[c].value), y.at(value));
    if let [(c, f)] = &line.points[..] {
        return canvas.line(&[at(*c, f.low()), at(*c, f.high())], line.ink, 1.0);
    }
    let above = line.points.iter().map(|(c, f)| at(*c, f.high()));
    let below = line.points.iter().rev().map(|(c, f)| at(*c, f.low()));
    canvas.fill(&above.chain(below).collect::<Vec<_>>(), line.ink, 0.16)
}

fn legend(panels: &[Lines<'_>]) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for lines in panels {
        let measured = lines.measured.iter().map(|l| (&l.label, l.ink, l.marker));
        let printed = lines.printed.iter().enumerate().map(|(i, (n, _))| (n, Ink::Plain(2 - i % 2), Marker::Diamond));
        for (label, ink, marker) in measured.chain(printed) {
            if !entries.iter().any(|e| e.label == *label) {
                entries.push(Entry { label: label.clone(), ink, marker: Some(marker) });
            }
        }
    }
    entries
}

fn describe(data: &Data, panels: &[Lines<'_>]) -> String {
    let mut sentences = Vec::new();
    for lines in panels {
        let measured =
            lines.measured.iter().map(|l| (&l.label, l.points.iter().map(|(c, f)| (*c, f.mean)).collect::<Vec<_>>()));
        let printed = lines.printed.iter().map(|(name, points)| (name, points.clone()));
        let parts: Vec<_> = measured.chain(printed).map(|(label, points)| course(data, label, &points)).collect();
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
