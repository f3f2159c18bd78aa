//! The loss of segmentation.

use super::{Direction, Formula, Metric};

/// The loss that fine-tuning lowers, without the network's own penalties.
pub const LOSS: Metric = Metric {
    name: "loss",
    label: "Loss",
    unit: "mean over pixels",
    direction: Direction::Lower,
    definition: "Loss of an image under the stage's protocol, a mean over its pixels, without the network's own penalty.",
    source: "the loss of the study's fine-tuning, as listed in the settings of its arms",
    formula: Formula::Loss,
};
