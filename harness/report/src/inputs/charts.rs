//! The charts of a report, as a study specifies them.

use harness_record::vocabulary::Protocol;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A chart of a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ChartSpec {
    /// One panel per metric, one row per arm, one point per protocol.
    ByArm(ByArm),
    /// One panel per metric, one line per arm and protocol, over the conditions.
    ByCondition(ByCondition),
    /// One panel per protocol, one line per arm: accuracy over confidence.
    Reliability(Reliability),
    /// One panel per stage, metric and protocol, one line per arm and split, over the epochs.
    TrainingCurves(TrainingCurves),
}

impl ChartSpec {
    /// The name of the chart: its file name without the extension.
    pub fn name(&self) -> &str {
        match self {
            Self::ByArm(chart) => &chart.name,
            Self::ByCondition(chart) => &chart.name,
            Self::Reliability(chart) => &chart.name,
            Self::TrainingCurves(chart) => &chart.name,
        }
    }

    /// The metrics of the chart.
    pub fn metrics(&self) -> &[String] {
        match self {
            Self::ByArm(chart) => &chart.metrics,
            Self::ByCondition(chart) => &chart.metrics,
            Self::Reliability(_) => &[],
            Self::TrainingCurves(chart) => &chart.metrics,
        }
    }

    /// The title of the chart.
    pub fn title(&self) -> &str {
        match self {
            Self::ByArm(chart) => &chart.title,
            Self::ByCondition(chart) => &chart.title,
            Self::Reliability(chart) => &chart.title,
            Self::TrainingCurves(chart) => &chart.title,
        }
    }

    /// The kind of the chart, as written in a spec.
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
}

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

/// Metrics over the conditions of the test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ByCondition {
    /// The name of the chart and of its file.
    pub name: String,
    /// The metrics, one panel each.
    pub metrics: Vec<String>,
    /// The title.
    pub title: String,
    /// The label of the horizontal axis, with its unit.
    pub x: String,
    /// True to draw published figures.
    #[serde(default)]
    pub published: bool,
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
