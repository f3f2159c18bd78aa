//! Charts: one file a kind, one visual language (`canvas.rs`).

mod axis;
mod by_condition;
mod canvas;
mod legend;
mod svg;
mod training_curves;

pub use by_condition::ByCondition;
pub use training_curves::TrainingCurves;

use crate::{data::Data, error::ReportError};
use canvas::{Canvas, Ink};
use legend::Legend;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A chart of a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ChartSpec {
    /// A panel a metric, a line an arm and protocol, over the conditions.
    ByCondition(ByCondition),
    /// Panels of stage, metric and protocol, a line an arm and split, over the epochs.
    TrainingCurves(TrainingCurves),
}

impl ChartSpec {
    /// Its name, which is its file's name without the extension.
    pub fn name(&self) -> &str {
        match self {
            Self::ByCondition(chart) => &chart.name,
            Self::TrainingCurves(chart) => &chart.name,
        }
    }

    /// Its metrics.
    pub fn metrics(&self) -> &[String] {
        match self {
            Self::ByCondition(chart) => &chart.metrics,
            Self::TrainingCurves(chart) => &chart.metrics,
        }
    }

    /// Its title.
    pub fn title(&self) -> &str {
        match self {
            Self::ByCondition(chart) => &chart.title,
            Self::TrainingCurves(chart) => &chart.title,
        }
    }

    pub(crate) fn draw(&self, data: &Data) -> Result<Chart, ReportError> {
        match self {
            Self::ByCondition(chart) => chart.draw(data),
            Self::TrainingCurves(chart) => chart.draw(data),
        }
    }
}

/// A chart, drawn.
#[derive(Debug, Clone)]
pub(crate) struct Chart {
    pub(crate) name: String,
    pub(crate) title: String,
    /// How it is to be read.
    pub(crate) caption: &'static str,
    pub(crate) svg: String,
    /// What it shows, for those who cannot see it.
    pub(crate) alternative: String,
}

/// Width of every chart, in units of layout.
const WIDTH: f64 = 920.0;
/// Room at the left and right of the sheet.
const MARGIN: f64 = 4.0;

/// A rectangle of the sheet that one set of axes fills.
#[derive(Debug, Clone, Copy)]
struct Panel {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

impl Panel {
    /// Horizontal range of the data: room for tick labels at the left.
    fn across(&self) -> (f64, f64) {
        (self.left + 44.0, self.left + self.width - 14.0)
    }

    /// Vertical range of the data, bottom first: room for a heading above and for labels below.
    fn up(&self) -> (f64, f64) {
        (self.top + self.height - 48.0, self.top + 34.0)
    }

    fn heading(&self, canvas: &Canvas<'_>, text: &str) -> Result<(), String> {
        canvas.text((self.left, self.top + 12.0), text, canvas::TEXT, Ink::Text, canvas::Anchor::Start, true)
    }

    fn foot(&self, canvas: &Canvas<'_>, text: &str) -> Result<(), String> {
        let (left, right) = self.across();
        let at = (f64::midpoint(left, right), self.top + self.height - 14.0);
        canvas.text(at, text, canvas::TEXT, Ink::Muted, canvas::Anchor::Middle, false)
    }
}

/// The title and the legend, above the panels.
struct Head<'a> {
    title: &'a str,
    legend: Legend,
}

impl<'a> Head<'a> {
    fn new(chart: &str, title: &'a str, entries: Vec<legend::Entry>) -> Result<Self, ReportError> {
        let wrap = |message| ReportError::Chart { chart: chart.to_owned(), message };
        Ok(Self { title, legend: Legend::new(entries, WIDTH - 2.0 * MARGIN).map_err(wrap)? })
    }

    /// Where the panels begin.
    fn height(&self) -> f64 {
        54.0 + self.legend.height()
    }

    fn draw(&self, canvas: &Canvas<'_>) -> Result<(), String> {
        canvas.text((MARGIN, 22.0), self.title, canvas::TITLE, Ink::Text, canvas::Anchor::Start, true)?;
        self.legend.draw(canvas, (MARGIN, 40.0))
    }
}
