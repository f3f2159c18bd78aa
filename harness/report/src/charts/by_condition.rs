//! Metrics over the test conditions: one panel for each metric, one line for each arm and protocol.

mod lines;
mod words;

use super::{
    Drawable,
    axis::{self, Scale, Tick},
    canvas::{Canvas, Ink, Marker, draw_chart},
    chart::Chart,
    end_labels::{End, Plan},
    legend::Entry,
    panel::{Head, MARGIN, Panel, WIDTH, most_lines},
    records,
    words::measured_how,
};
use crate::{error::ReportError, figures::data::Data};
use lines::{Line, Lines, lines};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const PANEL_HEIGHT: f64 = 300.0;
/// The number of columns of panels, and a smaller number if only that leaves room for labels.
const COLUMNS: [usize; 2] = [3, 2];
const CAPTION: &str =
    "Lines are means over the test images; bands are their 95 % intervals; diamonds are printed figures.";

/// Metrics over the test conditions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ByCondition {
    /// The name of the chart and of its file.
    pub name: String,
    /// The metrics, one panel each.
    pub metrics: Vec<String>,
    /// The title.
    pub title: String,
    /// The label of the horizontal axis, with its unit.
    pub x: String,
    /// True to draw published figures.
    #[serde(default)]
    pub published: bool,
}

impl Drawable for ByCondition {
    fn name(&self) -> &str {
        &self.name
    }

    fn metrics(&self) -> &[String] {
        &self.metrics
    }

    fn draw(&self, data: &Data) -> Result<Chart, ReportError> {
        let panels = lines(data, &self.metrics, self.published);
        let wrap = |message| ReportError::Chart { chart: self.name.clone(), message };
        let (columns, plan) = plan(data, &panels).map_err(wrap)?;
        let head = Head::new(&self.name, &self.title, legend(data, &panels, plan.is_some()))?;
        let places = places(&panels, head.height(), columns, plan).map_err(wrap)?;
        let height = places.last().map_or(head.height() + PANEL_HEIGHT, |panel| panel.top + panel.height);
        let alternative = words::describe(data, &panels);
        let svg = draw_chart(&self.name, (WIDTH, height), [&self.title, &alternative], |canvas| {
            head.draw(canvas)?;
            let drawn = Drawn { canvas, data, plan, across: &positions(data), foot: &self.x };
            places.iter().zip(&panels).try_for_each(|(place, lines)| drawn.panel(*place, lines))
        })?;
        let records = records::of_tested(data, &self.title, &lines::records(data, &panels));
        let (name, title) = (self.name.clone(), self.title.clone());
        let caption = format!("{CAPTION} {}", measured_how(data));
        Ok(Chart { name, title, caption, svg, records, alternative })
    }
}

