//! Charts: one file for each kind, and one visual language (`canvas.rs`).

mod axis;
mod canvas;
pub(crate) mod chart;
mod end_labels;
pub(crate) mod fonts;
mod legend;
mod lettering;
mod panel;
pub(crate) mod records;
pub(crate) mod run_curves;
pub(crate) mod svg;
mod tips;
mod words;
mod xml;

use crate::{
    error::{ReportError, SpecProblem},
    figures::{check, data::Data, metrics::Metric},
    inputs::spec::ReportSpec,
};
use chart::Chart;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A chart as a study asks for it.
trait Drawable {
    /// Its name, which is the name of its file without the extension.
    fn name(&self) -> &str;

    /// The names of its metrics, if the study chooses them.
    fn metrics(&self) -> &[String] {
        &[]
    }

    /// Draws it.
    fn draw(&self, data: &Data) -> Result<Chart, ReportError>;
}

/// Declares a file of this folder as a module, and as a kind of chart that specs can name.
macro_rules! charts {
    ($($(#[$doc:meta])* $variant:ident = $name:literal in $module:ident;)+) => {
        $(mod $module;)+

        /// A chart of a report.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(tag = "kind")]
        pub enum ChartSpec {
            $($(#[$doc])* #[serde(rename = $name)] $variant($module::$variant)),+
        }

        impl ChartSpec {
            /// All kinds.
            pub(crate) const KINDS: [&str; [$($name),+].len()] = [$($name),+];

            /// The kind of the chart, as written in a spec.
            pub(crate) fn kind(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $name),+
                }
            }

            fn drawable(&self) -> &dyn Drawable {
                match self {
                    $(Self::$variant(chart) => chart),+
                }
            }
        }
    };
}

charts! {
    /// One panel per metric, one row per arm, one point per protocol.
    ByArm = "by-arm" in by_arm;
    /// One panel per metric, one line per arm and protocol, over the conditions.
    ByCondition = "by-condition" in by_condition;
    /// One panel per protocol, one line per arm: accuracy over confidence.
    Reliability = "reliability" in reliability;
    /// One panel per stage, metric and protocol, one line per arm and split, over the epochs.
    TrainingCurves = "training-curves" in training_curves;
}

impl ChartSpec {
    /// Draws it.
    pub(crate) fn draw(&self, data: &Data) -> Result<Chart, ReportError> {
        self.drawable().draw(data)
    }
}

impl ReportSpec<ChartSpec> {
    /// Checks the names and metrics of the charts.
    ///
    /// # Errors
    /// The first name that is no file name or stands twice, or metric that is unknown.
    pub fn check_charts(&self) -> Result<(), SpecProblem> {
        for (i, chart) in self.charts.iter().map(ChartSpec::drawable).enumerate() {
            check::file_name(format!("charts[{i}].name"), chart.name())?;
            for (j, metric) in chart.metrics().iter().enumerate() {
                check::known(format!("charts[{i}].metrics[{j}]"), "metric", metric, &Metric::names())?;
            }
        }
        check::unique("charts", self.charts.iter().map(|chart| chart.drawable().name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_cannot_leave_its_folder() {
        let charts = serde_json::json!([
            {"name": "../x", "kind": "by-condition", "metrics": ["dice"], "title": "t", "x": "blur"}
        ]);
        let spec: ReportSpec<ChartSpec> =
            serde_json::from_value(serde_json::json!({"metrics": ["dice"], "charts": charts})).unwrap();
        assert_eq!(spec.check_charts().unwrap_err().path, "charts[0].name");
    }
}
