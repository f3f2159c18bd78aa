//! The two ways in which numbers are obtained.

use crate::{models::Mode, ops};
use candle_core::{Result, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a network is fine-tuned and tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// As the printed numbers were really obtained: cross-entropy of sigmoids, and a network that is never put in
    /// evaluation mode, so that its codebook goes on moving while it is tested.
    Published,
    /// Cross-entropy of logits, and evaluation mode for validation and test.
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

    /// The mode in which a network is validated and tested.
    pub fn test_mode(self) -> Mode {
        match self {
            Self::Published => Mode::Train,
            Self::Corrected => Mode::Evaluate,
        }
    }

    /// What the segmentation loss takes as logits, of a network's output.
    pub fn logits(self, channels: &Tensor) -> Result<Tensor> {
        match self {
            Self::Published => ops::sigmoid(channels),
            Self::Corrected => Ok(channels.clone()),
        }
    }
}
