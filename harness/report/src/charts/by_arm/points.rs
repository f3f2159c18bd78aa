//! The figures of a chart by arm, as points.

use crate::{
    charts::{
        axis::{self, Tick},
        canvas::{Ink, Marker},
    },
    figures::{figure::Figure, metrics::Metric, published::Printed},
};
use harness_record::vocabulary::Protocol;

/// The point of one arm under one protocol.
pub(super) struct Point<'a> {
    pub(super) figure: Option<Figure<'a>>,
    /// What the best predictor without a network gets by the same measure.
    pub(super) floor: Option<f64>,
    /// The printed figure, on the row of the protocol that it was measured under.
    pub(super) printed: Option<Printed<'a>>,
}

/// All points of one metric.
pub(super) struct Points<'a> {
    pub(super) metric: &'static Metric,
    /// One list for each arm, with one point for each protocol.
    pub(super) arms: Vec<Vec<Point<'a>>>,
}

/// The look of one protocol.
pub(super) struct Look {
    pub(super) protocol: Protocol,
    pub(super) ink: Ink,
    pub(super) marker: Marker,
}

impl Points<'_> {
    pub(super) fn heading(&self) -> String {
        format!("{} ({})", self.metric.label, self.metric.unit)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Point<'_>> {
        self.arms.iter().flatten()
    }

    pub(super) fn has_printed(&self) -> bool {
        self.all().any(|point| point.printed.is_some())
    }

    pub(super) fn has_floor(&self) -> bool {
        self.all().any(|point| point.floor.is_some())
    }

    /// Returns the range of everything that is drawn, and its ticks.
    pub(super) fn range(&self) -> ((f64, f64), Vec<Tick>) {
        let figures = self.all().filter_map(|p| p.figure.as_ref()).flat_map(|f| [f.low(), f.high()]);
        let others = self.all().flat_map(|p| [p.printed.as_ref().map(|printed| printed.value), p.floor]).flatten();
        let values: Vec<f64> = figures.chain(others).collect();
        if values.is_empty() {
            return axis::share_ticks();
        }
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        axis::ticks(low, high)
    }
}
