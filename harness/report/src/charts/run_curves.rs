//! The values that one run logged, epoch by epoch: a small chart for each metric, with one line for each split.

use super::xml::escape;
use crate::{
    figures::{data::Data, metrics::Metric, runs::Placed},
    inputs::runs::Measured,
    markdown::{capitalised, number, words},
};
use harness_record::{
    metrics as measured,
    vocabulary::{Predictor, Split},
};
use std::fmt::Write as _;

/// The width and height of a chart, in layout units. Its name and its range are at the top.
const SIZE: (f64, f64) = (220.0, 84.0);
/// The top of the lines, below the name.
const TOP: f64 = 20.0;
/// The space for the thickness of a line and the mark.
const MARGIN: f64 = 4.0;
/// The splits with their names. The first is drawn solid, the second dashed.
const SPLITS: [(Split, &str); 2] = [(Split::Validation, "validation"), (Split::Train, "training")];
/// The maximum number of points of a line.
const POINTS: usize = 60;

/// One metric of the run.
struct Curve<'a> {
    metric: &'a str,
    /// Pairs of epoch and value, one list for each split.
    lines: [Vec<(u32, f64)>; SPLITS.len()],
}

/// Returns the curves of a run as SVG, for a page that has the style sheet; empty if the run logged fewer than two
/// epochs.
pub(crate) fn draw(data: &Data, placed: &Placed<'_>) -> Vec<String> {
    let curves = curves(data, placed);
    let last = curves.iter().flat_map(Curve::points).map(|(epoch, _)| epoch).max().unwrap_or(0);
    if last < 2 {
        return Vec::new();
    }
    let kept = placed.run.record.kept_epoch;
    curves.iter().map(|curve| curve.svg(last, kept)).collect()
}

/// Returns the metrics in the order in which they were logged: losses, values that only training logs, and the report's
/// own metrics.
fn curves<'a>(data: &Data, placed: &Placed<'a>) -> Vec<Curve<'a>> {
    let place = placed.first();
    // A run that is the same under all protocols shows the metrics of each protocol.
    let protocols = place.protocol.map_or_else(|| data.study.protocols.clone(), |protocol| vec![protocol]);
    let metrics = || data.study.report.metrics.iter().filter_map(|name| Metric::find(name));
    let columns = |protocol| metrics().map(move |metric| data.column(&place.arm, metric, protocol));
    let of_report: Vec<&str> = protocols.into_iter().flat_map(columns).collect();
    let is_shown = |column: &str| {
        let is_score = |metric: &measured::Metric| metric.direction == measured::Direction::Higher;
        !measured::Metric::find(column).is_some_and(is_score) || of_report.contains(&column)
    };
    let is_own = |row: &Measured<'_>| row.predictor == Predictor::Model && row.value.is_finite();
    let mut curves: Vec<Curve<'a>> = Vec::new();
    for row in placed.run.all().filter(|row| is_own(row) && is_shown(&row.metric)) {
        let Some(split) = SPLITS.iter().position(|(split, _)| *split == row.split) else { continue };
        let at = curves.iter().position(|curve| curve.metric == row.metric).unwrap_or_else(|| {
            curves.push(Curve { metric: row.metric_name(), lines: Default::default() });
            curves.len() - 1
        });
        curves[at].lines[split].push((row.epoch, row.value));
    }
    curves.retain(Curve::varies);
    curves
}

/// Returns a readable name for a logged column: the label of a metric, or the column name in words, such as for
/// `learning_rate`.
pub(crate) fn label_of(column: &str) -> String {
    if let Some(metric) = measured::Metric::find(column) {
        return metric.label.to_owned();
    }
    capitalised(&words(column))
}

impl Curve<'_> {
    /// Returns true if any value differs from the first. A constant learning rate is not worth a curve.
    fn varies(&self) -> bool {
        let first = self.points().next();
        self.points().any(|(_, value)| first.is_some_and(|(_, first)| value.to_bits() != first.to_bits()))
    }

    fn points(&self) -> impl Iterator<Item = (u32, f64)> {
        self.lines.iter().flatten().copied()
    }

    fn svg(&self, last: u32, kept: u32) -> String {
        let values = || self.points().map(|(_, value)| value);
        let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
        // Coordinates are rounded to whole units; on a page the error is at most half a pixel.
        let x = |epoch: u32| {
            let share = f64::from(epoch.saturating_sub(1)) / f64::from(last.saturating_sub(1).max(1));
            (MARGIN + share * (SIZE.0 - 2.0 * MARGIN)).round()
        };
        let y = |value: f64| {
            let share = (value - low) / (high - low);
            (SIZE.1 - MARGIN - share * (SIZE.1 - MARGIN - TOP)).round()
        };
        let mut marks = String::new();
        let mut lines = String::new();
        for (split, line) in self.lines.iter().enumerate() {
            let step = line.len().div_ceil(POINTS).max(1);
            let is_drawn = |i: usize| i.is_multiple_of(step) || i + 1 == line.len() || line[i].0 == kept;
            let mut path = String::new();
            for (i, (epoch, value)) in line.iter().enumerate().filter(|(i, _)| is_drawn(*i)) {
                let separator = if i == 0 { 'M' } else { ' ' };
                // Writing to memory cannot fail.
                let _ = write!(path, "{separator}{} {}", x(*epoch), y(*value));
                if *epoch == kept {
                    let _ =
                        write!(marks, "<circle class=\"f{split}\" cx=\"{}\" cy=\"{}\" r=\"3\"/>", x(*epoch), y(*value));
                }
            }
            if !path.is_empty() {
                let _ = write!(lines, "<path class=\"s{split}\" d=\"{path}\"/>");
            }
        }
        let (width, height) = SIZE;
        format!(
            "<svg class=\"plot\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" fill=\"none\" \
             stroke=\"currentColor\" role=\"img\" aria-label=\"{}\"><g fill=\"currentColor\" stroke=\"none\"><text y=\"12\">{}</text>\
             <text x=\"{width}\" y=\"12\" text-anchor=\"end\">{} to {}</text>{marks}</g>{lines}</svg>",
            escape(&self.words()),
            escape(&label_of(self.metric)),
            number(low),
            number(high),
        )
    }

    /// Describes the curve for readers who cannot see it.
    fn words(&self) -> String {
        let mut said = Vec::new();
        for (line, (_, split)) in self.lines.iter().zip(SPLITS) {
            if let [first, .., last] = &line[..] {
                let (from, to) = (number(first.1), number(last.1));
                said.push(format!("{split} {from} in epoch {}, {to} in epoch {}", first.0, last.0));
            }
        }
        format!("{}: {}", label_of(self.metric), said.join("; "))
    }
}
