//! A study as written in its YAML file.

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

/// Maximum number of images that an evaluation keeps for galleries.
pub const GALLERY: usize = 12;

/// A study.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Study {
    /// Title of the report.
    pub title: String,
    /// The question that the study asks, in a sentence or two.
    pub question: String,
    /// The expected answer, written before the first run.
    pub expectation: String,
    /// How the learning rates and the other hyper-parameters were chosen, in a sentence: by validation, from a paper.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hyperparameters: Option<String>,
    /// Protocols of the study: `published`, `corrected`, or both in the order of the report.
    pub protocols: Vec<Protocol>,
    /// Seeds. Every arm is run once for each seed.
    pub seeds: Vec<u64>,
    /// The data for training and testing.
    pub data: DataSpec,
    /// The network.
    pub model: ModelSpec,
    /// The weights before the first training.
    #[serde(default)]
    pub init: InitSpec,
    /// Training without labels.
    pub pretraining: PretrainSpec,
    /// Training with labels.
    pub finetuning: FinetuneSpec,
    /// Testing.
    pub evaluation: EvaluateSpec,
    /// Named changes of the sections above, for arms to use:
    /// `half-labels: {data: {segmentation: {train: {fraction: 0.5}}}}`.
    #[serde(default)]
    pub variants: BTreeMap<String, Map<String, Value>>,
    /// Rows of the study's table.
    pub arms: Vec<ArmSpec>,
    /// The contents and the claims of the report.
    pub report: ReportSpec<ChartSpec>,
}

/// One row of the study's table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArmSpec {
    /// Name in claims and data. May have lower-case letters, digits and hyphens.
    pub name: String,
    /// Label in tables and charts.
    pub label: String,
    /// A sentence that says what the arm does.
    pub description: String,
    /// True if fine-tuning starts from pretrained weights.
    #[serde(default = "yes")]
    pub pretrained: bool,
    /// Names of `variants` that make this arm different, each laid over the study's sections in turn.
    #[serde(default)]
    pub variants: Vec<String>,
    /// Names of `variants` that make this arm different under the protocol `published` only: what the published work did and
    /// a fair comparison does not do. They are laid over the others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub published_variants: Vec<String>,
}

impl ArmSpec {
    /// The variants of the arm under a protocol.
    pub fn variants_under(&self, protocol: Protocol) -> impl Iterator<Item = &String> {
        let own: &[String] = if protocol == Protocol::Published { &self.published_variants } else { &[] };
        self.variants.iter().chain(own)
    }
}

fn yes() -> bool {
    true
}
