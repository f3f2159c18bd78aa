//! `study.json`: what was asked, and of what.

use super::spec::ReportSpec;
use serde::{Deserialize, Serialize};

/// Which data the study ran on: decides the banner, and whether published figures can be compared. It follows from the spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Setting {
    /// The full data at the published size.
    Full,
    /// The published settings on other images than the published ones.
    Other,
    /// A small sample of real photographs.
    Sample,
    /// Pets drawn by the program.
    Synthetic,
    /// It cannot be told: the data are not of today's spec.
    Unknown,
}

/// `study.json`: what was asked, and of what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StudyInput {
    /// Name of the study: the stem of its YAML file.
    pub study: String,
    /// Title of the report.
    pub title: String,
    /// The question, a sentence.
    pub question: String,
    /// What was expected before the first run, a sentence.
    pub expectation: String,
    /// Profile that was run.
    pub profile: String,
    /// Which data it ran on: a note, not what a report is rendered with.
    pub setting: Setting,
    /// Command that makes this report.
    pub command: String,
    /// Protocols in the order of the report: `published`, `corrected`.
    pub protocols: Vec<String>,
    /// Seeds.
    pub seeds: Vec<u64>,
    /// Arms in the order of the tables.
    pub arms: Vec<ArmInput>,
    /// Conditions under which the arms were tested, in the order of the tables; the first is the default.
    pub conditions: Vec<ConditionInput>,
    /// Names of the classes, by index.
    pub classes: Vec<String>,
    /// Settings in words, for the methods section.
    pub settings: Vec<ArmSettings>,
    /// Whether every device promised the same bits on a second run.
    pub deterministic: bool,
    /// Sentences that a reader must know before any figure: what differs from the published work.
    #[serde(default)]
    pub notes: Vec<String>,
    /// The `report:` section of the spec.
    pub report: ReportSpec,
}

/// An arm in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArmInput {
    /// Name in claims and tables of data.
    pub name: String,
    /// Short label of tables and charts.
    pub label: String,
    /// A sentence on what it does.
    pub description: String,
    /// Its network, as the printed tables call it: `vqvae`, `segnet`, `linknet`. Empty where it is not known.
    #[serde(default)]
    pub model: String,
    /// How the published work measured its Dice and intersection over union.
    #[serde(default)]
    pub family: Family,
}

/// How the published work measured the Dice and intersection over union of a network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Soft, from the sigmoid of every output, as a mean over images: the VQ-VAE and SegNet.
    #[default]
    Soft,
    /// Macro over the classes of a batch's arg-max, as a mean over batches: LinkNet.
    Batch,
}

/// A condition in words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConditionInput {
    /// Name in claims and tables of data: `blur-25`.
    pub name: String,
    /// Short label of tables and charts: `25 %`.
    pub label: String,
    /// Place on the horizontal axis; where one is missing, conditions stand at equal distances.
    #[serde(default)]
    pub value: Option<f64>,
    /// What was done to the images: `radius 2 px`.
    #[serde(default)]
    pub detail: String,
}

/// Settings of an arm in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArmSettings {
    /// Name of the arm.
    pub arm: String,
    /// Its stages, first to last.
    pub stages: Vec<StageSettings>,
}

/// Settings of a stage in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageSettings {
    /// `pretrain`, `finetune` or `evaluate`.
    pub stage: String,
    /// Pairs of a name and a value: `("epochs", "100")`.
    pub lines: Vec<(String, String)>,
}
