//! Networks, their specs, and their weights on disk.

mod layers;
mod quantizer;
mod state;
mod vqvae;
pub(crate) mod weights;

use candle_core::{Device, Result, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use state::{Builder, Entry, Init, Role, State};
pub use vqvae::VqvaeSpec;
pub use weights::{Header, WeightsError, read_header, save_tensors};

/// Which network, and its sizes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ModelSpec {
    /// Vector-quantised autoencoder.
    Vqvae(VqvaeSpec),
}

impl ModelSpec {
    /// Its name in specs and weight files.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Vqvae(_) => "vqvae",
        }
    }

    /// What is impossible in its sizes: the field, below `model`, and what was expected of it.
    pub fn check(&self) -> std::result::Result<(), (String, String)> {
        match self {
            Self::Vqvae(spec) => spec.check().map_err(|(field, expected)| (format!("vqvae.{field}"), expected)),
        }
    }

    /// What the side of an image must be, if `size` (pixels) is not possible.
    pub fn check_size(&self, size: u32) -> std::result::Result<(), String> {
        match self {
            Self::Vqvae(_) if size.is_multiple_of(4) && (8..=2048).contains(&size) => Ok(()),
            Self::Vqvae(_) => Err("a multiple of 4 in 8..=2048: the VQ-VAE halves an image twice".into()),
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
    /// `[B, 3, S, S]`: RGB in pretraining, logits of pet, background and border in segmentation.
    pub channels: Tensor,
    /// What the network adds to the loss (a scalar).
    pub penalty: Option<Tensor>,
    /// Commitment loss before its weight (a scalar).
    pub commitment: Option<Tensor>,
    /// Codes in use in this batch: `e^entropy`.
    pub perplexity: Option<f64>,
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
        self.network.forward(x, mode)
    }
}
