//! The options of `bench`.

use clap::{Args, Subcommand, builder::PossibleValuesParser, value_parser};
use harness_learn::{device::DeviceChoice, models::ModelSpec, precision::Precision};
use std::path::PathBuf;

const TRAIN_STEP_EXAMPLES: &str = "\
Examples:
  harness bench train-step
  harness bench train-step --model linknet --batch 8 --size 256 --threads 4
  harness bench train-step --model vqvae --width 64 --depth 2 --inner 32 --size 128 --json
  harness bench train-step --model segnet --device cuda --batch 64
  harness bench train-step --device cuda --batch 64 --precision f32,tf32,bf16 --rounds 5 --profile

A step is forward pass, cross-entropy plus the network's own penalty, backward pass and Adam, on random images.
images_per_s and step_ms are medians over the steps of all rounds: machines are noisy, so alternate the runs that
you compare.";
const DATA_EXAMPLES: &str = "\
Examples:
  harness bench data photographs
  harness bench data photographs --size 256 --threads 8 --json

Each pass decodes and resizes every picture below the folder (cold), then reads them back as a second start of a
study would (cached). Both figures are medians over the passes. What cannot be decoded is named on stderr.";

/// The measurements that `bench` can make.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Bench {
    /// Measure how many images a second a network trains on
    #[command(after_help = TRAIN_STEP_EXAMPLES)]
    TrainStep(TrainStep),
    /// Measure how many pictures a second are decoded and resized, and read back from the cache
    #[command(after_help = DATA_EXAMPLES)]
    Data(BenchData),
}

/// Options of `bench train-step`.
#[derive(Debug, Clone, Args)]
pub(crate) struct TrainStep {
    /// The network
    #[arg(long, value_name = "MODEL", default_value = "vqvae", value_parser = PossibleValuesParser::new(ModelSpec::NAMES))]
    pub(crate) model: String,
    /// Images per step
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = value_parser!(u32).range(1..=65536))]
    pub(crate) batch: u32,
    /// Side of an image in pixels
    #[arg(long, value_name = "PIXELS", default_value_t = 120)]
    pub(crate) size: u32,
    /// Threads to compute with
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = value_parser!(u16).range(1..=1024))]
    pub(crate) threads: u16,
    /// Steps that are timed
    #[arg(long, value_name = "N", default_value_t = 15, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub(crate) steps: u32,
    /// Warm-up steps before the timed ones
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = value_parser!(u32).range(0..=1_000_000))]
    pub(crate) warmup: u32,
    /// Channels of the network's outermost maps (of all maps in the VQ-VAE) [default: as published]
    #[arg(long, value_name = "N")]
    pub(crate) width: Option<usize>,
    /// The VQ-VAE's residual blocks in each stack [default: as published]
    #[arg(long, value_name = "N")]
    pub(crate) depth: Option<usize>,
    /// Channels inside the VQ-VAE's residual blocks [default: as published]
    #[arg(long, value_name = "N")]
    pub(crate) inner: Option<usize>,
    /// Dimensions of the VQ-VAE's codes [default: as published]
    #[arg(long, value_name = "N")]
    pub(crate) dim: Option<usize>,
    /// Codes in the VQ-VAE's codebook [default: as published]
    #[arg(long, value_name = "N")]
    pub(crate) codes: Option<usize>,
    /// Where to compute: auto, cpu, cuda or cuda:N
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub(crate) device: DeviceChoice,
    /// Number formats of convolutions and matrix products, separated by commas: f32, tf32 or bf16; the CPU computes in f32 only
    #[arg(long, value_name = "PRECISION", default_value = "f32", value_delimiter = ',')]
    pub(crate) precision: Vec<Precision>,
    /// How often each precision is timed, by turns
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u16).range(1..=1000))]
    pub(crate) rounds: u16,
    /// Also print which operations of the GPU take the time, measured in one more round
    #[arg(long, conflicts_with = "json")]
    pub(crate) profile: bool,
    /// Print one line of JSON for each precision instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}

impl TrainStep {
    /// The network's sizes by the names of their fields in specs; `None` for a size that was not given.
    pub(crate) fn sizes(&self) -> [(&'static str, Option<usize>); 5] {
        let Self { width, depth, inner, dim, codes, .. } = *self;
        [("width", width), ("depth", depth), ("inner", inner), ("dim", dim), ("codes", codes)]
    }
}

/// Options of `bench data`.
#[derive(Debug, Clone, Args)]
pub(crate) struct BenchData {
    /// Folder of pictures, which may have sub-folders
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Side in pixels that pictures are resized to
    #[arg(long, value_name = "PIXELS", default_value_t = 120, value_parser = value_parser!(u32).range(1..=4096))]
    pub(crate) size: u32,
    /// Threads to work with
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = value_parser!(u16).range(1..=1024))]
    pub(crate) threads: u16,
    /// Passes over the folder
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = value_parser!(u16).range(1..=1000))]
    pub(crate) repeat: u16,
    /// Print one line of JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}
