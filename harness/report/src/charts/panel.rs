//! The layout of a chart: its head, and the panels below it.

use super::{
    axis::Tick,
    canvas::{Anchor, Canvas, Ink, TEXT, TITLE, text_width},
    legend::{Entry, Legend},
    lettering::{LINE, fitted, wrapped},
};
use crate::error::ReportError;

/// The width of every chart, in layout units.
pub(super) const WIDTH: f64 = 920.0;
/// The space on the left and right of the sheet.
pub(super) const MARGIN: f64 = 4.0;
/// The height of a line of a heading.
const HEADING: f64 = TEXT * LINE;
/// The height above the axes without a heading (`ABOVE`) and below them (`BELOW`), for the labels and the title of the
/// axis.
const ABOVE: f64 = 18.0;
const BELOW: f64 = 48.0;
/// The minimum space on the left and right of the axes.
const BESIDE: (f64, f64) = (44.0, 14.0);

/// A rectangle of the sheet that one set of axes fills.
#[derive(Debug, Clone, Copy)]
pub(super) struct Panel {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) height: f64,
    /// The number of lines of the heading.
    pub(super) headings: usize,
    /// The space on the left and right of the axes.
    pub(super) beside: (f64, f64),
}

impl Panel {
    /// Returns the space on the left and right of axes with the ticks `up`, in a panel of `width`. `gutter` is the
    /// space for labels, if there are any.
    pub(super) fn beside(up: &[Tick], width: f64, gutter: Option<f64>) -> Result<(f64, f64), String> {
        let mut widest: f64 = 0.0;
        for tick in up {
            widest = widest.max(text_width(&tick.label, TEXT, false)?);
        }
        Ok(((widest + 12.0).clamp(BESIDE.0, BESIDE.0.max(width / 4.0)), gutter.unwrap_or(BESIDE.1)))
    }

    /// Returns the height of the axes in a panel of height `height` with a heading of one line.
    pub(super) fn axes(height: f64) -> f64 {
        height - ABOVE - HEADING - BELOW
    }

    /// Returns the height that headings of several lines add to panels.
    pub(super) fn added_by(headings: usize) -> f64 {
        headings.saturating_sub(1) as f64 * HEADING
    }

    /// Returns the left and right edges of the panel's content.
    pub(super) fn sides(&self) -> (f64, f64) {
        (self.left, self.left + self.width - 4.0)
    }

    /// Returns the horizontal range of the data.
    pub(super) fn across(&self) -> (f64, f64) {
        (self.left + self.beside.0, self.left + self.width - self.beside.1)
    }

    /// Returns the vertical range of the data, bottom first.
    pub(super) fn up(&self) -> (f64, f64) {
        (self.top + self.height - BELOW, self.top + ABOVE + self.headings as f64 * HEADING)
    }

    pub(super) fn heading(&self, canvas: &Canvas<'_>, text: &str) -> Result<(), String> {
        let lines = heading_lines(text, self.width)?;
        // A heading with fewer lines than its neighbours is moved down, next to its axes.
        let first = self.top + 12.0 + (self.headings.saturating_sub(lines.len())) as f64 * HEADING;
        lines.iter().enumerate().try_for_each(|(i, line)| {
            canvas.text((self.left, first + i as f64 * HEADING), line, TEXT, Ink::Text, Anchor::Start, true)
        })
    }

    pub(super) fn foot(&self, canvas: &Canvas<'_>, text: &str) -> Result<(), String> {
        let ((left, right), sides) = (self.across(), self.sides());
        let middle = f64::midpoint(left, right);
        let text = fitted(text, 2.0 * (middle - sides.0).min(sides.1 - middle), (TEXT, false))?;
        let at = (middle, self.top + self.height - 14.0);
        canvas.text(at, &text, TEXT, Ink::Muted, Anchor::Middle, false)
    }
}

/// Wraps a heading to a panel of this width.
pub(super) fn heading_lines(text: &str, width: f64) -> Result<Vec<String>, String> {
    wrapped(text, width - 12.0, (TEXT, true))
}

/// Returns the largest number of lines of any heading, for panels of this width.
pub(super) fn most_lines<'a>(headings: impl Iterator<Item = &'a str>, width: f64) -> Result<usize, String> {
    headings.map(|text| heading_lines(text, width).map(|lines| lines.len())).try_fold(1, |most, n| Ok(most.max(n?)))
}

/// The title and the legend, above the panels.
pub(super) struct Head {
    title: Vec<String>,
    legend: Legend,
}

impl Head {
    pub(super) fn new(chart: &str, title: &str, entries: Vec<Entry>) -> Result<Self, ReportError> {
        let wrap = |message| ReportError::Chart { chart: chart.to_owned(), message };
        let width = WIDTH - 2.0 * MARGIN;
        let title = wrapped(title, width, (TITLE, true)).map_err(wrap)?;
        Ok(Self { title, legend: Legend::new(entries, width).map_err(wrap)? })
    }

    /// Returns the height at which the panels begin.
    pub(super) fn height(&self) -> f64 {
        self.below_title() + 14.0 + self.legend.height()
    }

    fn below_title(&self) -> f64 {
        40.0 + self.title.len().saturating_sub(1) as f64 * TITLE * LINE
    }

    pub(super) fn draw(&self, canvas: &Canvas<'_>) -> Result<(), String> {
        for (i, line) in self.title.iter().enumerate() {
            let at = (MARGIN, 22.0 + i as f64 * TITLE * LINE);
            canvas.text(at, line, TITLE, Ink::Text, Anchor::Start, true)?;
        }
        self.legend.draw(canvas, (MARGIN, self.below_title()))
    }
}
