//! Metrics over the epochs of training: one row for each stage and metric, one panel for each protocol, one line for
//! each arm, seed and split.

mod curves;
mod table;
mod words;

use super::{
    Drawable,
    axis::{self, Scale},
    canvas::{Canvas, Ink, Marker, draw_chart},
    chart::Chart,
    end_labels::{End, Plan},
    legend::Entry,
    panel::{Head, MARGIN, Panel, WIDTH, most_lines},
};
use crate::{error::ReportError, figures::data::Data};
use curves::{Curves, Line, Point, SPLITS};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const PANEL_HEIGHT: f64 = 230.0;
const CAPTION: &str = "Each line shows the training or the validation of one run. Its marker is the epoch whose \
                       weights were kept. The axes of losses cover the range of the values. A metric that a stage does \
                       not log has no line.";
/// The maximum number of points of a line; more could not be told apart.
const MOST_POINTS: usize = 480;

/// Metrics over the epochs of training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrainingCurves {
    /// The name of the chart and of its file.
    pub name: String,
    /// The metrics, one row of panels each.
    pub metrics: Vec<String>,
    /// The title.
    pub title: String,
}

impl Drawable for TrainingCurves {
    fn name(&self) -> &str {
        &self.name
    }

    fn metrics(&self) -> &[String] {
        &self.metrics
    }

    fn draw(&self, data: &Data) -> Result<Chart, ReportError> {
        let rows = curves::rows(data, &self.metrics);
        let wrap = |message| ReportError::Chart { chart: self.name.clone(), message };
        let plan = plan(data, &rows).map_err(wrap)?;
        let head = Head::new(&self.name, &self.title, legend(data, &rows, plan.is_none()))?;
        let places = places(&rows, &head, plan).map_err(wrap)?;
        let height = places.last().map_or(head.height() + PANEL_HEIGHT, |panel| panel.top + panel.height);
        let alternative = words::describe(data, &rows);
        let svg = draw_chart(&self.name, (WIDTH, height), [&self.title, &alternative], |canvas| {
            head.draw(canvas)?;
            let drawn = Drawn { canvas, data, plan };
            rows.iter().flatten().zip(&places).try_for_each(|(curves, place)| drawn.panel(*place, curves))
        })?;
        let records = table::of_trained(data, &self.title, &curves::records(data, &rows));
        let (name, title) = (self.name.clone(), self.title.clone());
        let caption = format!("{CAPTION}{}", words::of_shared(data, &rows));
        Ok(Chart { name, title, caption, svg, records, alternative })
    }
}

/// Returns the plan for labels at the ends of lines; `None` if there is no room for them.
fn plan(data: &Data, rows: &[Vec<Curves>]) -> Result<Option<Plan>, String> {
    let narrowest = rows.iter().map(Vec::len).max().unwrap_or(1).max(1);
    let width = (WIDTH - 2.0 * MARGIN) / narrowest as f64;
    let mut panels = Vec::new();
    let mut beside: f64 = 0.0;
    for curves in rows.iter().flatten() {
        let (range, up) = curves.range();
        beside = beside.max(Panel::beside(&up, width, None)?.0);
        let (x, y) = (Scale { data: curves.epochs(), layout: (0.0, 1.0) }, Panel::axes(PANEL_HEIGHT));
        panels.push((ends(data, curves, (&x, &Scale { data: range, layout: (y, 0.0) })), (y, 0.0)));
    }
    Plan::new(&panels, width - beside)
}

/// Returns the place of each panel, row by row.
fn places(rows: &[Vec<Curves>], head: &Head, plan: Option<Plan>) -> Result<Vec<Panel>, String> {
    let mut places = Vec::new();
    let mut top = head.height();
    for row in rows {
        let width = (WIDTH - 2.0 * MARGIN) / row.len() as f64;
        let headings = most_lines(row.iter().map(|curves| curves.heading.as_str()), width)?;
        let height = PANEL_HEIGHT + Panel::added_by(headings);
        for (i, curves) in row.iter().enumerate() {
            let beside = Panel::beside(&curves.range().1, width, plan.map(|plan| plan.gutter))?;
            places.push(Panel { left: MARGIN + i as f64 * width, top, width, height, headings, beside });
        }
        top += height;
    }
    Ok(places)
}

/// Returns the end of each arm's validation lines, or of its training lines if there are no others, as a mean over
/// seeds.
fn ends(data: &Data, curves: &Curves, (x, y): (&Scale, &Scale)) -> Vec<End> {
    let mut ends = Vec::new();
    for (arm, named) in data.study.arms.iter().enumerate() {
        let logged = (0..SPLITS.len()).find(|split| curves.of(arm, *split).next().is_some());
        if let Some(split) = logged {
            let lasts: Vec<_> = curves.of(arm, split).filter_map(|line| line.points.last()).collect();
            let (Some(last), count) = (lasts.iter().map(|p| p.epoch).max(), lasts.len() as f64) else { continue };
            let value = lasts.iter().map(|p| p.value).sum::<f64>() / count;
            let at = (x.at(f64::from(last)), y.at(value));
            ends.push(End { text: named.label.clone(), ink: Ink::Series(arm, split), at });
        }
    }
    ends
}

