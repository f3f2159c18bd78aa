//! Schedules of the learning rate, with one rate for each epoch.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The change of the learning rate from epoch to epoch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScheduleSpec {
    /// The optimiser's rate in every epoch.
    #[default]
    Constant,
    /// Lowers the rate when the validation loss stops falling.
    Plateau(PlateauSpec),
    /// A linear rise, then half a cosine down from the optimiser's rate.
    Cosine(CosineSpec),
}

/// PyTorch's `ReduceLROnPlateau` on the validation loss (mode `min`, no cooldown): if the loss has not fallen below (1 − 1e-4)
/// times its best value for more than `patience` epochs, the rate is multiplied by `factor`. The defaults are PyTorch's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PlateauSpec {
    /// Number of epochs without improvement to wait for.
    pub patience: u32,
    /// The factor that multiplies the rate, in 0..1.
    pub factor: f64,
}

impl Default for PlateauSpec {
    fn default() -> Self {
        Self { patience: 10, factor: 0.1 }
    }
}

/// Linear warm-up followed by half a cosine, in steps of one epoch: PyTorch's `SequentialLR` of
/// `LinearLR(start_factor=1/(warmup + 1), total_iters=warmup)` and `CosineAnnealingLR(T_max=epochs − warmup)`.
///
/// Loshchilov, Hutter: SGDR, 2017, without restarts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CosineSpec {
    /// Epochs of warm-up. Their rates are 1/(warmup + 1), 2/(warmup + 1), … of the optimiser's.
    pub warmup: u32,
    /// The final rate of the cosine, reached one epoch after the last.
    pub floor: f64,
}

impl ScheduleSpec {
    /// Checks the schedule for an optimiser with this rate over this many epochs. The error names the invalid field, below
    /// `schedule`, and the expected value.
    pub fn check(&self, learning_rate: f64, epochs: u32) -> Result<(), (String, String)> {
        let fail = |field: &str, expected: String| Err((field.to_owned(), expected));
        match self {
            Self::Plateau(plateau) if !(plateau.factor > 0.0 && plateau.factor < 1.0) => {
                fail("plateau.factor", "a number above 0 and below 1".into())
            }
            Self::Cosine(cosine) if cosine.warmup >= epochs => {
                fail("cosine.warmup", format!("a whole number below the {epochs} epochs"))
            }
            Self::Cosine(cosine) if !(0.0..=learning_rate).contains(&cosine.floor) => {
                fail("cosine.floor", format!("a rate from 0 to the optimiser's, {learning_rate}"))
            }
            _ => Ok(()),
        }
    }

    /// Returns true if it depends on the validation loss.
    pub fn needs_validation(&self) -> bool {
        matches!(self, Self::Plateau(_))
    }

    /// The schedule for people.
    pub fn describe(&self) -> String {
        match self {
            Self::Constant => "the same rate in every epoch".to_owned(),
            Self::Plateau(PlateauSpec { patience, factor }) => {
                format!("rate times {factor} after more than {patience} epochs without a lower validation loss")
            }
            Self::Cosine(CosineSpec { warmup: 0, floor }) => format!("rate falls to {floor} along a cosine"),
            Self::Cosine(CosineSpec { warmup, floor }) => {
                format!("rate rises for {warmup} epochs, then falls to {floor} along a cosine")
            }
        }
    }
}

/// The loss must fall by more than this share of its best value to count as lower.
const THRESHOLD: f64 = 1e-4;
/// The rate changes only by more than this.
const LEAST_CHANGE: f64 = 1e-8;

/// The state of a plateau schedule between epochs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Plateau {
    /// The current rate.
    rate: f64,
    /// Lowest validation loss so far.
    best: Option<f64>,
    /// Epochs since then, or since the rate was lowered.
    waited: u32,
}

impl Plateau {
    fn observe(&mut self, spec: &PlateauSpec, loss: f64) {
        if self.best.is_none_or(|best| loss < best * (1.0 - THRESHOLD)) {
            self.best = Some(loss);
            self.waited = 0;
        } else {
            self.waited += 1;
        }
        if self.waited > spec.patience {
            self.waited = 0;
            let lower = self.rate * spec.factor;
            if self.rate - lower > LEAST_CHANGE {
                self.rate = lower;
            }
        }
    }
}

/// The learning rates of a stage with a schedule.
#[derive(Debug, Clone)]
pub struct LearningRate {
    schedule: ScheduleSpec,
    /// The optimiser's own rate.
    base: f64,
    epochs: u32,
    pub(super) plateau: Plateau,
}

impl LearningRate {
    /// The rates for an optimiser with rate `base` over `epochs`.
    pub fn new(schedule: &ScheduleSpec, base: f64, epochs: u32) -> Self {
        let plateau = Plateau { rate: base, best: None, waited: 0 };
        Self { schedule: schedule.clone(), base, epochs, plateau }
    }

    /// The rate of `epoch` (counted from 1), the one after the last epoch whose loss was observed.
    pub fn of(&self, epoch: u32) -> f64 {
        match &self.schedule {
            ScheduleSpec::Constant => self.base,
            ScheduleSpec::Plateau(_) => self.plateau.rate,
            ScheduleSpec::Cosine(CosineSpec { warmup, .. }) if epoch <= *warmup => {
                self.base * f64::from(epoch) / f64::from(warmup + 1)
            }
            ScheduleSpec::Cosine(CosineSpec { warmup, floor }) => {
                let share = f64::from(epoch - warmup - 1) / f64::from(self.epochs.saturating_sub(*warmup).max(1));
                floor + (self.base - floor) * f64::midpoint(1.0, (std::f64::consts::PI * share).cos())
            }
        }
    }

    /// Records the validation loss of an epoch.
    pub fn observe(&mut self, validation_loss: f64) {
        if let ScheduleSpec::Plateau(spec) = &self.schedule {
            self.plateau.observe(spec, validation_loss);
        }
    }
}
