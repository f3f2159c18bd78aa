//! What one run logged, epoch by epoch: a panel a metric, a line a split.

use super::{
    axis::{self, Scale},
    canvas::{Canvas, Ink, Marker, draw_chart},
    legend::Entry,
    panel::{Head, MARGIN, Panel, WIDTH, most_lines},
    svg::Svg,
};
use crate::{
    error::ReportError,
    inputs::runs::Run,
    markdown::{capitalised, number, words},
};
use harness_record::{
    metrics::Metric,
    vocabulary::{Predictor, Split},
};

const COLUMNS: usize = 3;
const PANEL_HEIGHT: f64 = 200.0;
const SPLITS: [(Split, &str); 2] = [(Split::Validation, "Validation"), (Split::Train, "Training")];
/// Most epochs of a line that have words.
const POINTED: usize = 24;

/// One metric of the run.
struct Curves<'a> {
    metric: &'a str,
    /// Epochs with their values, one list a split.
    lines: [Vec<(u32, f64)>; SPLITS.len()],
}

/// The curves of `run`; `None` if it logged fewer than two epochs.
pub(crate) fn draw(run: &Run) -> Result<Option<Svg>, ReportError> {
    let panels = curves(run);
    let last = panels.iter().flat_map(Curves::points).map(|(epoch, _)| epoch).max().unwrap_or(0);
    if last < 2 {
        return Ok(None);
    }
    let name = "curves";
    let wrap = |message| ReportError::Chart { chart: name.to_owned(), message };
    let head = Head::new(name, "Training", legend(&panels))?;
    let columns = panels.len().clamp(1, COLUMNS);
    let width = (WIDTH - 2.0 * MARGIN) / columns as f64;
    let titles: Vec<String> = panels.iter().map(Curves::heading).collect();
    let headings = most_lines(titles.iter().map(String::as_str), width).map_err(wrap)?;
    let height = PANEL_HEIGHT + Panel::added_by(headings);
    let rows = panels.len().div_ceil(columns);
    let size = (WIDTH, head.height() + rows as f64 * height);
    let kept = run.record.kept_epoch;
    let described = describe(&panels, kept);
    let svg = draw_chart(name, size, ["Training", &described], |canvas| {
        head.draw(canvas)?;
        for (i, curves) in panels.iter().enumerate() {
            let (left, top) = ((i % columns) as f64 * width, (i / columns) as f64 * height);
            let beside = Panel::beside(&curves.range().1, width, None)?;
            let (left, top) = (MARGIN + left, head.height() + top);
            curves.draw(canvas, Panel { left, top, width, height, headings, beside }, (last, kept))?;
        }
        Ok(())
    })?;
    Ok(Some(svg))
}

/// Metrics in the order in which they were logged.
fn curves(run: &Run) -> Vec<Curves<'_>> {
    let mut panels: Vec<Curves<'_>> = Vec::new();
    let own = run.metrics.iter().filter(|row| row.predictor == Predictor::Model && row.value.is_finite());
    for row in own {
        let Some(split) = SPLITS.iter().position(|(split, _)| *split == row.split) else { continue };
        let at = panels.iter().position(|panel| panel.metric == row.metric).unwrap_or_else(|| {
            panels.push(Curves { metric: &row.metric, lines: Default::default() });
            panels.len() - 1
        });
        panels[at].lines[split].push((row.epoch, row.value));
    }
    panels.retain(Curves::varies);
    panels
}

/// Name of what training logs, for people: metrics have labels, and `learning_rate` is made of words.
pub(crate) fn label_of(column: &str) -> String {
    if let Some(metric) = Metric::find(column) {
        return metric.label.to_owned();
    }
    capitalised(&words(column))
}

impl Curves<'_> {
    fn heading(&self) -> String {
        label_of(self.metric)
    }

    /// Whether it ever changes: a constant learning rate is no curve.
    fn varies(&self) -> bool {
        let first = self.points().next();
        self.points().any(|(_, value)| first.is_some_and(|(_, first)| value.to_bits() != first.to_bits()))
    }

    fn points(&self) -> impl Iterator<Item = (u32, f64)> {
        self.lines.iter().flatten().copied()
    }

    fn range(&self) -> ((f64, f64), Vec<axis::Tick>) {
        let values = || self.points().map(|(_, value)| value);
        axis::ticks(values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max))
    }

    fn draw(&self, canvas: &Canvas<'_>, place: Panel, (last, kept): (u32, u32)) -> Result<(), String> {
        place.heading(canvas, &self.heading())?;
        place.foot(canvas, "Epoch")?;
        let (range, up) = self.range();
        let epochs = (1.0, f64::from(last));
        let x = Scale { data: epochs, layout: place.across() };
        let y = Scale { data: range, layout: place.up() };
        axis::frame(canvas, (&x, &y), (&axis::whole_ticks(epochs.0, epochs.1), &up), place.sides())?;
        for (split, line) in self.lines.iter().enumerate() {
            let at = |(epoch, value): &(u32, f64)| (x.at(f64::from(*epoch)), y.at(*value));
            let ink = Ink::Series(0, split);
            canvas.line(&line.iter().map(at).collect::<Vec<_>>(), ink, 2.0)?;
            let step = line.len().div_ceil(POINTED).max(1);
            for (i, point) in line.iter().enumerate() {
                let is_kept = point.0 == kept;
                if is_kept {
                    canvas.marker(at(point), Marker::Circle, ink.without_dash())?;
                }
                if is_kept || i % step == 0 || i + 1 == line.len() {
                    let word = if is_kept { ", whose weights were kept" } else { "" };
                    let (name, value) = (SPLITS[split].1, number(point.1));
                    canvas.tip(at(point), format!("{name}: {} {value} in epoch {}{word}", self.heading(), point.0));
                }
            }
        }
        Ok(())
    }
}

fn legend(panels: &[Curves<'_>]) -> Vec<Entry> {
    let drawn = |split: usize| panels.iter().any(|panel| !panel.lines[split].is_empty());
    let splits = SPLITS.iter().enumerate().filter(|(split, _)| drawn(*split));
    let entry = |(split, (_, label)): (usize, &(Split, &str))| Entry {
        label: (*label).to_owned(),
        ink: Ink::Series(0, split),
        line: true,
        marker: None,
    };
    splits.map(entry).collect()
}

fn describe(panels: &[Curves<'_>], kept: u32) -> String {
    let mut sentences = Vec::new();
    for panel in panels {
        for (line, (_, split)) in panel.lines.iter().zip(SPLITS) {
            if let [first, .., last] = &line[..] {
                let (from, to) = (number(first.1), number(last.1));
                sentences.push(format!(
                    "{}, {}: {from} in epoch {}, {to} in epoch {}.",
                    panel.heading(),
                    split.to_lowercase(),
                    first.0,
                    last.0
                ));
            }
        }
    }
    sentences.push(format!("The weights of epoch {kept} were kept."));
    sentences.join(" ")
}
