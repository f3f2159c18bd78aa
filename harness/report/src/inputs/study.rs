//! `study.json`: what was asked, and of what.

use super::{datasets::DatasetInput, spec::ReportSpec};
use harness_record::vocabulary::{Baseline, Condition, PrintedDice, Protocol, Stage};
use serde::{Deserialize, Serialize};
use serde_json::Value;

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

/// `study.json`: what was asked, and of what. `Chart` as in [`ReportSpec`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "Chart: Deserialize<'de>"))]
pub struct StudyInput<Chart = Value> {
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
    /// Protocols in the order of the report.
    pub protocols: Vec<Protocol>,
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
    /// The data as the arms used them.
    pub datasets: Vec<DatasetInput>,
    /// Whether every device promised the same bits on a second run.
    pub deterministic: bool,
    /// Sentences that a reader must know before any figure: what differs from the published work.
    #[serde(default)]
    pub notes: Vec<String>,
    /// The `report:` section of the spec.
    pub report: ReportSpec<Chart>,
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
    /// Its network, as specs and printed tables call it: `vqvae`.
    pub model: String,
    /// How the printed figures of its network were obtained; `None` if none were printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<PublishedNetwork>,
}

/// How the printed figures of a network were obtained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedNetwork {
    /// What was printed as its Dice and `IoU`.
    pub dice: PrintedDice,
    /// Whether its output is divided by the largest value of the batch, and trained on squared errors.
    pub divided: bool,
}

impl ArmInput {
    /// What is measured as its Dice and `IoU` under the published protocol.
    pub(crate) fn printed_dice(&self) -> PrintedDice {
        self.published.map_or(PrintedDice::Soft, |published| published.dice)
    }
}

/// The baseline that stands where an arm could stand; `None` of an arm.
pub(crate) fn baseline(name: &str) -> Option<Baseline> {
    name.parse().ok()
}

/// A condition in words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConditionInput {
    /// Name in claims and tables of data.
    pub name: Condition,
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
    /// The stage.
    pub stage: Stage,
    /// Pairs of a name and a value: `("epochs", "100")`.
    pub lines: Vec<(String, String)>,
}
