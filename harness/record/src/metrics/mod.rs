//! The metrics of predicted masks, one file each: a metric's name, its meaning, the source of its definition, and its
//! computation from counts.
//!
//! Throughout, T is the set of pixels of a class in the true mask, and P its set in the predicted mask, where each pixel has
//! the class of the largest output (arg-max). Classes are 0 pet, 1 background, 2 border.
//!
//! To add a metric, add a file here and a line to the list below; the columns of `per_image.csv` and [`SCORES`] follow.

mod confusion;
pub mod reliability;
mod soft_sums;

pub use confusion::Confusion;
pub use reliability::Reliability;
pub use soft_sums::SoftSums;

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

/// Number of classes: pet, background, border.
pub const CLASSES: usize = 3;

/// Names of the classes, by index.
pub const CLASS_NAMES: [&str; CLASSES] = ["pet", "background", "border"];

/// The direction in which a metric improves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Higher is better.
    Higher,
    /// Lower is better.
    Lower,
}

/// A metric: its description and its computation.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Column of `per_image.csv`, and the name in `metrics.csv`.
    pub name: &'static str,
    /// Label of tables and charts.
    pub label: &'static str,
    /// Unit in words.
    pub unit: &'static str,
    /// The direction in which it improves.
    pub direction: Direction,
    /// Its definition, as a sentence or formula.
    pub definition: &'static str,
    /// The source of the definition: the paper, the code, or a call of a known library that gives the same numbers.
    pub source: &'static str,
    /// Its computation.
    pub formula: Formula,
}

/// The computation of a metric and its input. `None` is an undefined value.
#[derive(Debug, Clone, Copy)]
pub enum Formula {
    /// The loss, which training computes.
    Loss,
    /// Computed from the sums of an image's probabilities.
    Soft(fn(&SoftSums) -> f64),
    /// Computed from the counts of an image's masks.
    Image(fn(&Confusion) -> Option<f64>),
    /// Computed from the counts over all masks of a batch: the value of a batch, not of an image.
    Batch(fn(&Confusion) -> Option<f64>),
}

/// The counts of one predicted image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Counts {
    /// Pixels by true and predicted class.
    pub confusion: Confusion,
    /// Sums of its probabilities.
    pub soft: SoftSums,
    /// Its loss, a mean over its pixels; `None` if there is none (baselines).
    pub loss: Option<f64>,
    /// Pixels of all images of its batch; `None` if nothing was predicted in batches (baselines).
    pub batch: Option<Confusion>,
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

    /// Its value for one image. For a metric of batches, it is the value of the image's batch.
    pub fn value(&self, counts: &Counts) -> Option<f64> {
        match self.formula {
            Formula::Loss => counts.loss,
            Formula::Soft(formula) => Some(formula(&counts.soft)),
            Formula::Image(formula) => formula(&counts.confusion),
            Formula::Batch(formula) => formula(counts.batch.as_ref()?),
        }
    }

    /// Returns true if it is the value of a batch and not of an image.
    pub fn is_of_batch(&self) -> bool {
        matches!(self.formula, Formula::Batch(_))
    }
}

const SHARE: &str = "share, 0 to 1";

/// Mean over the classes for which `metric` is defined; undefined if there are none.
fn macro_mean(metric: impl Fn(usize) -> Option<f64>) -> Option<f64> {
    let values: Vec<f64> = (0..CLASSES).filter_map(metric).collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// A quotient; undefined if the denominator is 0.
fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
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
