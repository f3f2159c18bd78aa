//! Options of `export`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

const TENSORBOARD_EXAMPLES: &str = "\
Examples:
  harness export tensorboard --all --out events
  harness export tensorboard 3f9c21d04b runs/finetune/<key> --out events
  tensorboard --logdir events

Each run becomes a folder OUT/<kind>-<key> with one event file; a step is an epoch.
Series are named train/loss, validation/dice, test/blur-25/dice, test/majority-class/dice.";

/// The formats of `export`.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Export {
    /// Write every metric of finished runs as TensorBoard event files
    #[command(after_help = TENSORBOARD_EXAMPLES)]
    Tensorboard(Tensorboard),
}

/// Options of `export tensorboard`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Tensorboard {
    /// Runs: keys, their first digits (at least 6), or folders of runs
    #[arg(value_name = "RUN", required_unless_present = "all")]
    pub(crate) runs: Vec<String>,
    /// Every finished run of the store
    #[arg(long, conflicts_with = "runs")]
    pub(crate) all: bool,
    /// Folder for the event files
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}
