//! Options of `data`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

const LIST_EXAMPLES: &str = "\
Examples:
  harness data list
  harness data list --json | jq '.[] | select(.state == \"missing\") | .name'";
const FETCH_EXAMPLES: &str = "\
Examples:
  harness data fetch oxford-iiit-pet
  harness data fetch pets-corpus         every data set that the published pretraining took pictures from
  harness data fetch --all --offline     fetch nothing; say which files to put where

A fetch that was stopped or killed continues where it stopped. Every file is checked before it gets its name. Proxies are taken
from HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY; HF_HOME, HF_ENDPOINT and HF_TOKEN work as in the hub's own programs.";
const VERIFY_EXAMPLES: &str = "\
Examples:
  harness data verify                    everything that is there
  harness data verify cats-and-dogs-filtered --record
                                         write the SHA-256 of its archive into its manifest, which lacks it";
const IMPORT_EXAMPLES: &str = "\
Examples:
  harness data import ~/data/pets        a folder that is laid out as a data set: linked, not copied
  harness data import ~/data/pets --copy
  harness data import ~/Downloads/kagglecatsanddogs_5340.zip
  harness data import ~/Downloads --name oxford-iiit-pet
                                         a folder with images.tar.gz and annotations.tar.gz in it

Your files are neither moved nor changed. A linked folder must stay where it is.";
const SHOW_EXAMPLES: &str = "\
Examples:
  harness data show pets-sample          pictures by class and part, files left out, licence
  harness data show pets-sample --out sheet
                                         the same as a page, with a contact sheet: sheet/index.html, sheet.jpg, and tables
  harness data show synthetic-pets       as many as the demo draws
  harness data show '{synthetic-pets: {trainval: 10, test: 5, unlabelled: 0}}'
  harness data show '{oxford-iiit-pet: {folder: my-pets}}'

A data set is counted as a study would read it. The decoded pictures are kept, so a study at that size finds them.";

const PACK_EXAMPLES: &str = "\
Examples:
  harness data pack pets-sample --size 64 --out pets-sample-64.pack
  harness study blurring --profile sample --data-dir folder-of-packs

On a machine without a network a pack is the data set: studies at its size give the same bytes as from the original files. It is
a tar file; every member's SHA-256 is compared with its index whenever it is read. Several packs can lie in one data folder.";

/// Commands for data sets and weights.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Data {
    /// List data sets and weights: what is there, its size, its licence
    #[command(after_help = LIST_EXAMPLES)]
    List {
        /// Print JSON instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Fetch data sets and weights, check and unpack them
    #[command(after_help = FETCH_EXAMPLES)]
    Fetch(DataFetch),
    /// Hash what is there and compare it with what was put there and with the manifests
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify(DataVerify),
    /// Import a folder or archive that you already have
    #[command(after_help = IMPORT_EXAMPLES)]
    Import(DataImport),
    /// Write a data set, resized, into one checksummed file that --data-dir accepts elsewhere
    #[command(after_help = PACK_EXAMPLES)]
    Pack(DataPack),
    /// Count a data set's pictures by class and part, and draw a contact sheet with the masks
    #[command(after_help = SHOW_EXAMPLES)]
    Show(DataShow),
}

/// Options of `data pack`.
#[derive(Debug, Clone, Args)]
pub(crate) struct DataPack {
    /// A data set by the name that `harness data list` shows, or as written in a spec: `'{cats-and-dogs: {per_class:
    /// 500}}'`
    #[arg(value_name = "NAME|SPEC")]
    pub(crate) dataset: String,
    /// Side in pixels that pictures are resized to; take the study's `data.size`
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub(crate) size: u32,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Print JSON instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options of `data fetch`.
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
#[derive(Debug, Clone, Args)]
pub(crate) struct DataFetch {
    /// Data sets and weights, by the names that `harness data list` shows
    #[arg(value_name = "NAME", required_unless_present = "all")]
    pub(crate) names: Vec<String>,
    /// Everything that can be fetched
    #[arg(long, conflicts_with = "names")]
    pub(crate) all: bool,
    /// Use no network: unpack archives that are already there, or say which files to put where
    #[arg(long)]
    pub(crate) offline: bool,
    /// Keep archives after unpacking them
    #[arg(long)]
    pub(crate) keep: bool,
    /// Print JSON instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options of `data verify`.
#[derive(Debug, Clone, Args)]
pub(crate) struct DataVerify {
    /// Data sets and weights [default: all that are there]
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Write digests that a manifest lacks into its file, as computed here
    #[arg(long)]
    pub(crate) record: bool,
    /// Print JSON instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options of `data import`.
#[derive(Debug, Clone, Args)]
pub(crate) struct DataImport {
    /// A data set's folder, an archive, or a folder of archives
    #[arg(value_name = "DIR")]
    pub(crate) from: PathBuf,
    /// Name of the data set [default: found from the layout and the digests]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Copy a folder instead of linking to it
    #[arg(long)]
    pub(crate) copy: bool,
    /// Print JSON instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options of `data show`.
#[derive(Debug, Clone, Args)]
pub(crate) struct DataShow {
    /// A data set, by the name that `harness data list` shows, or a spec's `dataset` section as YAML
    #[arg(value_name = "NAME|SPEC")]
    pub(crate) dataset: String,
    /// Also write a page, a contact sheet and tables into this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Side to which pictures are resized, in pixels
    #[arg(long, value_name = "PIXELS", default_value_t = 120, value_parser = clap::value_parser!(u32).range(16..=256))]
    pub(crate) size: u32,
    /// Pictures on the contact sheet [default: 24, or one of each class if these are more, but at most 60]
    #[arg(long, value_name = "N", requires = "out", value_parser = clap::value_parser!(u16).range(1..=200))]
    pub(crate) images: Option<u16>,
    /// Print JSON instead of text
    #[arg(long)]
    pub(crate) json: bool,
}
