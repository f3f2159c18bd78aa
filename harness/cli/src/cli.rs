//! The command line: every command, every option and the texts of `--help`.

mod bench;
mod compare;
mod data;
mod evaluate;
mod export;
mod runs;
mod study;

pub(crate) use bench::{Bench, BenchData, TrainStep};
pub(crate) use compare::Compare;
pub(crate) use data::{Data, DataFetch, DataImport, DataPack, DataShow, DataVerify};
pub(crate) use export::{Export, Tensorboard};
pub(crate) use runs::{Runs, RunsShow};
pub(crate) use study::Study;

use crate::{
    failure::{Failure, Outcome},
    program,
    progress::Loudness,
};
use clap::{Args, CommandFactory, Parser, Subcommand, builder::PossibleValuesParser};
use harness_learn::{device::DeviceChoice, models::Normalise};
use harness_study::spec::layers::PROFILES;
use std::path::{Path, PathBuf};

pub(crate) use evaluate::Evaluate;

const REPORT_EXAMPLES: &str = "\
Examples:
  harness report blurring --profile demo --open
                                         render reports/demo/blurring/ again and open it
  harness report --all --check           write nothing; exit 1 and name every file that would change
  harness report --all --renew           also recompute the table of printed figures, after an update of harness
  harness report --verdicts              every printed figure, what was reproduced of it, and the verdict
  harness report --verdicts --profile full --require reproduced
                                         exit 1 unless every printed figure was reproduced
  harness report blurring --profile demo --serve
                                         show it while you write its template; the page updates after every change
  harness report blurring --profile demo --bundle supplement.zip
                                         all that a reviewer needs to check the report, in one file

Reports are rendered from reports/<profile>/<study>/data/ alone: no data set, no runs and no GPU are needed.";
const REGISTER_EXAMPLES: &str = "\
Examples:
  harness register blurring --profile demo

The question, the expectation, the claims, the metrics and the digest of the test images are written into the store,
and later into the report. `harness study` does the same when the first test of a study is about to run. What is registered first
stays: a later edit of the study shows in its report.";
const LIST_EXAMPLES: &str = "\
Examples:
  harness list
  harness list --json | jq '.[] | select(.state == \"stale\")'";
const VALIDATE_EXAMPLES: &str = "\
Examples:
  harness validate                       every spec in studies/, in each of its profiles, and every data manifest
  harness validate studies/blurring.yaml";
const SCHEMA_EXAMPLES: &str = "\
Examples:
  harness schema > studies/study.schema.json
  harness schema --manifest > data-manifests/manifest.schema.json
With `# yaml-language-server: $schema=study.schema.json` as its first line, an editor completes and checks a spec.";
const PREDICT_EXAMPLES: &str = "\
Examples:
  harness predict --weights runs/finetune/<key>/weights.safetensors cat.jpg dog.jpg --out masks
  harness predict --weights net.safetensors --model vqvae --size 128 --logits raw.safetensors cat.jpg --out masks
  harness predict --weights linknet.pt --model linknet --normalise 0.5,0.5 cat.jpg --out masks
  harness predict --weights net.safetensors --model '{vqvae: {width: 64}}' *.jpg --out masks";
const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  harness completions bash > ~/.local/share/bash-completion/completions/harness
  harness completions zsh > \"${fpath[1]}/_harness\"
  harness completions fish > ~/.config/fish/completions/harness.fish";
const AFTER: &str = "\
Start here:
  harness list                           which studies there are
  harness study blurring --profile demo  one of them, small, in half a minute
  harness report blurring --profile demo --open

Exit codes:
  0    done
  1    a check failed
  2    the command line is wrong
  3    a spec is wrong
  4    data are missing or damaged
  5    a run failed
  75   another process is working on it: try again
  130  interrupted

Environment:
  HARNESS_STORE, HARNESS_REPORTS and HARNESS_DATA set --store, --reports and --data-dir.
  NO_COLOR turns colours off.

Results go to stdout, progress and messages to stderr.";

