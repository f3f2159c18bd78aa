//! Options of `runs`.

use clap::{Args, Subcommand};

const LIST_EXAMPLES: &str = "\
Examples:
  harness runs list
  harness runs list --json | jq '.[] | select(.state == \"partial\") | .key'";
const SHOW_EXAMPLES: &str = "\
Examples:
  harness runs show 3f9c21d04b
  harness runs show 3f9c21d04b --lines 200";
const GC_EXAMPLES: &str = "\
Examples:
  harness runs gc                        what could be removed, and how much space that frees
  harness runs gc --yes                  remove it

A run is kept if a report in the reports folder was made from it, or if a study in studies/ needs it now, in any of its profiles
and on any device. The runs that it builds on are kept, too. If the data of a study are missing, its runs cannot be identified, so
all runs that were made under its profile are kept. Runs that another process is working on are never touched.";

/// The commands on the store of runs.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Runs {
    /// List every run: its kind, its state, the reports that use it, its time and size
    #[command(after_help = LIST_EXAMPLES)]
    List {
        /// Print JSON instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Show a run's record, its settings and the end of its log
    #[command(after_help = SHOW_EXAMPLES)]
    Show(RunsShow),
    /// Remove runs that no report uses and no study needs; without --yes only say which
    #[command(after_help = GC_EXAMPLES)]
    Gc {
        /// Remove them
        #[arg(long)]
        yes: bool,
    },
}

/// Options of `runs show`.
#[derive(Debug, Clone, Args)]
pub(crate) struct RunsShow {
    /// The run: its key, its first digits (at least 6), or its folder
    #[arg(value_name = "RUN")]
    pub(crate) run: String,
    /// Number of lines to show from the end of the log
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) lines: usize,
    /// Print the record as JSON instead
    #[arg(long)]
    pub(crate) json: bool,
}
