//! What a network's file provides: a description of its sizes, and the forward pass.

use super::{Builder, Mode, Published};
use crate::ops;
use candle_core::{Result, Tensor};

/// The description that a network's file gives of a network with these sizes.
pub trait Sizes {
    /// Checks the sizes. The error names the invalid field and the expected value.
    fn check(&self) -> std::result::Result<(), (&'static str, String)>;

    /// The image sizes that it takes.
    fn sides(&self) -> Sides;

    /// The procedure that produced its published numbers. `None` if none were published.
    fn published(&self) -> Option<&'static Published> {
        None
    }

    /// Returns true if these are the sizes of the published network.
    fn is_published(&self) -> bool {
        false
    }

    /// A short description for the report.
    fn describe(&self) -> String;

    /// The penalty that it adds to a loss, to be appended to the loss's description: ` + 0.25 × commitment`, or nothing.
    fn penalty_in_words(&self) -> String {
        String::new()
    }

    /// Returns true if its encoder has the layers of a ResNet-34. In its published sizes it can start from pretrained weights.
    fn has_resnet34(&self) -> bool {
        false
    }

    /// Creates the network with new weights.
    fn build(&self, at: &Builder) -> Result<Box<dyn Network>>;
}

/// The sides of the square images that a network takes, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sides {
    /// Every side is a multiple of this.
    pub step: u32,
    /// The smallest side.
    pub least: u32,
    /// The default side: that of the published work, if there is one.
    pub usual: u32,
    /// The reason, as a clause: `SegNet halves an image four times`.
    pub why: &'static str,
}

impl Sides {
    /// The largest side of any network, in pixels.
    pub(super) const MOST: u32 = 2048;
}

/// The output of a network.
#[derive(Debug)]
pub struct Output {
    /// `[B, 3, S, S]`: RGB in pretraining; logits of pet, background and border in segmentation. SegNet's are at least 0 and
    /// not yet divided by the batch's maximum.
    pub channels: Tensor,
    /// The penalty that the network adds to the loss (a scalar), and its weight.
    pub penalty: Option<(Tensor, f64)>,
    /// The commitment loss without its weight (a scalar).
    pub commitment: Option<Tensor>,
    /// Number of vectors assigned to each code of a codebook in this batch, `[K]`. [`crate::ops::perplexity`] turns it into the number
    /// of codes in use.
    pub code_counts: Option<Tensor>,
}

impl Output {
    /// `error` plus the network's penalty (scalars).
    pub fn loss(&self, error: &Tensor) -> Result<Tensor> {
        let penalty = self.penalty.iter().map(|(penalty, weight)| (penalty, *weight));
        ops::weighted_sum(&[(error, 1.0)].into_iter().chain(penalty).collect::<Vec<_>>())
    }
}

/// A network's forward pass.
pub trait Network: std::fmt::Debug {
    /// `[B, 3, S, S] -> [B, 3, S, S]`.
    fn forward(&self, x: &Tensor, mode: Mode) -> Result<Output>;

    /// Integer counters that belong to its state, beside the tensors.
    fn counters(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }

    /// Restores a counter.
    fn set_counter(&self, _name: &str, _value: u64) {}

    /// Recomputes the counters from the tensors, after loading a file without counters.
    fn recover_counters(&self) -> Result<()> {
        Ok(())
    }
}
