//! Options of `study`.

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use harness_learn::{device::DeviceChoice, precision::Precision};
use harness_record::vocabulary::Protocol;
use harness_study::spec::layers::PROFILES;
use std::str::FromStr;

pub(super) const EXAMPLES: &str = "\
Examples:
  harness study blurring                              the published size: a GPU for hours
  harness study blurring --profile demo               half a minute on two CPU cores
  harness study blurring --dry-run                    what would run, what is there already
  harness study --all --profile sample --seeds 0,1,2
  harness study blurring --profile demo --validation-only --set finetuning.epochs=3
                                                      try a setting on the validation images; the test stays shut
  harness study blurring --profile demo --final       run the test
  harness study blurring --set finetuning.epochs=3 --set 'arms[0].label=short'

With --set, --seeds or --protocol the report has a folder of its own, named after the changes, as in
reports/full/blurring+finetuning.epochs=3. The study's own report stays as it is.

After Ctrl-C or a kill, run the same command again: it continues where it stopped and ends with the same numbers.";

/// Options of `study`.
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
#[derive(Debug, Clone, Args)]
pub(crate) struct Study {
    /// Studies, by the names that `harness list` shows
    #[arg(value_name = "NAME", required_unless_present = "all")]
    pub(crate) names: Vec<String>,
    /// Every study
    #[arg(long, conflicts_with = "names")]
    pub(crate) all: bool,
    /// The size of the experiment: as published, on sample photographs, or on synthetic pictures
    #[arg(long, value_name = "PROFILE", default_value = "full", value_parser = PossibleValuesParser::new(PROFILES))]
    pub(crate) profile: String,
    /// Where to compute: auto, cpu, cuda or cuda:N
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub(crate) device: DeviceChoice,
    /// Number format of convolutions and matrix products: f32, tf32 or bf16; the CPU computes in f32 only
    #[arg(long, value_name = "PRECISION", default_value = "f32")]
    pub(crate) precision: Precision,
    /// Seeds to run instead of the spec's, as in 0,1,2
    #[arg(long, value_name = "SEEDS")]
    pub(crate) seeds: Option<Seeds>,
    /// Change a field of the spec, as in finetuning.epochs=3; can be given several times
    #[arg(long, value_name = "PATH=VALUE", value_parser = setting)]
    pub(crate) set: Vec<String>,
    /// The protocol, instead of the spec's: as the published numbers were obtained, or corrected
    #[arg(long, value_name = "PROTOCOL", value_parser = protocols())]
    pub(crate) protocol: Option<Protocol>,
    /// Train, print what the validation images say, and run no test. The tests of the study stay shut until --final
    #[arg(long)]
    pub(crate) validation_only: bool,
    /// Run the tests of a study that was trained with --validation-only
    #[arg(long, conflicts_with = "validation_only")]
    pub(crate) r#final: bool,
    /// Show what would run and stop
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Fetch missing data without asking, whatever their size
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Use no network; if data are missing, say which files to put where
    #[arg(long, conflicts_with = "yes")]
    pub(crate) offline: bool,
    /// Threads to compute with [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Stages to run at once, no more than threads; never changes the numbers [default: on the CPU as many as the
    /// threads can serve, on CUDA one]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) jobs: Option<u16>,
    /// Print the plan and the outcome as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Parses the name of a protocol; help and completions list all names.
fn protocols() -> impl TypedValueParser<Value = Protocol> {
    PossibleValuesParser::new(Protocol::ALL.map(Protocol::name)).try_map(|name| name.parse::<Protocol>())
}

/// Distinct seeds, in the order given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seeds(pub(crate) Vec<u64>);

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut seeds = Vec::new();
        for part in text.split(',').map(str::trim) {
            let seed =
                part.parse().map_err(|_| format!("`{part}` is not a seed: expected whole numbers, as in 0,1,2"))?;
            if seeds.contains(&seed) {
                return Err(format!("seed {seed} is given twice"));
            }
            seeds.push(seed);
        }
        Ok(Self(seeds))
    }
}

/// Checks only the shape of a setting: the meaning of its path is known only once the spec is read.
fn setting(text: &str) -> Result<String, String> {
    match text.split_once('=') {
        Some((path, _)) if !path.trim().is_empty() => Ok(text.to_owned()),
        _ => Err("expected path=value, as in finetuning.epochs=3".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds() {
        assert_eq!("2, 0".parse(), Ok(Seeds(vec![2, 0])));
        assert!(["", "1,", "1,1", "-1", "1.5"].iter().all(|text| text.parse::<Seeds>().is_err()));
    }
}
