//! The two ways in which numbers are obtained.
//!
//! The published programs did odd things, each network's its own; a reproduction has to do them as well. They are all here,
//! by the network's name in specs ([`crate::models::ModelSpec::name`]).

use crate::{models::Mode, ops};
use candle_core::{Result, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a network is trained and tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// As the printed numbers were really obtained. The VQ-VAE is never put in evaluation mode, so that its codebook goes on
    /// moving while it is tested. LinkNet is put in evaluation mode after its first epoch and never back, so that its batch
    /// norm is frozen while it trains. The SegNet's output is divided by the largest value of the batch.
    Published,
    /// Training mode to train, evaluation mode for validation and test, and the output as the network gives it.
    Corrected,
}

impl Protocol {
    /// Its name in specs and records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Corrected => "corrected",
        }
    }

    /// The mode in which `model` is fine-tuned in `epoch` (counted from 1).
    pub fn training_mode(self, model: &str, epoch: u32) -> Mode {
        match (self, model) {
            (Self::Published, "linknet") if epoch > 1 => Mode::Evaluate,
            _ => Mode::Train,
        }
    }

    /// The mode in which a fine-tuned `model` is validated and tested.
    pub fn test_mode(self, model: &str) -> Mode {
        match (self, model) {
            (Self::Published, "vqvae") => Mode::Train,
            _ => Mode::Evaluate,
        }
    }

    /// What losses and scores see of the output `channels` `[B, C, S, S]` of `model`. Depends on the whole batch where the
    /// output is divided by its largest value.
    pub fn finish(self, model: &str, channels: &Tensor) -> Result<Tensor> {
        match (self, model) {
            (Self::Published, "segnet") => ops::divide_by_maximum(channels),
            _ => Ok(channels.clone()),
        }
    }
}

impl Protocol {
    /// Name of the metric that was, or is, called Dice.
    pub(crate) fn dice(self, model: &str) -> &'static str {
        match (self, model) {
            (Self::Published, "linknet") => "batch_dice",
            (Self::Published, _) => "soft_dice",
            (Self::Corrected, _) => "dice",
        }
    }
}

/// Whether pretraining of `model` depends on the protocol. Where it does not, both protocols share it.
pub fn pretraining_protocol(model: &str) -> bool {
    model == "segnet"
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    #[test]
    fn only_the_published_programs_have_their_quirks() {
        use Protocol::{Corrected, Published};
        let modes = |protocol: Protocol, model| {
            [protocol.training_mode(model, 1), protocol.training_mode(model, 2), protocol.test_mode(model)]
        };
        let (train, test) = (Mode::Train, Mode::Evaluate);
        assert_eq!(modes(Published, "vqvae"), [train, train, train]);
        assert_eq!(modes(Published, "segnet"), [train, train, test]);
        assert_eq!(modes(Published, "linknet"), [train, test, test]);
        for model in ["vqvae", "segnet", "linknet"] {
            assert_eq!(modes(Corrected, model), [train, train, test], "{model}");
        }
        assert_eq!(["vqvae", "segnet", "linknet"].map(pretraining_protocol), [false, true, false]);
    }

    #[test]
    fn only_the_published_segnet_is_divided_by_its_largest_output() {
        let x = Var::new(&[[[[1f32, -2.0], [4.0, 0.5]]]], &Device::Cpu).unwrap();
        let values = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let finished = |protocol: Protocol, model| protocol.finish(model, x.as_tensor()).unwrap();
        let divided = finished(Protocol::Published, "segnet");
        assert_eq!(values(&divided), [0.25, -0.5, 1.0, 0.125]);
        assert_eq!(values(&finished(Protocol::Published, "vqvae")), values(x.as_tensor()));
        assert_eq!(values(&finished(Protocol::Corrected, "segnet")), values(x.as_tensor()));
        // d Σ(w·x/m) = w/m, and at the largest value additionally −Σ(w·x)/m²: with w = 1, −3.5/16.
        let gradients = divided.sum_all().unwrap().backward().unwrap();
        assert_eq!(values(gradients.get(x.as_tensor()).unwrap()), [0.25, 0.25, 0.25 - 3.5 / 16.0, 0.25]);
    }
}
