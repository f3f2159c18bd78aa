//! Charts: one file for each kind, and one visual language (`canvas.rs`).

mod axis;
mod by_arm;
mod by_condition;
mod canvas;
pub(crate) mod chart;
mod draw;
mod end_labels;
pub(crate) mod fonts;
mod legend;
mod lettering;
mod panel;
pub(crate) mod records;
mod reliability;
pub(crate) mod run_curves;
pub(crate) mod svg;
mod tips;
mod training_curves;
mod words;
mod xml;
