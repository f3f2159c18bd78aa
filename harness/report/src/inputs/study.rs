//! `study.json`: the study, its arms, its settings and its data.

use super::{datasets::DatasetInput, registration::TestImages, spec::ReportSpec};
use harness_record::vocabulary::{Baseline, Condition, PrintedDice, Protocol, Stage};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The kind of data and settings that the study ran with. It follows from the spec. It decides the banner, and whether
/// the figures can be compared with published ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fidelity {
    /// The full data at the published size.
    Full,
    /// The published settings on other images.
    Other,
    /// A small sample of real photographs.
    Sample,
    /// Pictures of pets drawn by the program.
    Synthetic,
    /// Unknown, because the data do not match the current spec.
    Unknown,
}

/// The content of `study.json`: the study, its arms, its settings and its data. `Chart` as in [`ReportSpec`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "Chart: Deserialize<'de>"))]
pub struct StudyInput<Chart = Value> {
    /// The name of the study: the stem of its YAML file.
    pub study: String,
    /// The title of the report.
    pub title: String,
    /// The question, one sentence.
    pub question: String,
    /// The result that was expected before the first run, one sentence.
    pub expectation: String,
    /// The way in which the hyper-parameters were chosen. `None` if the spec does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hyperparameters: Option<String>,
    /// The profile that was run.
    pub profile: String,
    /// The fidelity that the study ran in. This is only a note: a report is rendered with the fidelity that follows from
    /// the spec.
    pub fidelity: Fidelity,
    /// The command that makes this report.
    pub command: String,
    /// The protocols in the order of the report.
    pub protocols: Vec<Protocol>,
    /// The seeds.
    pub seeds: Vec<u64>,
    /// The arms in the order of the tables.
    pub arms: Vec<ArmInput>,
    /// The conditions under which the arms were tested, in the order of the tables; the first is the default.
    pub conditions: Vec<ConditionInput>,
    /// The names of the classes, by index.
    pub classes: Vec<String>,
    /// The settings in words, for the methods section.
    pub settings: Vec<ArmSettings>,
    /// The data as the arms used them.
    pub datasets: Vec<DatasetInput>,
    /// The images that the arms were tested on. Empty if they were not recorded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub test_images: Vec<TestImages>,
    /// True if every device promised the same bits on a second run.
    pub deterministic: bool,
    /// Sentences that a reader must know before reading any figure: the differences from the published work.
    #[serde(default)]
    pub notes: Vec<String>,
    /// The `report:` section of the spec.
    pub report: ReportSpec<Chart>,
}

/// An arm in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArmInput {
    /// The name in claims and data tables.
    pub name: String,
    /// The short label in tables and charts.
    pub label: String,
    /// A sentence that describes the arm.
    pub description: String,
    /// The network, by its name in specs and printed tables: `vqvae`.
    pub model: String,
    /// The way in which the printed figures of the network were obtained; `None` if none were printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<PublishedNetwork>,
}

/// The way in which the printed figures of a network were obtained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedNetwork {
    /// The quantity that was printed as its Dice and `IoU`.
    pub dice: PrintedDice,
    /// True if its output is divided by the largest value of the batch, and trained on squared errors.
    pub divided: bool,
}

impl ArmInput {
    /// Returns the quantity that is measured as the arm's Dice and `IoU` under the published protocol.
    pub(crate) fn printed_dice(&self) -> PrintedDice {
        self.published.map_or(PrintedDice::Soft, |published| published.dice)
    }
}

/// Returns the baseline with this name; `None` if the name is that of an arm.
pub(crate) fn baseline(name: &str) -> Option<Baseline> {
    name.parse().ok()
}

/// A condition in words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConditionInput {
    /// The name in claims and data tables.
    pub name: Condition,
    /// The short label in tables and charts: `25 %`.
    pub label: String,
    /// The position on the horizontal axis. If one condition has none, the conditions are spaced evenly.
    #[serde(default)]
    pub value: Option<f64>,
    /// The change to the images: `radius 2 px`.
    #[serde(default)]
    pub detail: String,
}

/// The settings of an arm in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArmSettings {
    /// The name of the arm.
    pub arm: String,
    /// The stages, first to last.
    pub stages: Vec<StageSettings>,
}

/// The settings of a stage in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageSettings {
    /// The stage.
    pub stage: Stage,
    /// Pairs of a name and a value: `("epochs", "100")`.
    pub lines: Vec<(String, String)>,
}
