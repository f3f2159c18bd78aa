//! The charts of a report, as a study asks for them.

use harness_record::vocabulary::Protocol;
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
}

/// Metrics by arm, under the first condition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ByArm {
    /// Name: becomes the file's name.
    pub name: String,
    /// Metrics, a panel each.
    pub metrics: Vec<String>,
    /// Title.
    pub title: String,
    /// Whether published figures are drawn.
    #[serde(default)]
    pub published: bool,
    /// Protocols that are drawn.
    #[serde(default)]
    pub protocols: Protocols,
}

/// Protocols that a chart shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Protocols {
    /// All of the study.
    #[default]
    All,
    /// These.
    Only(Vec<Protocol>),
}

/// Metrics over the conditions of the test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ByCondition {
    /// Name: becomes the file's name.
    pub name: String,
    /// Metrics, a panel each.
    pub metrics: Vec<String>,
    /// Title.
    pub title: String,
    /// Label of the horizontal axis, with its unit.
    pub x: String,
    /// Whether published figures are drawn.
    #[serde(default)]
    pub published: bool,
}

/// How often networks are right by how sure they are, under the first condition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reliability {
    /// Name: becomes the file's name.
    pub name: String,
    /// Title.
    pub title: String,
}

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
