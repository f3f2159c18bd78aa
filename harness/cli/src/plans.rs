//! The plans that a study can have here: its runs may have been made on any kind of device, in any precision.

use crate::failure::{Failure, Outcome};
use harness_learn::precision::Precision;
use harness_study::{plan::Plan, study::Resolved, surveys::Surveys};

/// The kinds of devices that runs are made on.
const DEVICES: [&str; 2] = ["cpu", "cuda"];

/// The plans of a study for all kinds of devices and precisions.
pub(crate) fn on_any_device(resolved: &Resolved, surveys: &Surveys) -> Outcome<Vec<Plan>> {
    let mut plans = Vec::new();
    for device in DEVICES {
        for precision in [Precision::F32, Precision::Tf32, Precision::Bf16] {
            plans.push(Plan::new(resolved, surveys, device, precision).map_err(Failure::run)?);
        }
    }
    Ok(plans)
}
