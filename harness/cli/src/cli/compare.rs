//! The options of `compare`.

use clap::Args;
use harness_report::compare::Gate;
use std::path::PathBuf;

pub(super) const EXAMPLES: &str = "\
Examples:
  harness compare HEAD:demo/blurring demo/blurring         what changed since the last commit
  harness compare demo/blurring:supervised demo/blurring:ssl
                                                           one arm against another
  harness compare demo/blurring:ssl@blur-0 demo/blurring:ssl/corrected@blur-100 --metric hard_dice
  harness compare 3f9c21d0 81f7a3c2 --json                 two runs of the store
  harness compare main:demo/blurring demo/blurring --fail-on-regression dice:0.01 --out changes

A result is one of
  PROFILE/STUDY                  a report, or the folder of one
  PROFILE/STUDY+CHANGES          a report with changed settings, as `harness list` names it
  PROFILE/STUDY:PART             a part of it: ARM, ARM/PROTOCOL, ARM@CONDITION, /PROTOCOL@CONDITION ...
  REVISION:PROFILE/STUDY[:PART]  the same as committed in REVISION, any name that `git show` accepts
  KEY                            a run of the store: its key, or at least the first 6 digits of it
The text before a colon is read as a report if possible, otherwise as a revision; write refs/heads/demo/x for
a branch that is named like a report. If both results name a part, the two are compared even if their names
differ: arm with arm, protocol with protocol, condition with condition. Everything else is matched by name.

Differences are B minus A. Each seed of A is paired with that of B, and scores of the same images of the same
data are paired by image. With at least three seeds on each side a difference is tested as claims are: over seeds
and images, with Holm's correction over all tested rows. With fewer it is not tested, because other seeds could
turn it around; two tests of the same networks are tested over images.

A regression is a figure that is worse in B by more than THRESHOLD, and whose change is tested and `worse`. An
undecided one is shown but does not count. If figures of METRIC could not be tested and none is a regression, the
exit code is 4.";

/// Options of `compare`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Compare {
    /// The first result
    #[arg(value_name = "A")]
    pub(crate) a: String,
    /// The second result
    #[arg(value_name = "B")]
    pub(crate) b: String,
    /// A metric to compare, as in a spec; can be given several times [default: those of the reports]
    #[arg(long, value_name = "NAME")]
    pub(crate) metric: Vec<String>,
    /// Exit 1 if a figure of METRIC got worse by more than THRESHOLD, and 4 if that could not be tested; can be given several
    /// times
    #[arg(long, value_name = "METRIC:THRESHOLD")]
    pub(crate) fail_on_regression: Vec<Gate>,
    /// Folder for a page with tables, and a CSV file of all differences
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Print JSON instead of tables
    #[arg(long)]
    pub(crate) json: bool,
}
