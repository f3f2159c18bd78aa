//! The `report:` section of a study: the contents and the claims of its report.

use harness_record::vocabulary::Protocol;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The `report:` section of a study. `Chart` is the type of its charts; code that draws none takes them as they are.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, bound(deserialize = "Chart: Deserialize<'de>"))]
#[schemars(rename = "ReportSpec")]
pub struct ReportSpec<Chart = Value> {
    /// The metrics of the results tables: `dice`, `iou`, `accuracy`, `loss`, or a column of `per_image.csv`.
    pub metrics: Vec<String>,
    /// The printed tables to compare the results with.
    #[serde(default)]
    pub published: Vec<PublishedTable>,
    /// The charts.
    #[serde(default)]
    pub charts: Vec<Chart>,
    /// The pictures of predictions.
    #[serde(default)]
    pub gallery: Option<GallerySpec>,
    /// The statements to test against the data.
    #[serde(default)]
    pub claims: Vec<ClaimSpec>,
}

/// A printed table, and the meaning of its rows in this study.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PublishedTable {
    /// The name of the printed table in `data-manifests/published/`.
    pub table: String,
    /// The meaning of a row (its `variant`).
    pub rows: PublishedRows,
    /// The arm that the table is about, if its rows are conditions.
    #[serde(default)]
    pub arm: Option<String>,
    /// The margin of equivalence, in the unit of the metric: a printed figure counts as reproduced if a new seed is expected
    /// within this distance of it, and as different if a new seed is expected farther away.
    #[serde(default = "margin", skip_serializing_if = "is_usual")]
    #[schemars(range(min = 0.0))]
    pub margin: f64,
}

/// The margin of equivalence of a table that states none.
pub(crate) const MARGIN: f64 = 0.02;

fn margin() -> f64 {
    MARGIN
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn is_usual(margin: &f64) -> bool {
    *margin == MARGIN
}

/// The meaning of a row of a printed table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PublishedRows {
    /// An arm, tested under the first condition.
    Arm,
    /// A condition of one arm.
    Condition,
}

/// The pictures that the gallery shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GallerySpec {
    /// The number of test images.
    pub images: usize,
    /// The arm whose predictions are shown.
    pub arm: String,
    /// The protocol whose predictions are shown.
    pub protocol: Protocol,
}

/// A statement that is tested against the data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimSpec {
    /// The name by which a template refers to the claim.
    pub name: String,
    /// `ARM[@CONDITION].METRIC > ARM[@CONDITION].METRIC [+ NUMBER]`, with one of `>`, `<`, `>=`, `<=`.
    pub expect: String,
    /// The statement in words.
    pub text: String,
    /// The only protocol under which the claim is tested; all protocols if absent.
    #[serde(default)]
    pub protocol: Option<Protocol>,
}
