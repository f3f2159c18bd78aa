//! Networks, their specs, and their weights on disk.

mod encoder;
pub mod init;
mod layers;
mod linknet;
mod normalise;
mod pickle;
mod pytorch;
mod quantizer;
mod segnet;
mod state;
mod vqvae;
pub(crate) mod weights;

use crate::ops;
use candle_core::{Device, Result, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use init::InitSpec;
pub use linknet::LinknetSpec;
pub use normalise::{Normalise, normalise_tensor};
pub use segnet::SegnetSpec;
pub use state::{Builder, Entry, Init, Role, State};
pub use vqvae::VqvaeSpec;
pub use weights::{Header, WeightsError, read_header, save_tensors};

/// Which network, and its sizes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ModelSpec {
    /// Vector-quantised autoencoder.
    Vqvae(VqvaeSpec),
    /// Encoder and decoder that share the places of their pools' maxima.
    Segnet(SegnetSpec),
    /// ResNet-34 encoder with a light decoder.
    Linknet(LinknetSpec),
}

impl ModelSpec {
    /// Names of all networks.
    pub const NAMES: [&str; 3] = ["vqvae", "segnet", "linknet"];

    /// Its name in specs and weight files.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Vqvae(_) => "vqvae",
            Self::Segnet(_) => "segnet",
            Self::Linknet(_) => "linknet",
        }
    }

    /// What is impossible in its sizes: the field, below `model`, and what was expected of it.
    pub fn check(&self) -> std::result::Result<(), (String, String)> {
        let checked = match self {
            Self::Vqvae(spec) => spec.check(),
            Self::Segnet(spec) => spec.check(),
            Self::Linknet(spec) => spec.check(),
        };
        checked.map_err(|(field, expected)| (format!("{}.{field}", self.name()), expected))
    }

    /// What the side of an image must be, if `size` (pixels) is not possible.
    pub fn check_size(&self, size: u32) -> std::result::Result<(), String> {
        let (step, least, why) = match self {
            Self::Vqvae(_) => (4, 8, "a multiple of 4 in 8..=2048: the VQ-VAE halves an image twice"),
            Self::Segnet(_) => (1, 16, "a whole number in 16..=2048: SegNet halves an image four times"),
            Self::Linknet(_) => (32, 32, "a multiple of 32 in 32..=2048: LinkNet halves an image five times"),
        };
        if size.is_multiple_of(step) && (least..=2048).contains(&size) { Ok(()) } else { Err(why.into()) }
    }

    /// Side of the images on which the published network was trained, in pixels.
    pub fn published_size(&self) -> u32 {
        match self {
            Self::Vqvae(_) | Self::Segnet(_) => 120,
            Self::Linknet(_) => 256,
        }
    }

    /// A few words for the report.
    pub fn describe(&self) -> String {
        match self {
            Self::Vqvae(s) => format!(
                "VQ-VAE, {} wide, {} residual blocks of {}, {} codes of {}",
                s.width, s.depth, s.inner, s.codes, s.dim
            ),
            Self::Segnet(s) => format!("SegNet, {} to {} channels", s.width, 8 * s.width),
            Self::Linknet(s) => format!("LinkNet, {} to {} channels, ResNet-34 encoder", s.width, 8 * s.width),
        }
    }

    /// What it adds to a loss, to stand behind the loss's own words: ` + 0.25 × commitment`, or nothing.
    pub fn penalty_in_words(&self) -> String {
        match self {
            Self::Vqvae(s) => format!(" + {} × commitment", s.commitment),
            Self::Segnet(_) | Self::Linknet(_) => String::new(),
        }
    }
}

/// Whether a forward pass trains or tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Moving averages move.
    Train,
    /// Nothing moves.
    Evaluate,
}

/// What a network gives back.
#[derive(Debug)]
pub struct Output {
    /// `[B, 3, S, S]`: RGB in pretraining, logits of pet, background and border in segmentation. SegNet's are at least 0 and
    /// not yet divided by the batch's maximum.
    pub channels: Tensor,
    /// What the network adds to the loss (a scalar).
    pub penalty: Option<Tensor>,
    /// Commitment loss before its weight (a scalar).
    pub commitment: Option<Tensor>,
    /// Vectors of each code of a codebook in this batch, `[K]`: [`ops::perplexity`] says how many codes are in use.
    pub code_counts: Option<Tensor>,
}

/// A network's forward pass.
pub trait Network: std::fmt::Debug {
    /// `[B, 3, S, S] -> [B, 3, S, S]`.
    fn forward(&self, x: &Tensor, mode: Mode) -> Result<Output>;

    /// Whole numbers that belong to its state beside the tensors.
    fn counters(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }

    /// Puts a counter back.
    fn set_counter(&self, _name: &str, _value: u64) {}

    /// Finds the counters anew from the tensors, after they came from a file that has none.
    fn recover_counters(&self) -> Result<()> {
        Ok(())
    }
}

/// A network with its tensors.
#[derive(Debug)]
pub struct Model {
    spec: ModelSpec,
    network: Box<dyn Network>,
    state: State,
    device: Device,
}

impl Model {
    /// A network with weights drawn from `seed`.
    pub fn new(spec: &ModelSpec, seed: u64, device: &Device) -> Result<Self> {
        let builder = Builder::new(seed, device);
        let network: Box<dyn Network> = match spec {
            ModelSpec::Vqvae(sizes) => Box::new(vqvae::Vqvae::new(sizes, &builder)?),
            ModelSpec::Segnet(sizes) => Box::new(segnet::Segnet::new(sizes, &builder)?),
            ModelSpec::Linknet(sizes) => Box::new(linknet::Linknet::new(sizes, &builder)?),
        };
        Ok(Self { spec: spec.clone(), network, state: builder.finish(), device: device.clone() })
    }

    /// Its spec.
    pub fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    /// Where its tensors lie.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// All of its tensors by name.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Number of trained values.
    pub fn parameter_count(&self) -> u64 {
        self.state.values().filter(|e| e.role == Role::Parameter).map(|e| e.var.elem_count() as u64).sum()
    }

    /// The forward pass.
    pub fn forward(&self, x: &Tensor, mode: Mode) -> Result<Output> {
        let scope = ops::NetworkScope::enter(&self.device);
        let out = self.network.forward(&scope.input(x)?, mode)?;
        Ok(Output { channels: scope.output(&out.channels)?, ..out })
    }
}