/// Runs image-segmentation studies and reports them.
///
/// A study is one YAML file in studies/: its arms, their training and the claims to test. `harness study` trains and evaluates
/// what is not in the store yet and renders a report whose every number leads to the row it came from.
#[derive(Debug, Parser)]
#[command(
    name = "harness",
    version = program::version(),
    after_long_help = AFTER,
    max_term_width = 100,
    arg_required_else_help = true
)]
pub(crate) struct Cli {
    /// The command to run.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// The options that all commands share.
    #[command(flatten)]
    pub(crate) global: Global,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Folder that holds studies/ and templates/ [default: found upwards from here]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,
    /// Folder of runs [default: runs/ in the root]
    #[arg(long, global = true, value_name = "DIR", env = "HARNESS_STORE", hide_env_values = true)]
    pub(crate) store: Option<PathBuf>,
    /// Folder of reports [default: reports/ in the root]
    #[arg(long, global = true, value_name = "DIR", env = "HARNESS_REPORTS", hide_env_values = true)]
    pub(crate) reports: Option<PathBuf>,
    /// Folder of downloaded data sets [default: harness/data in the cache folder]
    #[arg(long, global = true, value_name = "DIR", env = "HARNESS_DATA", hide_env_values = true)]
    pub(crate) data_dir: Option<PathBuf>,
    /// Also say where each stage keeps its files and what it reads
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub(crate) verbose: bool,
    /// No progress and no messages: only results and errors
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run what a study lacks, collect its numbers, render its report
    #[command(after_help = study::EXAMPLES)]
    Study(Study),
    /// Lock what a study asks, expects and claims, before its first test
    #[command(after_help = REGISTER_EXAMPLES)]
    Register(Register),
    /// Render reports again from their data
    #[command(after_help = REPORT_EXAMPLES)]
    Report(Report),
    /// List the studies, how fresh their reports are, and the reports with changed settings
    #[command(after_help = LIST_EXAMPLES)]
    List(List),
    /// Check specs and manifests, and say what is wrong and where
    #[command(after_help = VALIDATE_EXAMPLES)]
    Validate(Validate),
    /// Print the JSON Schema of a spec, or of a manifest of data
    #[command(after_help = SCHEMA_EXAMPLES)]
    Schema {
        /// Print the schema of a manifest in data-manifests/ instead
        #[arg(long)]
        manifest: bool,
    },
    /// Write masks and overlays for any images
    #[command(after_help = PREDICT_EXAMPLES)]
    Predict(Predict),
    /// Compute the metrics of predicted masks from any source against the true ones
    #[command(after_help = evaluate::EXAMPLES)]
    Evaluate(Evaluate),
    /// Show what changed between two reports, arms or runs, with intervals
    #[command(after_help = compare::EXAMPLES)]
    Compare(Compare),
    /// The store of runs: list, show, remove those that are not needed
    #[command(subcommand)]
    Runs(Runs),
    /// Export runs in the formats of other tools
    #[command(subcommand)]
    Export(Export),
    /// Measure how fast this machine trains and reads pictures
    #[command(subcommand)]
    Bench(Bench),
    /// Data sets and weights: list, show, fetch, verify, import, pack
    #[command(subcommand)]
    Data(Data),
    /// Print completions for a shell
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Say what this machine offers and what is missing
    Doctor {
        /// Print JSON instead of text
        #[arg(long)]
        json: bool,
    },
}

/// Options of `register`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Register {
    /// Studies, by the names that `harness list` shows
    #[arg(value_name = "STUDY", required = true)]
    pub(crate) names: Vec<String>,
    /// The size of the experiment
    #[arg(long, value_name = "PROFILE", default_value = PROFILES[0], value_parser = PossibleValuesParser::new(PROFILES))]
    pub(crate) profile: String,
}

/// Options of `report`.
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub(crate) struct Report {
    /// Studies, or reports with changed settings, as in blurring+finetuning.epochs=3 [default: all that have data]
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Every study, in every profile unless one is named
    #[arg(long, conflicts_with = "names")]
    pub(crate) all: bool,
    /// Only reports of this profile [default: every profile that has data]
    #[arg(long, value_name = "PROFILE", value_parser = PossibleValuesParser::new(PROFILES))]
    pub(crate) profile: Option<String>,
    /// Write nothing; name every file that would change, and exit 1 if any would
    #[arg(long)]
    pub(crate) check: bool,
    /// Open the HTML page afterwards
    #[arg(long, conflicts_with = "check")]
    pub(crate) open: bool,
    /// Recompute the intervals and verdicts of data/published.csv from the other data before rendering
    #[arg(long, conflicts_with = "check")]
    pub(crate) renew: bool,
    /// Render nothing; print the verdict on every printed figure
    #[arg(long, conflicts_with_all = ["check", "open", "renew"])]
    pub(crate) verdicts: bool,
    /// Exit 1 unless this is the verdict on every printed figure
    #[arg(long, value_name = "VERDICT", requires = "verdicts", value_parser = ["reproduced"])]
    pub(crate) require: Option<String>,
    /// Render the reports, serve them on this machine, and render them again whenever their templates or data change;
    /// an open page reloads by itself. Ctrl-C ends it
    #[arg(long, conflicts_with_all = ["check", "renew", "verdicts"])]
    pub(crate) serve: bool,
    /// Port to serve on; 0 takes any free one
    #[arg(long, value_name = "N", requires = "serve", default_value_t = 8000)]
    pub(crate) port: u16,
    /// Render nothing; write the reports with their specs, templates, manifests and checksums into one zip file, a
    /// submission's supplement
    #[arg(long, value_name = "FILE", conflicts_with_all = ["check", "open", "renew", "serve", "verdicts"])]
    pub(crate) bundle: Option<PathBuf>,
    /// Print the verdicts as JSON instead of a table
    #[arg(long, requires = "verdicts")]
    pub(crate) json: bool,
}

