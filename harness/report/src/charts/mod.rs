//! Charts: one file a kind, one visual language (`canvas.rs`).

mod axis;
mod by_arm;
mod by_condition;
pub(crate) mod canvas;
mod end_labels;
mod legend;
mod lettering;
mod panel;
mod records;
mod reliability;
pub(crate) mod run_curves;
mod svg;
mod tips;
mod training_curves;

pub use by_arm::{ByArm, Protocols};
pub use by_condition::ByCondition;
pub(crate) use records::Records;
pub use reliability::Reliability;
pub(crate) use svg::{Svg, style_sheet};
pub use training_curves::TrainingCurves;

use crate::{
    data::Data,
    error::ReportError,
    figure::Figure,
    markdown::{count, escape, listed, number},
    metric::{METRICS, PUBLISHED_PROTOCOL},
    results::{arms_over_batches, ends},
    statistics::CONFIDENCE,
};
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
    /// A panel a protocol, a line an arm: accuracy over confidence.
    Reliability(Reliability),
    /// Panels of stage, metric and protocol, a line an arm and split, over the epochs.
    TrainingCurves(TrainingCurves),
}

impl ChartSpec {
    /// Its name, which is its file's name without the extension.
    pub fn name(&self) -> &str {
        match self {
            Self::ByArm(chart) => &chart.name,
            Self::ByCondition(chart) => &chart.name,
            Self::Reliability(chart) => &chart.name,
            Self::TrainingCurves(chart) => &chart.name,
        }
    }

    /// Its metrics.
    pub fn metrics(&self) -> &[String] {
        match self {
            Self::ByArm(chart) => &chart.metrics,
            Self::ByCondition(chart) => &chart.metrics,
            Self::Reliability(_) => &[],
            Self::TrainingCurves(chart) => &chart.metrics,
        }
    }

    /// Its title.
    pub fn title(&self) -> &str {
        match self {
            Self::ByArm(chart) => &chart.title,
            Self::ByCondition(chart) => &chart.title,
            Self::Reliability(chart) => &chart.title,
            Self::TrainingCurves(chart) => &chart.title,
        }
    }

    /// Names of the protocols that it is limited to; empty if it shows all.
    pub fn protocols(&self) -> &[String] {
        match self {
            Self::ByArm(ByArm { protocols: Protocols::Only(names), .. }) => names,
            Self::ByArm(_) | Self::ByCondition(_) | Self::Reliability(_) | Self::TrainingCurves(_) => &[],
        }
    }

    /// Its kind, as the spec writes it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ByArm(_) => Self::KINDS[0],
            Self::ByCondition(_) => Self::KINDS[1],
            Self::Reliability(_) => Self::KINDS[2],
            Self::TrainingCurves(_) => Self::KINDS[3],
        }
    }

    /// All kinds.
    pub const KINDS: [&str; 4] = ["by-arm", "by-condition", "reliability", "training-curves"];

    pub(crate) fn draw(&self, data: &Data) -> Result<Chart, ReportError> {
        match self {
            Self::ByArm(chart) => chart.draw(data),
            Self::ByCondition(chart) => chart.draw(data),
            Self::Reliability(chart) => chart.draw(data),
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
    pub(crate) svg: Svg,
    /// The figures that it shows.
    pub(crate) records: Records,
    /// What it shows, for those who cannot see it.
    pub(crate) alternative: String,
}

/// A mean with its interval: `0.631, 95 % interval 0.602 to 0.659, over 40 images`.
fn figure_in_words(figure: &Figure<'_>) -> String {
    let mut words = number(figure.mean);
    words +=
        &figure.interval.map_or(", without interval".to_owned(), |i| format!(", {CONFIDENCE} interval {}", ends(i)));
    words += &figure.images.map_or(String::new(), |images| format!(", over {} images", count(images as u64)));
    words
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
        listed(&arms)
    )
}
