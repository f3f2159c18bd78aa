//! Metrics by arm: one panel for each metric and one row for each arm and protocol, showing a point with its interval.

mod points;
mod words;

use super::{
    Drawable,
    axis::{self, Scale, Tick},
    canvas::{Anchor, Canvas, Ink, Marker, TEXT, draw_chart, text_width},
    chart::Chart,
    legend::Entry,
    lettering::{LINE, fitted},
    panel::{Head, MARGIN, WIDTH, heading_lines, most_lines},
    records::{self, Tested},
    words::measured_how,
};
use crate::{
    error::ReportError,
    figures::{data::Data, metrics::Metric},
    markdown::number,
};
use harness_record::vocabulary::Protocol;
use points::{Look, Point, Points};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const COLUMNS: usize = 3;
/// The height of the line with an arm's label.
const LABEL: f64 = 20.0;
/// The height of the row of one protocol.
const ROW: f64 = 21.0;
/// Half the height of the line of a floor.
const FLOOR: f64 = 9.0;
/// The space below an arm.
const GAP: f64 = 8.0;
/// The height above the rows: a heading of one line, and the heads of the columns of numbers.
const HEADING: f64 = 46.0;
/// The height below the rows: the axis with its labels.
const AXIS: f64 = 36.0;
/// The minimum and maximum width of a column of numbers.
const NUMBERS: (f64, f64) = (54.0, 96.0);
const AXES: &str = "Each axis covers the range of its data, not 0 to 1.";

/// Metrics by arm, under the first condition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ByArm {
    /// The name of the chart and of its file.
    pub name: String,
    /// The metrics, one panel each.
    pub metrics: Vec<String>,
    /// The title.
    pub title: String,
    /// True to draw published figures.
    #[serde(default)]
    pub published: bool,
    /// The protocols to draw.
    #[serde(default)]
    pub protocols: Protocols,
}

/// The protocols that a chart shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Protocols {
    /// All protocols of the study.
    #[default]
    All,
    /// Only these protocols.
    Only(Vec<Protocol>),
}

impl Drawable for ByArm {
    fn name(&self) -> &str {
        &self.name
    }

    fn metrics(&self) -> &[String] {
        &self.metrics
    }

    fn draw(&self, data: &Data) -> Result<Chart, ReportError> {
        let looks = self.looks(data);
        let metrics = self.metrics.iter().filter_map(|name| Metric::find(name));
        let panels: Vec<_> = metrics.map(|metric| self.points(data, &looks, metric)).collect();
        let head = Head::new(&self.name, &self.title, legend(&looks, &panels))?;
        let columns = panels.len().clamp(1, COLUMNS);
        let width = (WIDTH - 2.0 * MARGIN) / columns as f64;
        let titles: Vec<_> = panels.iter().map(Points::heading).collect();
        let wrap = |message| ReportError::Chart { chart: self.name.clone(), message };
        let headings = most_lines(titles.iter().map(String::as_str), width).map_err(wrap)?;
        let heading = HEADING + (headings - 1) as f64 * TEXT * LINE;
        let arm = LABEL + looks.len() as f64 * ROW + GAP;
        let panel_height = heading + data.study.arms.len() as f64 * arm + AXIS;
        let height = head.height() + panels.len().div_ceil(columns) as f64 * panel_height;
        let alternative = words::describe(data, &looks, &panels);
        let svg = draw_chart(&self.name, (WIDTH, height), [&self.title, &alternative], |canvas| {
            head.draw(canvas)?;
            for (i, points) in panels.iter().enumerate() {
                let at = (MARGIN + (i % columns) as f64 * width, head.height() + (i / columns) as f64 * panel_height);
                Panel { canvas, data, looks: &looks, at, size: (width, panel_height), heading }.draw(points)?;
            }
            Ok(())
        })?;
        let records = records::of_tested(data, &self.title, &records(data, &looks, &panels));
        let (name, title) = (self.name.clone(), self.title.clone());
        Ok(Chart { name, title, caption: self.caption(data), svg, records, alternative })
    }
}

impl ByArm {
    fn caption(&self, data: &Data) -> String {
        let points = "Points are means over the test images; whiskers are their 95 % intervals";
        let diamonds = if self.published { "; hollow diamonds are printed figures" } else { "" };
        let floors = "; thin lines are floors: the best of the predictors without a network";
        format!("{points}{diamonds}{floors}. {AXES} {}", measured_how(data))
    }

