//! SegNet: a convolutional encoder, and a decoder that undoes each pooling at the places of its maxima.
//!
//! Badrinarayanan, Kendall, Cipolla: SegNet, 2017, with the published number of layers. Parameters have the names of the
//! published checkpoints.

use super::{
    Finish, Mode, Network, Output, Procedure, Published, Sides, Sizes,
    layers::{BatchNorm2d, Conv2d, Kernel},
    state::Builder,
};
use crate::ops;
use candle_core::{Result, Tensor};
use harness_record::vocabulary::PrintedDice;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The sizes of a SegNet. The default is the published network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SegnetSpec {
    /// Channels of the outermost maps; the inner ones have 2, 4 and 8 times as many.
    pub width: usize,
}

impl Default for SegnetSpec {
    fn default() -> Self {
        Self { width: 64 }
    }
}

/// The procedure that produced the published numbers.
const PUBLISHED: Published = Published {
    imagenet: false,
    // Only the VQ-VAE is known to have stayed in training mode throughout.
    procedure: Procedure { later_epochs: Mode::Train, test: Mode::Evaluate, finish: Finish::DividedByMaximum },
    dice: PrintedDice::Soft,
};

impl Sizes for SegnetSpec {
    fn check(&self) -> std::result::Result<(), (&'static str, String)> {
        if (1..=1024).contains(&self.width) { Ok(()) } else { Err(("width", "a whole number in 1..=1024".into())) }
    }

    fn sides(&self) -> Sides {
        Sides { step: 1, least: 16, usual: 120, why: "SegNet halves an image four times" }
    }

    fn published(&self) -> Option<&'static Published> {
        Some(&PUBLISHED)
    }

    fn is_published(&self) -> bool {
        *self == Self::default()
    }

    fn describe(&self) -> String {
        format!("SegNet, {} to {} channels", self.width, 8 * self.width)
    }

    fn build(&self, at: &Builder) -> Result<Box<dyn Network>> {
        Ok(Box::new(Segnet::new(self, at)?))
    }
}

/// Several layers of 3×3 convolution, batch norm and ReLU: `[B, inputs, H, W] -> [B, outputs, H, W]`.
#[derive(Debug)]
struct Block {
    layers: Vec<(Conv2d, BatchNorm2d)>,
}

impl Block {
    /// `channels` are the channel counts before the first layer, between layers, and after the last.
    fn new(channels: &[usize], at: &Builder) -> Result<Self> {
        let at = at.enter("seq");
        let layer = |(i, pair): (usize, &[usize])| {
            // Convolutions, batch norms and ReLUs are numbered one by one.
            let conv = Conv2d::without_bias(pair[0], pair[1], Kernel::new(3, 1, 1), &at.enter(3 * i))?;
            Ok((conv, BatchNorm2d::new(pair[1], &at.enter(3 * i + 1))?))
        };
        Ok(Self { layers: channels.windows(2).enumerate().map(layer).collect::<Result<_>>()? })
    }

    fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor> {
        let mut x = x.clone();
        for (conv, norm) in &self.layers {
            x = norm.forward_relu(&conv.forward(&x)?, mode)?;
        }
        Ok(x)
    }
}

/// The network: `[B, 3, S, S] -> [B, 3, S, S]` for any S of at least 16.
///
/// The published network also divides its output by the largest value of the batch. That is part of the procedure that
/// produced its numbers, so the caller does it: [`ops::divide_by_maximum`].
#[derive(Debug)]
struct Segnet {
    input: BatchNorm2d,
    down: [Block; 4],
    up: [Block; 4],
}

impl Segnet {
    fn new(spec: &SegnetSpec, at: &Builder) -> Result<Self> {
        let w = spec.width;
        let block = |name: &str, channels: &[usize]| Block::new(channels, &at.enter(name));
        Ok(Self {
            input: BatchNorm2d::new(3, &at.enter("batch_norm_input"))?,
            down: [
                block("dc_1", &[3, w, w])?,
                block("dc_2", &[w, 2 * w, 2 * w])?,
                block("dc_3", &[2 * w, 4 * w, 4 * w, 4 * w])?,
                block("dc_4", &[4 * w, 8 * w, 8 * w, 8 * w])?,
            ],
            up: [
                block("uc_4", &[8 * w, 8 * w, 8 * w, 4 * w])?,
                block("uc_3", &[4 * w, 4 * w, 4 * w, 2 * w])?,
                block("uc_2", &[2 * w, 2 * w, w])?,
                block("uc_1", &[w, w, 3])?,
            ],
        })
    }
}

impl Network for Segnet {
    fn forward(&self, x: &Tensor, mode: Mode) -> Result<Output> {
        let mut x = self.input.forward(x, mode)?;
        let mut pooled = Vec::new();
        for block in &self.down {
            let y = block.forward(&x, mode)?; // [B, C, H, W] -> [B, C', H, W]
            let (_, _, height, width) = y.dims4()?;
            let pool = ops::max_pool2d(&y, 2, 2, 0)?; // -> [B, C', ⌊H/2⌋, ⌊W/2⌋]
            x = pool.values;
            pooled.push((pool.indices, height, width));
        }
        for block in &self.up {
            if let Some((indices, height, width)) = pooled.pop() {
                x = block.forward(&ops::max_unpool2d(&x, &indices, height, width)?, mode)?;
            }
        }
        Ok(Output { channels: x, penalty: None, commitment: None, code_counts: None })
    }
}
