//! Draws the chart that a study asks for.

use super::chart::Chart;
use crate::{error::ReportError, figures::data::Data, inputs::charts::ChartSpec};

impl ChartSpec {
    /// Draws the chart from the data.
    pub(crate) fn draw(&self, data: &Data) -> Result<Chart, ReportError> {
        match self {
            Self::ByArm(chart) => chart.draw(data),
            Self::ByCondition(chart) => chart.draw(data),
            Self::Reliability(chart) => chart.draw(data),
            Self::TrainingCurves(chart) => chart.draw(data),
        }
    }
}