    /// Returns the look of each drawn protocol, in the order of the study. The study's last protocol (the corrected one
    /// if there are two) has the first colour.
    fn looks(&self, data: &Data) -> Vec<Look> {
        let last = data.study.protocols.len().saturating_sub(1);
        let wanted = |protocol: Protocol| match &self.protocols {
            Protocols::All => true,
            Protocols::Only(names) => names.contains(&protocol),
        };
        let all = data.study.protocols.iter().copied().enumerate();
        all.filter(|(_, protocol)| wanted(*protocol))
            .map(|(i, protocol)| Look { protocol, ink: Ink::Series(last - i, 0), marker: Marker::of_series(last - i) })
            .collect()
    }

    fn points<'a>(&self, data: &'a Data, looks: &[Look], metric: &'static Metric) -> Points<'a> {
        let condition = data.first_condition();
        // If the published protocol is not drawn, the printed figure goes to the first row.
        let row = looks.iter().position(|look| look.protocol == Protocol::Published).unwrap_or(0);
        let point = |arm: &'a str, (i, look): (usize, &Look)| Point {
            figure: data.tested(arm, condition, metric, look.protocol),
            floor: data.range(arm, metric, look.protocol).map(|range| range.floor.value),
            printed: data.printed(arm, condition, metric.name).filter(|_| self.published && i == row),
        };
        let arms = data.study.arms.iter();
        let arms = arms.map(|arm| looks.iter().enumerate().map(|look| point(&arm.name, look)).collect()).collect();
        Points { metric, arms }
    }
}

/// One set of axes.
struct Panel<'a, 'b> {
    canvas: &'a Canvas<'b>,
    data: &'a Data,
    looks: &'a [Look],
    /// The top left corner.
    at: (f64, f64),
    size: (f64, f64),
    /// The height above the rows.
    heading: f64,
}

/// The right edges of the axes and of the columns of numbers: the means, and the printed figures if there are any.
struct Numbers {
    axes: f64,
    mean: f64,
    printed: Option<f64>,
}

impl Panel<'_, '_> {
    fn draw(&self, points: &Points<'_>) -> Result<(), String> {
        let (left, top) = self.at;
        for (i, line) in heading_lines(&points.heading(), self.size.0)?.iter().enumerate() {
            let at = (left, top + 12.0 + i as f64 * TEXT * LINE);
            self.canvas.text(at, line, TEXT, Ink::Text, Anchor::Start, true)?;
        }
        let (range, ticks) = points.range();
        let numbers = self.numbers(points)?;
        // Half of the first label lies on the left of its tick.
        let half = ticks.first().map_or(Ok(0.0), |tick| text_width(&tick.label, TEXT, false))? / 2.0;
        let x = Scale { data: range, layout: (left + (half + 1.0).clamp(13.0, 40.0), numbers.axes) };
        self.heads(&numbers)?;
        self.axis(&x, &ticks)?;
        let height = LABEL + self.looks.len() as f64 * ROW + GAP;
        for (i, arm) in points.arms.iter().enumerate() {
            let rows = top + self.heading + i as f64 * height + LABEL;
            self.grid(&x, &ticks, (rows, rows + height - LABEL - GAP))?;
            self.arm(points.metric, (&x, &numbers), (i, arm))?;
        }
        Ok(())
    }

    fn numbers(&self, points: &Points<'_>) -> Result<Numbers, String> {
        let width = |text: &str| text_width(text, TEXT, false).map(|width| (width + 12.0).clamp(NUMBERS.0, NUMBERS.1));
        let (mut means, mut printed) = (NUMBERS.0, NUMBERS.0);
        for point in points.all() {
            means = point.figure.as_ref().map_or(Ok(means), |f| width(&number(f.mean)).map(|w| means.max(w)))?;
            printed = point.printed.as_ref().map_or(Ok(printed), |p| width(p.text).map(|w| printed.max(w)))?;
        }
        let right = self.at.0 + self.size.0 - 14.0;
        let mean = if points.has_printed() { right - printed } else { right };
        Ok(Numbers { axes: mean - means, mean, printed: points.has_printed().then_some(right) })
    }

    fn heads(&self, numbers: &Numbers) -> Result<(), String> {
        let y = self.at.1 + self.heading - 14.0;
        self.canvas.text((numbers.mean, y), "Mean", TEXT, Ink::Muted, Anchor::End, false)?;
        let printed = |at| self.canvas.text((at, y), "Printed", TEXT, Ink::Muted, Anchor::End, false);
        numbers.printed.map_or(Ok(()), printed)
    }

    /// Draws the axis below all arms.
    fn axis(&self, x: &Scale, ticks: &[Tick]) -> Result<(), String> {
        let (top, bottom) = (self.at.1 + self.heading, self.at.1 + self.size.1 - AXIS);
        let flat = Scale { data: (0.0, 1.0), layout: (bottom, top) };
        axis::frame(self.canvas, (x, &flat), (ticks, &[]), (self.at.0, self.at.0 + self.size.0 - 4.0))
    }

