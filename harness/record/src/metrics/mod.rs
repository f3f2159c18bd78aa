//! The metrics of predicted masks, one file each: a metric's name, its meaning, the source of its definition, and its
//! computation from counts.
//!
//! Throughout, T is the set of pixels of a class in the true mask, and P its set in the predicted mask, where each pixel has
//! the class of the largest output (arg-max). Classes are 0 pet, 1 background, 2 border.
//!
//! To add a metric, add a file here and a line to the list below; the columns of `per_image.csv` and [`SCORES`] follow.

mod classes;
mod confusion;
mod metric;
pub mod reliability;
mod soft_sums;

pub use classes::{CLASS_NAMES, CLASSES};
pub use confusion::Confusion;
pub use metric::{Counts, Direction, Formula, Metric};
pub use reliability::Reliability;
pub use soft_sums::SoftSums;

use metric::{SHARE, macro_mean, ratio};

/// Lists the metrics in the order of their columns. `new` declares the file as a module; `also` takes another metric of a file.
macro_rules! metrics {
    (@file new $file:ident) => { pub mod $file; };
    (@file also $file:ident) => {};
    ($($how:ident $file:ident::$metric:ident;)+) => {
        $(metrics!(@file $how $file);)+

        /// All metrics, in the order of their columns.
        pub const METRICS: [Metric; [$(stringify!($metric)),+].len()] = [$($file::$metric),+];
    };
}

metrics! {
    new loss::LOSS;
    new soft_dice::SOFT_DICE;
    new soft_iou::SOFT_IOU;
    new accuracy::ACCURACY;
    new dice::MACRO;
    new iou::MACRO;
    also dice::PET;
    also dice::BACKGROUND;
    also dice::BORDER;
    also iou::PET;
    also iou::BACKGROUND;
    also iou::BORDER;
    also dice::MICRO;
    also iou::MICRO;
    new batch_dice::BATCH_DICE;
    new batch_iou::BATCH_IOU;
}

/// Names of all metrics, in the order of their columns.
pub const SCORES: [&str; METRICS.len()] = names();

const fn names() -> [&'static str; METRICS.len()] {
    let mut names = [""; METRICS.len()];
    let mut i = 0;
    while i < names.len() {
        names[i] = METRICS[i].name;
        i += 1;
    }
    names
}

impl Metric {
    /// The metric with this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        METRICS.iter().find(|metric| metric.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_columns_and_stand_once() {
        assert_eq!(SCORES[..3], ["loss", "soft_dice", "soft_iou"]);
        for (i, metric) in METRICS.iter().enumerate() {
            assert_eq!(SCORES.iter().position(|name| *name == metric.name), Some(i), "{} stands twice", metric.name);
            assert_eq!(Metric::find(metric.name).unwrap().label, metric.label);
            for words in [metric.label, metric.unit, metric.definition, metric.source] {
                assert!(!words.trim().is_empty(), "{} lacks words", metric.name);
            }
        }
        assert!(Metric::find("nonsense").is_none());
    }

    #[test]
    fn every_class_has_its_columns() {
        for class in CLASS_NAMES {
            assert!(
                SCORES.contains(&format!("dice_{class}").as_str()) && SCORES.contains(&format!("iou_{class}").as_str())
            );
        }
    }

    // `reference/scores.py` makes the Dice of the batch with torchmetrics.
    #[test]
    fn values_come_from_the_counts_that_a_metric_names() {
        let (image, other) = (Confusion::of(&[0, 1], &[0, 0]), Confusion::of(&[1, 1, 2], &[1, 1, 2]));
        let counts = Counts {
            confusion: image,
            soft: SoftSums::of_certain(&[0, 1], &[0, 0]),
            loss: Some(0.25),
            batch: Some([image, other].into_iter().sum()),
        };
        let value = |name: &str| Metric::find(name).unwrap().value(&counts);
        assert_eq!((value("loss"), value("accuracy"), value("dice_micro")), (Some(0.25), Some(0.5), Some(0.5)));
        assert!((value("soft_dice").unwrap() - 0.5).abs() < 1e-5);
        // Over the batch: pet 2·1/(1 + 2), background 2·2/(3 + 2), border 1.
        assert!((value("batch_dice").unwrap() - (2.0 / 3.0 + 0.8 + 1.0) / 3.0).abs() < 1e-15);
        let alone = Counts { batch: None, loss: None, ..counts };
        for name in ["batch_dice", "batch_iou", "loss"] {
            assert_eq!(Metric::find(name).unwrap().value(&alone), None);
        }
        let of_batch: Vec<_> = METRICS.iter().filter(|metric| metric.is_of_batch()).map(|metric| metric.name).collect();
        assert_eq!(of_batch, ["batch_dice", "batch_iou"]);
    }
}