/// Options of `list`.
#[derive(Debug, Clone, Args)]
pub(crate) struct List {
    /// Print JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options of `validate`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Validate {
    /// Specs or manifests [default: all in studies/ and data-manifests/]
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Print the problems as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options of `predict`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Predict {
    /// The trained network: a safetensors file, or a state dict that PyTorch saved
    #[arg(long, value_name = "FILE")]
    pub(crate) weights: PathBuf,
    /// The network: vqvae, segnet, linknet, or a spec's model as YAML or JSON [default: as the weights file says]
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Option<String>,
    /// Images to segment
    #[arg(value_name = "IMAGE", required = true)]
    pub(crate) images: Vec<PathBuf>,
    /// Folder for masks and overlays
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Side of the square the network sees, in pixels [default: as it was trained]
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u32).range(8..=4096))]
    pub(crate) size: Option<u32>,
    /// Normalise the images as the network expects: subtract MEAN from each value in 0..1, then divide by STD [default:
    /// as the weights file says, otherwise no change]
    #[arg(long, value_name = "MEAN,STD", allow_hyphen_values = true)]
    pub(crate) normalise: Option<Normalise>,
    /// Also write the raw outputs, a safetensors file
    #[arg(long, value_name = "FILE")]
    pub(crate) logits: Option<PathBuf>,
    /// Where to compute: auto, cpu, cuda or cuda:N
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub(crate) device: DeviceChoice,
}

/// The folders that the program reads and writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Folders {
    /// The folder that holds studies/, templates/ and data-manifests/.
    pub(crate) root: PathBuf,
    /// The folder of runs.
    pub(crate) store: PathBuf,
    /// The folder of reports.
    pub(crate) reports: PathBuf,
    /// The folder of downloaded data sets.
    pub(crate) data: PathBuf,
}

impl Global {
    /// Returns how much output to print.
    pub(crate) fn loudness(&self) -> Loudness {
        match (self.quiet, self.verbose) {
            (true, _) => Loudness::Quiet,
            (false, true) => Loudness::Verbose,
            (false, false) => Loudness::Normal,
        }
    }

    /// Finds the folders, as seen from the folder `here`. Commands that read no spec do not call this.
    pub(crate) fn folders(&self, here: &Path) -> Outcome<Folders> {
        let is_root = |folder: &&Path| folder.join("studies").is_dir() && folder.join("templates").is_dir();
        let root = match &self.root {
            Some(root) => Some(here.join(root)).filter(|root| is_root(&root.as_path())).ok_or_else(|| {
                let shown = root.display();
                Failure::Usage(format!("--root {shown}: this folder does not contain studies/ and templates/"))
            })?,
            None => here.ancestors().find(is_root).map(Path::to_owned).ok_or_else(|| {
                let shown = here.display();
                Failure::Usage(format!(
                    "no studies here: neither {shown} nor a folder above it contains studies/ and templates/\nchange \
                     to the folder that does, or name it with --root DIR"
                ))
            })?,
        };
        let given = |folder: &Option<PathBuf>| folder.as_ref().map(|folder| here.join(folder));
        let cache = || directories::BaseDirs::new().map(|dirs| dirs.cache_dir().join("harness/data"));
        Ok(Folders {
            store: given(&self.store).unwrap_or_else(|| root.join("runs")),
            reports: given(&self.reports).unwrap_or_else(|| root.join("reports")),
            // A user without a home folder has no cache folder.
            data: given(&self.data_dir).or_else(cache).unwrap_or_else(|| root.join("data")),
            root,
        })
    }
}

/// Writes completions for a shell.
pub(crate) fn completions(shell: clap_complete::Shell, out: &mut dyn std::io::Write) {
    clap_complete::generate(shell, &mut Cli::command(), "harness", out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn devices() {
        assert_eq!("cuda:3".parse(), Ok(DeviceChoice::Cuda(3)));
        assert!("cuda:".parse::<DeviceChoice>().is_err() && "cuda:-1".parse::<DeviceChoice>().is_err());
    }

    #[test]
    fn the_root_is_found_upwards_and_paths_are_seen_from_here() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().join("studies/_base");
        std::fs::create_dir_all(&here).unwrap();
        let cli = |args: &[&str]| Cli::try_parse_from([&["harness", "list"], args].concat()).unwrap().global;
        let lost = cli(&[]).folders(&here).unwrap_err();
        assert!(lost.code() == 2 && lost.to_string().contains("--root DIR"), "{lost}");
        std::fs::create_dir(folder.path().join("templates")).unwrap();
        let folders = cli(&["--store", "s", "--data-dir", "/d"]).folders(&here).unwrap();
        assert_eq!((folders.root.as_path(), folders.store), (folder.path(), here.join("s")));
        assert_eq!(folders.data, Path::new("/d"));
        assert!(cli(&["--root", "."]).folders(&here).is_err());
    }
}
