//! Charts: one file a kind, one visual language (`canvas.rs`).

mod axis;
mod by_arm;
mod by_condition;
pub(crate) mod canvas;
mod legend;
mod svg;
mod training_curves;

pub use by_arm::{ByArm, Protocols};
pub use by_condition::ByCondition;
pub use training_curves::TrainingCurves;

use crate::{
    data::Data,
    error::ReportError,
    markdown::escape,
    metric::{METRICS, PUBLISHED_PROTOCOL},
    results::arms_over_batches,
};
use canvas::{Canvas, Ink};
use legend::Legend;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A chart of a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ChartSpec {
    /// A panel a metric, a row an arm, a point a protocol.
    ByArm(ByArm),
    /// A panel a metric, a line an arm and protocol, over the conditions.
    ByCondition(ByCondition),
    /// Panels of stage, metric and protocol, a line an arm and split, over the epochs.
    TrainingCurves(TrainingCurves),
}

impl ChartSpec {
    /// Its name, which is its file's name without the extension.
    pub fn name(&self) -> &str {
        match self {
            Self::ByArm(chart) => &chart.name,
            Self::ByCondition(chart) => &chart.name,
            Self::TrainingCurves(chart) => &chart.name,
        }
    }

    /// Its metrics.
    pub fn metrics(&self) -> &[String] {
        match self {
            Self::ByArm(chart) => &chart.metrics,
            Self::ByCondition(chart) => &chart.metrics,
            Self::TrainingCurves(chart) => &chart.metrics,
        }
    }

    /// Its title.
    pub fn title(&self) -> &str {
        match self {
            Self::ByArm(chart) => &chart.title,
            Self::ByCondition(chart) => &chart.title,
            Self::TrainingCurves(chart) => &chart.title,
        }
    }

    /// Names of the protocols that it is limited to; empty if it shows all.
    pub fn protocols(&self) -> &[String] {
        match self {
            Self::ByArm(ByArm { protocols: Protocols::Only(names), .. }) => names,
            Self::ByArm(_) | Self::ByCondition(_) | Self::TrainingCurves(_) => &[],
        }
    }

    /// Its kind, as the spec writes it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ByArm(_) => Self::KINDS[0],
            Self::ByCondition(_) => Self::KINDS[1],
            Self::TrainingCurves(_) => Self::KINDS[2],
        }
    }

    /// All kinds.
    pub const KINDS: [&str; 3] = ["by-arm", "by-condition", "training-curves"];

    pub(crate) fn draw(&self, data: &Data) -> Result<Chart, ReportError> {
        match self {
            Self::ByArm(chart) => chart.draw(data),
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
    pub(crate) caption: String,
    pub(crate) svg: String,
    /// What it shows, for those who cannot see it.
    pub(crate) alternative: String,
}

/// How Dice and intersection over union are measured, for captions.
fn measured_how(data: &Data) -> String {
    let mut batched: Vec<&str> = Vec::new();
    for (metric, protocol) in METRICS.iter().flat_map(|m| data.study.protocols.iter().map(move |p| (m, p))) {
        let named = matches!(metric.name, "dice" | "iou");
        let arms = if named { arms_over_batches(data, metric, protocol) } else { Vec::new() };
        batched.extend(arms.into_iter().filter(|arm| !batched.contains(arm)).collect::<Vec<_>>());
    }
    let usual = match data.study.protocols.as_slice() {
        [only] if only == PUBLISHED_PROTOCOL => "Dice and IoU are soft",
        [_] => "Dice and IoU are hard",
        _ => "Dice and IoU are soft under the published protocol and hard under the corrected one",
    };
    if batched.is_empty() {
        return format!("{usual}.");
    }
    let arms: Vec<_> = batched.into_iter().map(escape).collect();
    format!(
        "{usual}; under the published one those of {} are hard and means over batches, without intervals.",
        arms.join(", ")
    )
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
