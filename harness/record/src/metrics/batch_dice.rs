//! The published Dice of LinkNet.

use super::{Direction, Formula, Metric, SHARE, dice, macro_mean};

/// Macro Dice over the pixels of a whole batch; it has no smoothing.
pub const BATCH_DICE: Metric = Metric {
    name: "batch_dice",
    label: "Batch Dice",
    unit: SHARE,
    direction: Direction::Higher,
    definition: "Mean over the classes of 2·|T∩P| / (|T| + |P|), with T and P the pixels of a class in the true and in \
                 the arg-max masks of a whole batch; a class that neither contains is left out of the mean. Averaged \
                 over batches, of which the last may be smaller.",
    source: "the code that printed the figures of LinkNet: torchmetrics' former functional.dice(average=\"macro\", \
             mdmc_average=\"global\", num_classes=3) of a batch",
    formula: Formula::Batch(|masks| macro_mean(|class| dice::of_class(masks, class))),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Confusion;

    // `reference/scores.py` makes these numbers with torchmetrics.
    #[test]
    fn a_class_in_neither_mask_is_left_out() {
        let Formula::Batch(formula) = BATCH_DICE.formula else { panic!("of a batch") };
        assert_eq!(formula(&Confusion::of(&[0, 0, 1, 1], &[0, 1, 1, 1])), Some(f64::midpoint(2.0 / 3.0, 0.8)));
        assert_eq!(formula(&Confusion::default()), None);
    }
}
