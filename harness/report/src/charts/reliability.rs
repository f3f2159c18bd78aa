//! Reliability diagrams: the accuracy of networks over their confidence. One panel for each protocol, one line for each
//! arm.

mod table;

use super::{
    Drawable,
    axis::{self, Scale, Tick},
    canvas::{Canvas, Ink, Marker, draw_chart},
    chart::Chart,
    end_labels::{End, Plan},
    legend::Entry,
    panel::{Head, MARGIN, Panel, WIDTH, most_lines},
};
use crate::{
    error::ReportError,
    figures::data::Data,
    inputs::study::ArmInput,
    markdown::{count, escape, number},
};
use harness_record::{
    metrics::{
        Reliability as Counts,
        reliability::{BINS, Bin},
    },
    vocabulary::Protocol,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use table::Binned;

const PANEL_HEIGHT: f64 = 330.0;
const FOOT: &str = "Mean confidence";
const CAPTION: &str = "Confidence is the probability of the predicted class. Its range is divided into fifteen bins of \
                       equal width. Each point is one bin, at the mean confidence and the accuracy of its pixels. On \
                       the dotted line, accuracy equals confidence; below it, the network is overconfident. Bins with \
                       fewer than one pixel in a thousand are left out.";
/// The minimum share of pixels of a drawn bin. Smaller bins say little.
const LEAST_SHARE: f64 = 0.001;

/// The bins of one arm.
struct Line {
    arm: usize,
    /// Pairs of a bin's index and its pixels.
    bins: Vec<(usize, Bin)>,
}

/// The lines of one protocol.
struct Lines {
    protocol: Protocol,
    lines: Vec<Line>,
}

impl Lines {
    fn heading(&self) -> String {
        format!("Accuracy of pixels, {} protocol", self.protocol)
    }
}

/// The accuracy of networks over their confidence, under the first condition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reliability {
    /// The name of the chart and of its file.
    pub name: String,
    /// The title.
    pub title: String,
}

impl Drawable for Reliability {
    fn name(&self) -> &str {
        &self.name
    }

    fn draw(&self, data: &Data) -> Result<Chart, ReportError> {
        let panels = lines(data);
        let wrap = |message| ReportError::Chart { chart: self.name.clone(), message };
        let width = (WIDTH - 2.0 * MARGIN) / panels.len().max(1) as f64;
        let plan = plan(data, &panels, width).map_err(wrap)?;
        let head = Head::new(&self.name, &self.title, legend(data, &panels, plan.is_none()))?;
        let titles: Vec<String> = panels.iter().map(Lines::heading).collect();
        let headings = most_lines(titles.iter().map(String::as_str), width).map_err(wrap)?;
        let height = PANEL_HEIGHT + Panel::added_by(headings);
        let alternative = describe(data, &panels);
        let size = (WIDTH, head.height() + height);
        let svg = draw_chart(&self.name, size, [&self.title, &alternative], |canvas| {
            head.draw(canvas)?;
            let beside = Panel::beside(&axis::share_ticks().1, width, plan.map(|plan| plan.gutter))?;
            for (i, lines) in panels.iter().enumerate() {
                let left = MARGIN + i as f64 * width;
                let place = Panel { left, top: head.height(), width, height, headings, beside };
                panel(canvas, data, place, (lines, plan))?;
            }
            Ok(())
        })?;
        let records = table::of_bins(data, &self.title, &binned(data, &panels));
        let (name, title) = (self.name.clone(), self.title.clone());
        let mut caption = CAPTION.to_owned();
        if data.has_conditions() {
            let condition = escape(&data.condition_label(data.first_condition()));
            // Writing to memory cannot fail.
            let _ = write!(caption, " All points are under the condition {condition}.");
        }
        Ok(Chart { name, title, caption, svg, records, alternative })
    }
}

fn lines(data: &Data) -> Vec<Lines> {
    let of = |protocol: Protocol| {
        let line = |(arm, named): (usize, &ArmInput)| {
            let counted = data.reliability(&named.name, data.first_condition(), protocol)?.counts;
            let least = counted.pixels() as f64 * LEAST_SHARE;
            let bins = counted.bins().iter().copied().enumerate();
            let bins: Vec<_> = bins.filter(|(_, bin)| bin.pixels > 0 && bin.pixels as f64 >= least).collect();
            (!bins.is_empty()).then_some(Line { arm, bins })
        };
        data.study.arms.iter().enumerate().filter_map(line).collect::<Vec<_>>()
    };
    let protocols = data.study.protocols.iter().copied();
    let panels = protocols.map(|protocol| Lines { protocol, lines: of(protocol) });
    panels.filter(|panel| !panel.lines.is_empty()).collect()
}

/// Returns the mean confidence and accuracy of a bin.
fn place(bin: &Bin) -> (f64, f64) {
    let pixels = bin.pixels as f64;
    (bin.confidence / pixels, bin.right as f64 / pixels)
}

fn ends(data: &Data, lines: &Lines, (x, y): (&Scale, &Scale)) -> Vec<End> {
    let end = |line: &Line| {
        let (_, last) = line.bins.last()?;
        let (confidence, accuracy) = place(last);
        let text = data.study.arms[line.arm].label.clone();
        Some(End { text, ink: Ink::Series(line.arm, 0), at: (x.at(confidence), y.at(accuracy)) })
    };
    lines.lines.iter().filter_map(end).collect()
}

