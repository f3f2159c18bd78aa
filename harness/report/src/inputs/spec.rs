//! The `report:` section of a study: what its report shows and claims.

use harness_record::vocabulary::Protocol;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The `report:` section of a study. `Chart` is the type of its charts; code that draws none takes them as they are.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, bound(deserialize = "Chart: Deserialize<'de>"))]
#[schemars(rename = "ReportSpec")]
pub struct ReportSpec<Chart = Value> {
    /// Metrics of the results tables: `dice`, `iou`, `accuracy`, `loss`, or a column of `per_image.csv`.
    pub metrics: Vec<String>,
    /// Printed tables that are held beside the results.
    #[serde(default)]
    pub published: Vec<PublishedTable>,
    /// Charts.
    #[serde(default)]
    pub charts: Vec<Chart>,
    /// Pictures of predictions.
    #[serde(default)]
    pub gallery: Option<GallerySpec>,
    /// Statements that are tested against the data.
    #[serde(default)]
    pub claims: Vec<ClaimSpec>,
}

/// A printed table, and what its rows are in this study.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PublishedTable {
    /// Name of the printed table in `data-manifests/published/`.
    pub table: String,
    /// What a row (its `variant`) is.
    pub rows: PublishedRows,
    /// The arm that the table is about, where its rows are conditions.
    #[serde(default)]
    pub arm: Option<String>,
    /// How far a printed figure may lie outside the interval of ours, beyond its rounding, and still count as reproduced; in
    /// the unit of its metric.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schemars(range(min = 0.0))]
    pub tolerance: f64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn is_zero(tolerance: &f64) -> bool {
    *tolerance == 0.0
}

/// What a row of a printed table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PublishedRows {
    /// An arm, tested under the first condition.
    Arm,
    /// A condition of one arm.
    Condition,
}

/// Which pictures the gallery shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GallerySpec {
    /// Number of test images.
    pub images: usize,
    /// Arm whose predictions are shown.
    pub arm: String,
    /// Protocol whose predictions are shown.
    pub protocol: Protocol,
}

/// A statement that is tested against the data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimSpec {
    /// Name, by which a template refers to it.
    pub name: String,
    /// `ARM[@CONDITION].METRIC > ARM[@CONDITION].METRIC [+ NUMBER]`, with one of `>`, `<`, `>=`, `<=`.
    pub expect: String,
    /// The statement in words.
    pub text: String,
    /// The one protocol it is tested under; all if absent.
    #[serde(default)]
    pub protocol: Option<Protocol>,
}
