//! Metrics over the epochs of training: a row a stage and metric, a panel a protocol, a line an arm and split.

use super::{
    Chart, Head, MARGIN, Panel, WIDTH,
    axis::{self, Scale},
    canvas::{Canvas, Ink, draw_chart},
    legend::Entry,
};
use crate::{
    data::Data,
    error::ReportError,
    input::ANY_PROTOCOL,
    markdown::number,
    metric::{Metric, PUBLISHED_PROTOCOL},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Metrics over the epochs of training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrainingCurves {
    /// Name: becomes the file's name.
    pub name: String,
    /// Metrics, a row of panels each.
    pub metrics: Vec<String>,
    /// Title.
    pub title: String,
}

const PANEL_HEIGHT: f64 = 230.0;
const CAPTION: &str = "Each line is one run. A metric that a stage does not log has no line.";
/// Splits, in the order of their dashes.
const SPLITS: [(&str, &str); 2] = [("validation", "Validation"), ("train", "Training")];

/// One line: an arm, a seed and a split.
struct Line {
    arm: usize,
    split: usize,
    points: Vec<(f64, f64)>,
}

/// One set of axes.
struct Curves {
    heading: String,
    share: bool,
    lines: Vec<Line>,
}

impl TrainingCurves {
    pub(super) fn draw(&self, data: &Data) -> Result<Chart, ReportError> {
        let rows = self.rows(data);
        let head = Head::new(&self.name, &self.title, legend(data, &rows))?;
        let height = head.height() + rows.len().max(1) as f64 * PANEL_HEIGHT;
        let alternative = describe(data, &rows);
        let svg = draw_chart(&self.name, (WIDTH, height), [&self.title, &alternative], |canvas| {
            head.draw(canvas)?;
            let mut top = head.height();
            for row in &rows {
                let width = (WIDTH - 2.0 * MARGIN) / row.len() as f64;
                for (i, curves) in row.iter().enumerate() {
                    let left = MARGIN + i as f64 * width;
                    panel(canvas, Panel { left, top, width, height: PANEL_HEIGHT }, curves)?;
                }
                top += PANEL_HEIGHT;
            }
            Ok(())
        })?;
        let (name, title) = (self.name.clone(), self.title.clone());
        Ok(Chart { name, title, caption: CAPTION.to_owned(), svg, alternative })
    }

    /// Panels by row: one row a stage and metric for which there are data.
    fn rows(&self, data: &Data) -> Vec<Vec<Curves>> {
        let mut rows = Vec::new();
        for (stage, words) in [("pretrain", "Pretraining"), ("finetune", "Fine-tuning")] {
            for metric in self.metrics.iter().filter_map(|name| Metric::find(name)) {
                let any = (ANY_PROTOCOL, words.to_owned());
                let named = data.study.protocols.iter().map(|p| (p.as_str(), format!("{words}, {p} protocol")));
                let panels: Vec<_> = std::iter::once(any)
                    .chain(named)
                    .map(|(protocol, place)| Curves {
                        heading: format!("{place}: {}", heading(data, [stage, protocol], metric)),
                        share: metric.is_share(),
                        lines: lines(data, stage, protocol, metric),
                    })
                    .filter(|panel| !panel.lines.is_empty())
                    .collect();
                if !panels.is_empty() {
                    rows.push(panels);
                }
            }
        }
        rows
    }
}

/// What a metric is in a stage: the loss of pretraining is another one than that of segmentation.
fn heading(data: &Data, [stage, protocol]: [&str; 2], metric: &Metric) -> String {
    let published = protocol == PUBLISHED_PROTOCOL;
    let segnets = data.study.arms.iter().filter(|arm| published && arm.model == "segnet").count();
    match (stage, metric.name) {
        ("pretrain", "loss") => "loss (mean squared error)".to_owned(),
        // The published work trained SegNet on squared errors in segmentation, too.
        (_, "loss") if segnets > 0 && segnets == data.study.arms.len() => "loss (mean squared error)".to_owned(),
        (_, "loss") if segnets > 0 => format!("loss ({}; SegNet: squared error)", metric.unit),
        (_, "loss") => format!("loss ({})", metric.unit),
        _ => metric.label.to_owned(),
    }
}

fn lines(data: &Data, stage: &str, protocol: &str, metric: &Metric) -> Vec<Line> {
    let mut lines = Vec::new();
    for (arm, named) in data.study.arms.iter().enumerate() {
        let column = data.column(&named.name, metric, protocol);
        for &seed in &data.study.seeds {
            for (split, (name, _)) in SPLITS.iter().enumerate() {
                let rows = data.metrics.iter().map(|line| &line.row).filter(|row| {
                    row.arm == named.name
                        && (row.stage == stage && row.protocol == protocol && row.seed == seed)
                        && (row.split == *name && row.metric == column && row.predictor == "model")
                        && row.value.is_finite()
                });
                let points: Vec<_> = rows.map(|row| (f64::from(row.epoch), row.value)).collect();
                if !points.is_empty() {
                    lines.push(Line { arm, split, points });
                }
            }
        }
    }
    lines
}

fn panel(canvas: &Canvas<'_>, place: Panel, curves: &Curves) -> Result<(), String> {
    place.heading(canvas, &curves.heading)?;
    place.foot(canvas, "Epoch")?;
    let points = || curves.lines.iter().flat_map(|line| line.points.iter());
    let last = points().map(|p| p.0).fold(1.0, f64::max);
    let low = points().map(|p| p.1).fold(f64::INFINITY, f64::min);
    let high = points().map(|p| p.1).fold(f64::NEG_INFINITY, f64::max);
    // A loss is shown over its own range: its curvature matters, and its zero may be far away.
    let (range, up) = if curves.share { axis::share_ticks() } else { axis::ticks(low, high) };
    let x = Scale { data: (1.0, last), layout: place.across() };
    let y = Scale { data: range, layout: place.up() };
    axis::frame(canvas, (&x, &y), &axis::whole_ticks(1.0, last), &up)?;
    for line in &curves.lines {
        let at: Vec<_> = line.points.iter().map(|p| (x.at(p.0), y.at(p.1))).collect();
        let ink = Ink::Series(line.arm, line.split);
        canvas.line(&at, ink, 2.0)?;
        if let [only] = at[..] {
            canvas.marker(only, super::canvas::Marker::of_series(line.arm), ink)?;
        }
    }
    Ok(())
}

fn legend(data: &Data, rows: &[Vec<Curves>]) -> Vec<Entry> {
    let drawn = |wanted: &dyn Fn(&Line) -> bool| rows.iter().flatten().any(|c| c.lines.iter().any(wanted));
    let arms = data.study.arms.iter().enumerate().filter(|(i, _)| drawn(&|line| line.arm == *i));
    let splits = SPLITS.iter().enumerate().filter(|(i, _)| drawn(&|line| line.split == *i));
    arms.map(|(i, arm)| Entry { label: arm.label.clone(), ink: Ink::Series(i, 0), marker: None })
        .chain(splits.map(|(i, (_, label))| Entry { label: (*label).to_owned(), ink: Ink::Plain(i), marker: None }))
        .collect()
}

fn describe(data: &Data, rows: &[Vec<Curves>]) -> String {
    let mut sentences = Vec::new();
    for curves in rows.iter().flatten() {
        let mut parts = Vec::new();
        for (arm, named) in data.study.arms.iter().enumerate() {
            for (split, (_, words)) in SPLITS.iter().enumerate() {
                let runs = curves.lines.iter().filter(|line| line.arm == arm && line.split == split);
                let name = format!("{}, {}", named.label, words.to_lowercase());
                parts.extend(course(&runs.collect::<Vec<_>>()).map(|course| format!("{name} {course}")));
            }
        }
        sentences.push(format!("{}: {}.", curves.heading, parts.join("; ")));
    }
    if sentences.is_empty() { "No data.".to_owned() } else { sentences.join(" ") }
}

/// Where the lines of one arm and split begin and end: as a mean where there are several seeds.
fn course(lines: &[&Line]) -> Option<String> {
    let firsts: Vec<_> = lines.iter().filter_map(|line| line.points.first()).collect();
    let lasts: Vec<_> = lines.iter().filter_map(|line| line.points.last()).collect();
    let mean = |points: &[&(f64, f64)]| points.iter().map(|p| p.1).sum::<f64>() / points.len() as f64;
    let (first, last) = (firsts.first()?.0, lasts.iter().map(|p| p.0).fold(1.0, f64::max));
    let over = if lines.len() > 1 { format!(", as means of {} seeds", lines.len()) } else { String::new() };
    Some(format!("{} in epoch {first}, {} in epoch {last}{over}", number(mean(&firsts)), number(mean(&lasts))))
}
