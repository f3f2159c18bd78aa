//! Networks, their specs, and their weights on disk.

mod encoder;
pub mod init;
mod layers;
mod network;
mod normalise;
mod pickle;
mod procedure;
mod pytorch;
mod quantizer;
mod state;
pub(crate) mod weights;

use crate::ops;
use candle_core::{Device, Result, Tensor};
use harness_record::{metrics::dice, vocabulary::Protocol};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use init::InitSpec;
pub use network::{Network, Output, Sides, Sizes};
pub use normalise::{Normalise, normalise_tensor};
pub use procedure::{Finish, Mode, Procedure, Published};
pub use state::{Builder, Entry, Init, Role, State};
pub use weights::{Header, WeightsError, read_header, save_tensors};

/// Declares a file of this folder as a module, and as a network that specs can name.
macro_rules! networks {
    ($($(#[$doc:meta])* $variant:ident = $name:literal in $module:ident::$spec:ident;)+) => {
        $(mod $module; pub use $module::$spec;)+

        /// A network and its sizes.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        pub enum ModelSpec {
            $($(#[$doc])* #[serde(rename = $name)] $variant($spec)),+
        }

        impl ModelSpec {
            /// The names of all networks.
            pub const NAMES: [&str; [$($name),+].len()] = [$($name),+];

            /// Its name in specs and weight files.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $name),+
                }
            }

            /// The description in the network's own file.
            pub fn sizes(&self) -> &dyn Sizes {
                match self {
                    $(Self::$variant(sizes) => sizes),+
                }
            }
        }
    };
}

networks! {
    /// Vector-quantised autoencoder.
    Vqvae = "vqvae" in vqvae::VqvaeSpec;
    /// Encoder and decoder; the decoder unpools at the places of the encoder's maxima.
    Segnet = "segnet" in segnet::SegnetSpec;
    /// ResNet-34 encoder with a light decoder.
    Linknet = "linknet" in linknet::LinknetSpec;
}

impl ModelSpec {
    /// The network called `name` in its published sizes, except for those `changed`: JSON numbers by field name.
    ///
    /// # Errors
    /// Fails, in words, if there is no such network or it has no such field.
    pub fn named(name: &str, changed: serde_json::Map<String, serde_json::Value>) -> std::result::Result<Self, String> {
        let choice = serde_json::Map::from_iter([(name.to_owned(), changed.into())]);
        serde_json::from_value(choice.into()).map_err(|e| e.to_string())
    }

    /// Checks its sizes. The error names the invalid field, below `model`, and the expected value.
    pub fn check(&self) -> std::result::Result<(), (String, String)> {
        self.sizes().check().map_err(|(field, expected)| (format!("{}.{field}", self.name()), expected))
    }

    /// Checks that the side `size` (pixels) is possible; the error says which sides are.
    pub fn check_size(&self, size: u32) -> std::result::Result<(), String> {
        let Sides { step, least, why, .. } = self.sizes().sides();
        if size.is_multiple_of(step) && (least..=Sides::MOST).contains(&size) {
            return Ok(());
        }
        let kind = if step == 1 { "a whole number".to_owned() } else { format!("a multiple of {step}") };
        Err(format!("{kind} in {least}..={}: {why}", Sides::MOST))
    }

    /// The procedure of training and testing under `protocol`. A network without published numbers has only one
    /// procedure.
    pub fn procedure(&self, protocol: Protocol) -> &'static Procedure {
        match (protocol, self.sizes().published()) {
            (Protocol::Published, Some(published)) => &published.procedure,
            _ => &procedure::CORRECTED,
        }
    }

    /// The name of the metric that is called Dice under `protocol`.
    pub(crate) fn dice(&self, protocol: Protocol) -> &'static str {
        match (protocol, self.sizes().published()) {
            (Protocol::Published, Some(published)) => published.dice.metric().name,
            _ => dice::MACRO.name,
        }
    }

    /// Returns true if its pretraining depends on the protocol. If not, both protocols share it.
    pub fn pretrains_by_protocol(&self) -> bool {
        let [published, corrected] = [Protocol::Published, Protocol::Corrected].map(|p| self.procedure(p).finish);
        published != corrected
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
        let network = spec.sizes().build(&builder)?;
        Ok(Self { spec: spec.clone(), network, state: builder.finish(), device: device.clone() })
    }

    /// The settings of the network.
    pub fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    /// The device of its tensors.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// All its tensors by name.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Number of trainable values.
    pub fn parameter_count(&self) -> u64 {
        self.state.values().filter(|e| e.role == Role::Parameter).map(|e| e.var.elem_count() as u64).sum()
    }

    /// Runs the forward pass.
    pub fn forward(&self, x: &Tensor, mode: Mode) -> Result<Output> {
        let weights = self.state.values().filter(|e| e.role == Role::Parameter && e.var.rank() == 4);
        let scope = ops::NetworkScope::enter(&self.device, weights.map(|e| e.var.as_tensor()))?;
        let out = self.network.forward(&scope.input(x)?, mode)?;
        Ok(Output { channels: scope.output(&out.channels)?, ..out })
    }
}
