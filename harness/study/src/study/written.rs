//! A study as its YAML file says it.

use super::data::DataSpec;
use harness_learn::{
    evaluate::EvaluateSpec,
    models::{InitSpec, ModelSpec},
    train::{FinetuneSpec, PretrainSpec},
};
use harness_record::vocabulary::Protocol;
use harness_report::{ChartSpec, ReportSpec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Most images that an evaluation keeps for galleries.
pub const GALLERY: usize = 12;

/// A study.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Study {
    /// Title of the report.
    pub title: String,
    /// What is asked, a sentence or two.
    pub question: String,
    /// What is expected, written before the first run.
    pub expectation: String,
    /// How numbers are obtained: `published`, `corrected`, or both in the order of the report.
    pub protocols: Vec<Protocol>,
    /// Seeds: every arm is run once for each.
    pub seeds: Vec<u64>,
    /// What is trained and tested on.
    pub data: DataSpec,
    /// The network.
    pub model: ModelSpec,
    /// What its weights are before the first training.
    #[serde(default)]
    pub init: InitSpec,
    /// Training without labels.
    pub pretraining: PretrainSpec,
    /// Training with labels.
    pub finetuning: FinetuneSpec,
    /// Testing.
    pub evaluation: EvaluateSpec,
    /// Named changes of the sections above, which arms take: `half-labels: {data: {segmentation: {train: {fraction: 0.5}}}}`.
    #[serde(default)]
    pub variants: BTreeMap<String, Map<String, Value>>,
    /// Rows of the study's table.
    pub arms: Vec<ArmSpec>,
    /// What the report shows and claims.
    pub report: ReportSpec<ChartSpec>,
}

/// One row of the study's table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArmSpec {
    /// Name in claims and data: lower-case letters, digits, hyphens.
    pub name: String,
    /// Label in tables and charts.
    pub label: String,
    /// What it does, a sentence.
    pub description: String,
    /// Whether fine-tuning starts from pretrained weights.
    #[serde(default = "yes")]
    pub pretrained: bool,
    /// Names of `variants` that make this arm different, each laid over the study's sections in turn.
    #[serde(default)]
    pub variants: Vec<String>,
}

fn yes() -> bool {
    true
}
