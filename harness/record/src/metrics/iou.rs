//! Hard intersection over union of an image's mask: per class, as their mean (macro), and over all classes at once (micro).

use super::{Confusion, Direction, Formula, Metric, SHARE, macro_mean, ratio};

/// Mean of the classes' intersection over union. As in torchmetrics, a class in neither mask is left out (there is no
/// counterpart of its older `absent_score`, which gave such a class a value).
pub const MACRO: Metric = Metric {
    name: "iou",
    label: "Hard IoU",
    unit: SHARE,
    direction: Direction::Higher,
    definition: "Mean over the classes of |T∩P| / |T∪P|, with T and P the pixels of a class in the true and in the arg-max \
                 mask of an image; a class that neither mask contains is left out of the mean.",
    source: "Jaccard 1901; torchmetrics 1.9 mean_iou(num_classes=3, include_background=True, per_class=False, \
             input_format=\"index\") or MulticlassJaccardIndex(num_classes=3, average=\"macro\") of one image",
    formula: Formula::Image(|masks| macro_mean(|class| of_class(masks, class))),
};

/// Intersection over union over all classes at once. Since every pixel has one class, it is a / (2 − a) for the accuracy a.
pub const MICRO: Metric = Metric {
    name: "iou_micro",
    label: "IoU, micro",
    unit: SHARE,
    direction: Direction::Higher,
    definition: "Σ|T∩P| / Σ|T∪P|, summed over the classes of an image; as every pixel has one class, this is a / (2 − a) of \
                 the accuracy a.",
    source: "torchmetrics 1.9 MulticlassJaccardIndex(num_classes=3, average=\"micro\") of one image",
    formula: Formula::Image(|masks| ratio(masks.right(), 2 * masks.pixels() - masks.right())),
};

/// Intersection over union of class pet.
pub const PET: Metric = class(
    ["iou_pet", "IoU, pet"],
    "|T∩P| / |T∪P| of class pet; undefined for an image if neither mask contains the class.",
    |masks| of_class(masks, 0),
);

/// Intersection over union of class background.
pub const BACKGROUND: Metric = class(
    ["iou_background", "IoU, background"],
    "|T∩P| / |T∪P| of class background; undefined for an image if neither mask contains the class.",
    |masks| of_class(masks, 1),
);

/// Intersection over union of class border.
pub const BORDER: Metric = class(
    ["iou_border", "IoU, border"],
    "|T∩P| / |T∪P| of class border; undefined for an image if neither mask contains the class.",
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
        source: "Jaccard 1901; torchmetrics 1.9 mean_iou(num_classes=3, include_background=True, per_class=True, \
                 input_format=\"index\") of one image, which writes -1 where it is undefined",
        formula: Formula::Image(formula),
    }
}

/// `|T∩P| / |T∪P|` of a class; undefined if neither mask contains it.
fn of_class(masks: &Confusion, class: usize) -> Option<f64> {
    ratio(masks.overlap(class), masks.union(class))
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
        let (truth, prediction) = ([0, 0, 1, 1], [0, 1, 1, 1]);
        assert_eq!(value(&PET, &truth, &prediction), Some(0.5));
        assert_eq!(value(&BACKGROUND, &truth, &prediction), Some(2.0 / 3.0));
        assert_eq!(value(&BORDER, &truth, &prediction), None, "a class in neither mask has no IoU");
        assert_eq!(value(&MACRO, &truth, &prediction), Some(f64::midpoint(0.5, 2.0 / 3.0)));
        // The accuracy is 3/4.
        assert_eq!(value(&MICRO, &truth, &prediction), Some(0.75 / 1.25));
        // The example in torchmetrics' documentation of the Jaccard index.
        assert!((value(&MACRO, &[2, 1, 0, 0], &[2, 1, 0, 1]).unwrap() - 2.0 / 3.0).abs() < 1e-15);
    }

    // `reference/scores.py` makes these numbers with torchmetrics.
    #[test]
    fn a_class_that_is_only_predicted_counts_as_wrong() {
        assert_eq!(value(&BORDER, &[0, 0], &[0, 2]), Some(0.0));
        assert_eq!(value(&MACRO, &[0, 0], &[0, 2]), Some(0.25));
    }

    #[test]
    fn no_pixels_have_no_iou() {
        assert!([MACRO, MICRO, PET].iter().all(|metric| value(metric, &[], &[]).is_none()));
    }
}