/// A chart that is being drawn.
struct Drawn<'a, 'b> {
    canvas: &'a Canvas<'b>,
    data: &'a Data,
    plan: Option<Plan>,
}

impl Drawn<'_, '_> {
    fn panel(&self, place: Panel, curves: &Curves) -> Result<(), String> {
        place.heading(self.canvas, &curves.heading)?;
        place.foot(self.canvas, "Epoch")?;
        let (range, up) = curves.range();
        let x = Scale { data: curves.epochs(), layout: place.across() };
        let y = Scale { data: range, layout: place.up() };
        let (first, last) = curves.epochs();
        axis::frame(self.canvas, (&x, &y), (&axis::whole_ticks(first, last), &up), place.sides())?;
        if let Some(plan) = self.plan {
            plan.draw(self.canvas, &ends(self.data, curves, (&x, &y)), place.across().1, place.up())?;
        }
        for line in &curves.lines {
            self.line(curves, line, (&x, &y))?;
        }
        let (bottom, top) = place.up();
        for epoch in words::epochs(curves) {
            let [left, right] = epoch.range.map(|at| x.at(at.clamp(first, last)));
            let words = words::in_epoch(self.data, curves, epoch.number);
            self.canvas.tip_in([left, top, (right - left).max(2.0), bottom - top], words);
        }
        Ok(())
    }

    fn line(&self, curves: &Curves, line: &Line, (x, y): (&Scale, &Scale)) -> Result<(), String> {
        let at = |point: &Point| (x.at(f64::from(point.epoch)), y.at(point.value));
        let ink = Ink::Series(line.arm, line.split);
        let points: Vec<_> = line.points.iter().map(at).collect();
        self.canvas.line(&thinned(&points), ink, 2.0)?;
        let Some(kept) = line.points.iter().find(|point| point.epoch == line.kept) else { return Ok(()) };
        self.canvas.marker(at(kept), Marker::of_series(line.arm), ink)?;
        self.canvas.tip(at(kept), words::of_kept(self.data, curves, line, kept));
        Ok(())
    }
}

/// Reduces a line to at most [`MOST_POINTS`] points. Each group of neighbouring points is replaced by its lowest and
/// its highest point.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    if points.len() <= MOST_POINTS {
        return points.to_vec();
    }
    let mut kept = Vec::new();
    for some in points.chunks((points.len() * 2).div_ceil(MOST_POINTS - 2)) {
        let by_height = |a: &&(f64, f64), b: &&(f64, f64)| a.1.total_cmp(&b.1);
        let mut ends: Vec<_> = some.iter().min_by(by_height).into_iter().chain(some.iter().max_by(by_height)).collect();
        ends.sort_by(|a, b| a.0.total_cmp(&b.0));
        kept.extend(ends);
    }
    let ends = points.first().into_iter().chain(kept).chain(points.last());
    let mut all: Vec<_> = ends.copied().collect();
    all.dedup();
    all
}

/// Returns legend entries for everything that the ends of lines do not say: the splits, and the arms if lines have no
/// labels.
fn legend(data: &Data, rows: &[Vec<Curves>], with_arms: bool) -> Vec<Entry> {
    let drawn = |wanted: &dyn Fn(&Line) -> bool| rows.iter().flatten().any(|c| c.lines.iter().any(wanted));
    let arms = data.study.arms.iter().enumerate().filter(|(i, _)| with_arms && drawn(&|line| line.arm == *i));
    let splits = SPLITS.iter().enumerate().filter(|(i, _)| drawn(&|line| line.split == *i));
    let entry = |label: &str, ink| Entry { label: label.to_owned(), ink, line: true, marker: None };
    arms.map(|(i, arm)| entry(&arm.label, Ink::Series(i, 0)))
        .chain(splits.map(|(i, (_, label))| entry(label, Ink::Plain(i))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_keeps_its_ends_and_its_peaks() {
        let point = |i: u32| (f64::from(i), if i == 777 { 9.0 } else { f64::from(i % 7) });
        let line: Vec<_> = (0..5000).map(point).collect();
        let few = thinned(&line);
        assert!(few.len() <= MOST_POINTS && few.contains(&(777.0, 9.0)), "{}", few.len());
        assert_eq!((few[0], few[few.len() - 1]), (line[0], line[4999]));
        assert!(few.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!(thinned(&line[..300]), line[..300]);
    }
}