    /// Draws the grid lines behind the rows of an arm, but not behind its label.
    fn grid(&self, x: &Scale, ticks: &[Tick], (top, bottom): (f64, f64)) -> Result<(), String> {
        ticks
            .iter()
            .map(|tick| x.at(tick.value))
            .try_for_each(|at| self.canvas.line(&[(at, top), (at, bottom)], Ink::Grid, 1.0))
    }

    /// Draws an arm: its label, and below it one row for each protocol.
    fn arm(
        &self,
        metric: &Metric,
        (x, numbers): (&Scale, &Numbers),
        (index, arm): (usize, &[Point<'_>]),
    ) -> Result<(), String> {
        let height = LABEL + self.looks.len() as f64 * ROW + GAP;
        let top = self.at.1 + self.heading + index as f64 * height;
        let named = &self.data.study.arms[index].label;
        let label = fitted(named, self.size.0 - 18.0, (TEXT, false))?;
        self.canvas.text((self.at.0, top + LABEL / 2.0 + 2.0), &label, TEXT, Ink::Text, Anchor::Start, false)?;
        for (i, (look, point)) in self.looks.iter().zip(arm).enumerate() {
            let y = top + LABEL + (i as f64 + 0.5) * ROW;
            let text = point.figure.as_ref().map_or("not run".to_owned(), |f| number(f.mean));
            let ink = if point.figure.is_some() { Ink::Text } else { Ink::Muted };
            self.number((numbers.mean, y), &text, ink)?;
            if let Some(floor) = point.floor {
                self.canvas.line(&[(x.at(floor), y - FLOOR), (x.at(floor), y + FLOOR)], Ink::Muted, 1.0)?;
                self.canvas.tip((x.at(floor), y), words::of_floor(named, look, metric, floor));
            }
            if let Some(figure) = &point.figure {
                self.whisker((x.at(figure.low()), x.at(figure.high())), y, look.ink)?;
                self.canvas.marker((x.at(figure.mean), y), look.marker, look.ink)?;
                self.canvas.tip((x.at(figure.mean), y), words::of_figure(named, look, metric, figure));
            }
            if let (Some(figure), Some(at)) = (&point.printed, numbers.printed) {
                self.canvas.marker((x.at(figure.value), y), Marker::HollowDiamond, Ink::Text)?;
                self.number((at, y), figure.text, Ink::Text)?;
                self.canvas.tip((x.at(figure.value), y), words::of_printed(named, metric, figure));
            }
        }
        Ok(())
    }

    /// Writes a cell of a column of numbers.
    fn number(&self, at: (f64, f64), text: &str, ink: Ink) -> Result<(), String> {
        let text = fitted(text, NUMBERS.1 - 12.0, (TEXT, false))?;
        self.canvas.text(at, &text, TEXT, ink, Anchor::End, false)
    }

    /// Draws an interval. Its caps stay visible even if it is as narrow as the marker.
    fn whisker(&self, (low, high): (f64, f64), y: f64, ink: Ink) -> Result<(), String> {
        if low < high {
            self.canvas.line(&[(low, y), (high, y)], ink, 2.0)?;
            for end in [low, high] {
                self.canvas.line(&[(end, y - 5.0), (end, y + 5.0)], ink, 1.5)?;
            }
        }
        Ok(())
    }
}

fn legend(looks: &[Look], panels: &[Points<'_>]) -> Vec<Entry> {
    let protocols = looks.iter().map(|look| Entry {
        label: format!("Under the {} protocol", look.protocol),
        ink: look.ink,
        line: true,
        marker: Some(look.marker),
    });
    let marker = Some(Marker::HollowDiamond);
    let printed = Entry { label: "As printed".to_owned(), ink: Ink::Text, line: false, marker };
    let floor = Entry { label: "Floor".to_owned(), ink: Ink::Muted, line: true, marker: None };
    let floor = panels.iter().any(Points::has_floor).then_some(floor);
    protocols.chain(panels.iter().any(Points::has_printed).then_some(printed)).chain(floor).collect()
}

/// Returns every figure that is drawn.
fn records<'a>(data: &'a Data, looks: &[Look], panels: &'a [Points<'a>]) -> Vec<Tested<'a>> {
    let mut records = Vec::new();
    for points in panels {
        for (arm, row) in data.study.arms.iter().zip(&points.arms) {
            for (look, point) in looks.iter().zip(row) {
                let place = (arm.name.as_str(), Some(look.protocol), data.first_condition());
                let figures = (point.figure.as_ref(), point.printed.is_some());
                records.extend(Tested::new(data, points.metric, place, figures));
            }
        }
    }
    records
}