/// Returns the plan for labels at the ends of lines; `None` if there is no room for them.
fn plan(data: &Data, panels: &[Lines], width: f64) -> Result<Option<Plan>, String> {
    let height = Panel::axes(PANEL_HEIGHT);
    let (x, y) = (Scale { data: (0.0, 1.0), layout: (0.0, 1.0) }, Scale { data: (0.0, 1.0), layout: (height, 0.0) });
    let all: Vec<_> = panels.iter().map(|lines| (ends(data, lines, (&x, &y)), (height, 0.0))).collect();
    Plan::new(&all, width - Panel::beside(&axis::share_ticks().1, width, None)?.0)
}

fn panel(
    canvas: &Canvas<'_>,
    data: &Data,
    place_of: Panel,
    (lines, plan): (&Lines, Option<Plan>),
) -> Result<(), String> {
    place_of.heading(canvas, &lines.heading())?;
    place_of.foot(canvas, FOOT)?;
    let (range, ticks): (_, Vec<Tick>) = axis::share_ticks();
    let (x, y) = (Scale { data: range, layout: place_of.across() }, Scale { data: range, layout: place_of.up() });
    axis::frame(canvas, (&x, &y), (&ticks, &ticks), place_of.sides())?;
    canvas.line(&[(x.at(0.0), y.at(0.0)), (x.at(1.0), y.at(1.0))], Ink::Plain(2), 1.0)?;
    if let Some(plan) = plan {
        plan.draw(canvas, &ends(data, lines, (&x, &y)), place_of.across().1, place_of.up())?;
    }
    for line in &lines.lines {
        let ink = Ink::Series(line.arm, 0);
        let at: Vec<_> = line.bins.iter().map(|(_, bin)| place(bin)).map(|(c, a)| (x.at(c), y.at(a))).collect();
        canvas.line(&at, ink, 2.0)?;
        at.iter().try_for_each(|&point| canvas.marker(point, Marker::of_series(line.arm), ink))?;
    }
    for line in &lines.lines {
        let label = &data.study.arms[line.arm].label;
        for (index, bin) in &line.bins {
            let (confidence, accuracy) = place(bin);
            let (low, high) = Counts::ends(*index);
            let words = format!(
                "{label}, {} protocol: accuracy {} at confidence {} ({} to {}), {} pixels",
                lines.protocol,
                number(accuracy),
                number(confidence),
                number(low),
                number(high),
                count(bin.pixels)
            );
            canvas.tip((x.at(confidence), y.at(accuracy)), words);
        }
    }
    Ok(())
}

/// Returns the legend: the arms if lines have no labels, and the dotted line.
fn legend(data: &Data, panels: &[Lines], with_arms: bool) -> Vec<Entry> {
    let drawn = |arm: usize| panels.iter().any(|panel| panel.lines.iter().any(|line| line.arm == arm));
    let arms = data.study.arms.iter().enumerate().filter(|(i, _)| with_arms && drawn(*i));
    let marker = |i: usize| Some(Marker::of_series(i));
    let arms =
        arms.map(|(i, arm)| Entry { label: arm.label.clone(), ink: Ink::Series(i, 0), line: true, marker: marker(i) });
    let right = Entry { label: "Accuracy equals confidence".to_owned(), ink: Ink::Plain(2), line: true, marker: None };
    arms.chain([right]).collect()
}

fn describe(data: &Data, panels: &[Lines]) -> String {
    let of_arm = |lines: &Lines, line: &Line| {
        let arm = &data.study.arms[line.arm];
        let counted = data.reliability(&arm.name, data.first_condition(), lines.protocol)?.counts;
        let (error, over) = (counted.expected_error()?, counted.overconfidence()?);
        let sure = if over < 0.0 { "underconfident" } else { "overconfident" };
        Some(format!("{} {sure} by {}, expected calibration error {}", arm.label, number(over.abs()), number(error)))
    };
    let sentence = |lines: &Lines| {
        let parts: Vec<_> = lines.lines.iter().filter_map(|line| of_arm(lines, line)).collect();
        format!("Under the {} protocol: {}.", lines.protocol, parts.join("; "))
    };
    if panels.is_empty() { "No data.".to_owned() } else { panels.iter().map(sentence).collect::<Vec<_>>().join(" ") }
}

/// Returns every bin with pixels, including those that are not drawn.
fn binned<'a>(data: &'a Data, panels: &[Lines]) -> Vec<Binned<'a>> {
    let mut all = Vec::new();
    for panel in panels {
        for arm in &data.study.arms {
            let Some(found) = data.reliability(&arm.name, data.first_condition(), panel.protocol) else { continue };
            for (index, bin) in (0..BINS).zip(found.counts.bins()).filter(|(_, bin)| bin.pixels > 0) {
                let (confidence, accuracy) = place(bin);
                all.push(Binned {
                    arm: &arm.name,
                    protocol: panel.protocol,
                    ends: Counts::ends(index),
                    pixels: bin.pixels,
                    confidence,
                    accuracy,
                    rows: data.bin_rows(&arm.name, data.first_condition(), panel.protocol, index),
                });
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bin_stands_at_its_means() {
        assert_eq!(place(&Bin { pixels: 4, right: 3, confidence: 2.0 }), (0.5, 0.75));
    }
}
