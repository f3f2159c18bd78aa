//! Running stages: each takes its lock, works, and leaves its record.

mod evaluate;
mod finetune;
mod origin;
mod pretrain;
mod side_by_side;
mod sitting;
mod stage;
mod workshop;

pub(crate) use side_by_side::{Jobs, run};
pub(crate) use workshop::Workshop;
