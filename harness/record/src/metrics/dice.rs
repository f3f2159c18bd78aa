//! Hard Dice of an image's mask: per class, as their mean (macro), and over all classes at once (micro).

use super::{Confusion, Direction, Formula, Metric, SHARE, macro_mean, ratio};

/// Mean of the classes' Dice. As in torchmetrics, a class in neither mask is left out: its Dice is 0/0, which `DiceScore` omits
/// from its mean (`nanmean`) and `MulticlassF1Score` weights with 0.
pub const MACRO: Metric = Metric {
    name: "dice",
    label: "Hard Dice",
    unit: SHARE,
    direction: Direction::Higher,
    definition: "Mean over the classes of 2·|T∩P| / (|T| + |P|), with T and P the pixels of a class in the true and in the \
                 arg-max mask of an image; a class that neither mask contains is left out of the mean.",
    source: "Dice 1945; torchmetrics 1.9 DiceScore(num_classes=3, average=\"macro\", aggregation_level=\"samplewise\", \
             input_format=\"index\") of one image, or MulticlassF1Score(num_classes=3, average=\"macro\", \
             multidim_average=\"samplewise\")",
    formula: Formula::Image(|masks| macro_mean(|class| of_class(masks, class))),
};

/// Dice over all classes at once. Since every pixel has one class, it equals the accuracy.
pub const MICRO: Metric = Metric {
    name: "dice_micro",
    label: "Dice, micro",
    unit: SHARE,
    direction: Direction::Higher,
    definition: "2·Σ|T∩P| / Σ(|T| + |P|), summed over the classes of an image; as every pixel has one class, this is the \
                 accuracy.",
    source: "torchmetrics 1.9 DiceScore(num_classes=3, average=\"micro\", aggregation_level=\"samplewise\", \
             input_format=\"index\") of one image",
    formula: Formula::Image(|masks| ratio(2 * masks.right(), 2 * masks.pixels())),
};

/// Dice of class pet.
pub const PET: Metric = class(
    ["dice_pet", "Dice, pet"],
    "2·|T∩P| / (|T| + |P|) of class pet; undefined for an image if neither mask contains the class.",
    |masks| of_class(masks, 0),
);

/// Dice of class background.
pub const BACKGROUND: Metric = class(
    ["dice_background", "Dice, background"],
    "2·|T∩P| / (|T| + |P|) of class background; undefined for an image if neither mask contains the class.",
    |masks| of_class(masks, 1),
);

/// Dice of class border.
pub const BORDER: Metric = class(
    ["dice_border", "Dice, border"],
    "2·|T∩P| / (|T| + |P|) of class border; undefined for an image if neither mask contains the class.",
    |masks| of_class(masks, 2),
);

const fn class(
    [name, label]: [&'static str; 2],
    definition: &'static str,
    formula: fn(&Confusion) -> Option<f64>,
) -> Metric {
    Metric {
        name,
        label,
        unit: SHARE,
        direction: Direction::Higher,
        definition,
        source: "Dice 1945; torchmetrics 1.9 DiceScore(num_classes=3, average=\"none\", aggregation_level=\"samplewise\", \
                 input_format=\"index\") of one image",
        formula: Formula::Image(formula),
    }
}

/// `2·|T∩P| / (|T| + |P|)` of a class; undefined if neither mask contains it.
pub(super) fn of_class(masks: &Confusion, class: usize) -> Option<f64> {
    ratio(2 * masks.overlap(class), masks.truth(class) + masks.predicted(class))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(metric: &Metric, truth: &[u8], prediction: &[u8]) -> Option<f64> {
        let Formula::Image(formula) = metric.formula else { panic!("{} is of no image", metric.name) };
        formula(&Confusion::of(truth, prediction))
    }

    // `reference/scores.py` makes these numbers with torchmetrics.
    #[test]
    fn known_values() {
        // Truth 0 0 1 1 against 0 1 1 1: class 0 overlaps in 1, out of 2 and 1; class 1 in 2, out of 2 and 3.
        let (truth, prediction) = ([0, 0, 1, 1], [0, 1, 1, 1]);
        assert_eq!(value(&PET, &truth, &prediction), Some(2.0 / 3.0));
        assert_eq!(value(&BACKGROUND, &truth, &prediction), Some(0.8));
        assert_eq!(value(&BORDER, &truth, &prediction), None, "a class in neither mask has no Dice");
        assert_eq!(value(&MACRO, &truth, &prediction), Some(f64::midpoint(2.0 / 3.0, 0.8)));
        assert_eq!(value(&MICRO, &truth, &prediction), Some(0.75));
    }

    // `reference/scores.py` makes these numbers with torchmetrics.
    #[test]
    fn a_class_that_is_only_predicted_counts_as_wrong() {
        assert_eq!(value(&BORDER, &[0, 0], &[0, 2]), Some(0.0));
        assert_eq!(value(&MACRO, &[0, 0], &[0, 2]), Some(f64::midpoint(2.0 / 3.0, 0.0)));
    }

    #[test]
    fn no_pixels_have_no_dice() {
        assert!([MACRO, MICRO, PET].iter().all(|metric| value(metric, &[], &[]).is_none()));
    }
}