/// Returns the number of columns of panels, and the plan for labels at the ends of lines; `None` if there is no room
/// for labels.
fn plan(data: &Data, panels: &[Lines<'_>]) -> Result<(usize, Option<Plan>), String> {
    let across = positions(data);
    let x = Scale { data: padded_range(&across), layout: (0.0, 1.0) };
    let most = panels.len().clamp(1, COLUMNS[0]);
    for columns in COLUMNS.map(|columns| columns.min(most)) {
        let width = (WIDTH - 2.0 * MARGIN) / columns as f64;
        let height = Panel::axes(PANEL_HEIGHT);
        let mut all = Vec::new();
        let mut beside: f64 = 0.0;
        for lines in panels {
            let (range, up) = lines.range();
            beside = beside.max(Panel::beside(&up, width, None)?.0);
            let y = Scale { data: range, layout: (height, 0.0) };
            all.push((ends(data, lines, &across, (&x, &y)), (height, 0.0)));
        }
        if let Some(plan) = Plan::new(&all, width - beside)? {
            return Ok((columns, Some(plan)));
        }
    }
    Ok((most, None))
}

/// Returns the place of each panel, row by row, below `top`.
fn places(panels: &[Lines<'_>], top: f64, columns: usize, plan: Option<Plan>) -> Result<Vec<Panel>, String> {
    let width = (WIDTH - 2.0 * MARGIN) / columns as f64;
    let titles: Vec<_> = panels.iter().map(Lines::heading).collect();
    let headings = most_lines(titles.iter().map(String::as_str), width)?;
    let height = PANEL_HEIGHT + Panel::added_by(headings);
    let place = |(i, lines): (usize, &Lines<'_>)| {
        let (left, top) = (MARGIN + (i % columns) as f64 * width, top + (i / columns) as f64 * height);
        let beside = Panel::beside(&lines.range().1, width, plan.map(|plan| plan.gutter))?;
        Ok(Panel { left, top, width, height, headings, beside })
    };
    panels.iter().enumerate().map(place).collect()
}

/// Returns the end of each line.
fn ends(data: &Data, lines: &Lines<'_>, across: &[Tick], (x, y): (&Scale, &Scale)) -> Vec<End> {
    let at = |condition: usize, value: f64| (x.at(across[condition].value), y.at(value));
    // The end of a line is its rightmost point, where a reader expects the label.
    let last = |points: Vec<(usize, f64)>| {
        points.into_iter().map(|(c, value)| at(c, value)).max_by(|a, b| a.0.total_cmp(&b.0))
    };
    let mut ends = Vec::new();
    // Solid lines come first: if there is room for only one label of an arm, it belongs to the solid line.
    for line in lines.measured.iter().rev() {
        let text = data.study.arms[line.arm].label.clone();
        ends.extend(last(line.means()).map(|at| End { text, ink: line.ink, at }));
    }
    for (i, printed) in lines.printed.iter().enumerate() {
        let text = printed.label(data, lines.printed.len());
        ends.extend(last(printed.points()).map(|at| End { text, ink: printed_ink(i), at }));
    }
    ends
}

fn printed_ink(index: usize) -> Ink {
    Ink::Plain(2 - index % 2)
}

/// A chart that is being drawn.
struct Drawn<'a, 'b> {
    canvas: &'a Canvas<'b>,
    data: &'a Data,
    plan: Option<Plan>,
    across: &'a [Tick],
    foot: &'a str,
}

impl Drawn<'_, '_> {
    fn panel(&self, place: Panel, lines: &Lines<'_>) -> Result<(), String> {
        place.heading(self.canvas, &lines.heading())?;
        place.foot(self.canvas, self.foot)?;
        let x = Scale { data: padded_range(self.across), layout: place.across() };
        let (range, up) = lines.range();
        let y = Scale { data: range, layout: place.up() };
        axis::frame(self.canvas, (&x, &y), (self.across, &up), place.sides())?;
        for line in &lines.measured {
            self.interval(line, (&x, &y))?;
        }
        if let Some(plan) = self.plan {
            plan.draw(self.canvas, &ends(self.data, lines, self.across, (&x, &y)), place.across().1, place.up())?;
        }
        for (i, printed) in lines.printed.iter().enumerate() {
            self.line((printed_ink(i), 1.5), Marker::Diamond, &printed.points(), (&x, &y))?;
        }
        for line in &lines.measured {
            self.line((line.ink, 2.0), line.marker, &line.means(), (&x, &y))?;
        }
        self.tips(lines, (&x, &y));
        Ok(())
    }

    fn line(
        &self,
        (ink, width): (Ink, f64),
        marker: Marker,
        points: &[(usize, f64)],
        (x, y): (&Scale, &Scale),
    ) -> Result<(), String> {
        let at: Vec<_> = points.iter().map(|&(c, value)| (x.at(self.across[c].value), y.at(value))).collect();
        self.canvas.line(&at, ink, width)?;
        at.iter().try_for_each(|&point| self.canvas.marker(point, marker, ink.without_dash()))
    }

    /// Draws the 95 % interval: a band along a line, or a whisker at a single point.
    fn interval(&self, line: &Line<'_>, (x, y): (&Scale, &Scale)) -> Result<(), String> {
        let at = |c: usize, value: f64| (x.at(self.across[c].value), y.at(value));
        if let [(c, f)] = &line.points[..] {
            return self.canvas.line(&[at(*c, f.low()), at(*c, f.high())], line.ink.without_dash(), 1.0);
        }
        let above = line.points.iter().map(|(c, f)| at(*c, f.high()));
        let below = line.points.iter().rev().map(|(c, f)| at(*c, f.low()));
        self.canvas.fill(&above.chain(below).collect::<Vec<_>>(), line.ink, 0.16)
    }

    fn tips(&self, lines: &Lines<'_>, (x, y): (&Scale, &Scale)) {
        let at = |c: usize, value: f64| (x.at(self.across[c].value), y.at(value));
        for line in &lines.measured {
            for (c, figure) in &line.points {
                self.canvas.tip(at(*c, figure.mean), words::of_figure(self.data, lines.metric, line, (*c, figure)));
            }
        }
        for printed in &lines.printed {
            for (c, figure) in &printed.points {
                self.canvas
                    .tip(at(*c, figure.value), words::of_printed(self.data, lines.metric, printed, (*c, figure)));
            }
        }
    }
}

/// Returns the position of each condition: its value if all conditions have one, otherwise evenly spaced.
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

/// Returns legend entries for everything that the ends of lines do not say: the protocols and the diamonds, or all
/// lines if they have no labels.
fn legend(data: &Data, panels: &[Lines<'_>], labelled: bool) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut add = |label: String, ink, marker| {
        if !entries.iter().any(|entry| entry.label == label) {
            entries.push(Entry { label, ink, line: true, marker });
        }
    };
    for lines in panels {
        for line in &lines.measured {
            match line.ink {
                Ink::Series(_, dash) if labelled && data.study.protocols.len() > 1 => {
                    add(format!("Under the {} protocol", line.protocol), Ink::Plain(dash), None);
                }
                _ if labelled => {}
                ink => add(words::of_line(data, line), ink, Some(line.marker)),
            }
        }
        for (i, printed) in lines.printed.iter().enumerate() {
            let label = if labelled { "As printed".to_owned() } else { printed.label(data, lines.printed.len()) };
            add(label, printed_ink(i), Some(Marker::Diamond));
        }
    }
    entries
}
