//! VQ-VAE: Sonnet's convolutional encoder and decoder around a vector quantiser.
//!
//! van den Oord, Vinyals, Kavukcuoglu: Neural Discrete Representation Learning, 2017. Parameters have the names of the
//! published checkpoints.

use super::{
    Finish, Mode, Network, Output, Procedure, Published, Sides, Sizes,
    layers::{Conv2d, ConvTranspose2d, Kernel, ResidualBlock},
    quantizer::Quantizer,
    state::Builder,
};
use crate::ops::BeforeRelu;
use candle_core::{Result, Tensor};
use harness_record::vocabulary::PrintedDice;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The sizes of a VQ-VAE. The default is the published network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct VqvaeSpec {
    /// Channels of the encoder's and decoder's maps; even.
    pub width: usize,
    /// Residual blocks of each stack.
    pub depth: usize,
    /// Channels inside a residual block.
    pub inner: usize,
    /// Dimensions of a code.
    pub dim: usize,
    /// Codes in the codebook.
    pub codes: usize,
    /// Decay of the codebook's moving averages, in 0..1.
    pub decay: f64,
    /// Laplace smoothing of the codes' counts.
    pub eps: f64,
    /// Weight of the commitment loss.
    pub commitment: f64,
    /// Restarts codes that are hardly used: a code whose moving average is below this many vectors per step takes the place
    /// of a random vector of the batch. Never, if absent, as in the published work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart_below: Option<f64>,
}

impl Default for VqvaeSpec {
    fn default() -> Self {
        Self {
            width: 256,
            depth: 4,
            inner: 256,
            dim: 64,
            codes: 512,
            decay: 0.99,
            eps: 1e-5,
            commitment: 0.25,
            restart_below: None,
        }
    }
}

/// The procedure that produced the published numbers.
const PUBLISHED: Published = Published {
    imagenet: false,
    // The program never put it into evaluation mode, so its codebook keeps moving during the test.
    procedure: Procedure { later_epochs: Mode::Train, test: Mode::Train, finish: Finish::AsItIs },
    dice: PrintedDice::Soft,
};

impl Sizes for VqvaeSpec {
    fn check(&self) -> std::result::Result<(), (&'static str, String)> {
        let within = |field, value: usize, least: usize, most: usize| {
            if (least..=most).contains(&value) {
                Ok(())
            } else {
                Err((field, format!("a whole number in {least}..={most}")))
            }
        };
        within("width", self.width, 2, 4096)?;
        if self.width % 2 == 1 {
            return Err(("width", "an even number: the outer layers have half as many channels".into()));
        }
        within("depth", self.depth, 0, 64)?;
        within("inner", self.inner, 1, 4096)?;
        within("dim", self.dim, 1, 4096)?;
        within("codes", self.codes, 2, 1 << 16)?;
        if !(self.decay > 0.0 && self.decay < 1.0) {
            return Err(("decay", "a number above 0 and below 1".into()));
        }
        if !(self.eps > 0.0 && self.eps < 1.0) {
            return Err(("eps", "a number above 0 and below 1".into()));
        }
        if !(self.commitment >= 0.0 && self.commitment.is_finite()) {
            return Err(("commitment", "a number of at least 0".into()));
        }
        if self.restart_below.is_some_and(|least| !(least > 0.0 && least.is_finite())) {
            return Err(("restart_below", "a number of vectors above 0, or nothing".into()));
        }
        Ok(())
    }

    fn sides(&self) -> Sides {
        Sides { step: 4, least: 8, usual: 120, why: "the VQ-VAE halves an image twice" }
    }

    fn published(&self) -> Option<&'static Published> {
        Some(&PUBLISHED)
    }

    fn is_published(&self) -> bool {
        *self == Self::default()
    }

    fn describe(&self) -> String {
        let Self { width, depth, inner, dim, codes, .. } = self;
        let restart = self.restart_below.map(|least| format!(", restarted below {least} vectors per step"));
        let restart = restart.unwrap_or_default();
        format!("VQ-VAE, {width} wide, {depth} residual blocks of {inner}, {codes} codes of {dim}{restart}")
    }

    fn penalty_in_words(&self) -> String {
        format!(" + {} × commitment", self.commitment)
    }

    fn build(&self, at: &Builder) -> Result<Box<dyn Network>> {
        Ok(Box::new(Vqvae::new(self, at)?))
    }
}

/// A stack of `depth` residual blocks. A ReLU follows it.
#[derive(Debug)]
struct ResidualStack {
    blocks: Vec<ResidualBlock>,
}

impl ResidualStack {
    fn new(spec: &VqvaeSpec, at: &Builder) -> Result<Self> {
        let block = |i| {
            let at = at.enter("layers").enter(i);
            ResidualBlock::new(spec.width, spec.inner, &at.enter(1), &at.enter(3))
        };
        Ok(Self { blocks: (0..spec.depth).map(block).collect::<Result<_>>()? })
    }

    fn forward(&self, x: Tensor) -> Result<BeforeRelu> {
        BeforeRelu::new(&self.blocks.iter().try_fold(x, |x, block| block.forward(&x))?)
    }
}

/// The network: `[B, 3, S, S] -> [B, 3, S, S]` through `[B, D, S/4, S/4]` codes.
#[derive(Debug)]
struct Vqvae {
    down: [Conv2d; 3],
    encoder_stack: ResidualStack,
    pre_vq: Conv2d,
    quantizer: Quantizer,
    up: Conv2d,
    decoder_stack: ResidualStack,
    out: [ConvTranspose2d; 2],
    commitment: f64,
}

impl Vqvae {
    fn new(spec: &VqvaeSpec, at: &Builder) -> Result<Self> {
        let (width, half) = (spec.width, spec.width / 2);
        let (encoder, decoder) = (at.enter("encoder"), at.enter("decoder"));
        let layer = |i| encoder.enter("layers").enter(i);
        let halving = Kernel::new(4, 2, 1);
        let same = Kernel::new(3, 1, 1);
        Ok(Self {
            down: [
                Conv2d::new(3, half, halving, &layer(0).enter(0))?,
                Conv2d::new(half, width, halving, &layer(1).enter(0))?,
                Conv2d::new(width, width, same, &layer(2))?,
            ],
            encoder_stack: ResidualStack::new(spec, &encoder.enter("residual_stack"))?,
            pre_vq: Conv2d::new(width, spec.dim, Kernel::new(1, 1, 0), &at.enter("pre_vq_conv"))?,
            quantizer: Quantizer::new(spec, &at.enter("vq"))?,
            up: Conv2d::new(spec.dim, width, same, &decoder.enter("conv"))?,
            decoder_stack: ResidualStack::new(spec, &decoder.enter("residual_stack"))?,
            out: [
                ConvTranspose2d::new(width, half, halving, &decoder.enter("upconv").enter("up0"))?,
                ConvTranspose2d::new(half, 3, halving, &decoder.enter("upconv").enter("up1"))?,
            ],
            commitment: spec.commitment,
        })
    }
}

impl Network for Vqvae {
    fn forward(&self, x: &Tensor, mode: Mode) -> Result<Output> {
        let x = self.down[0].before_relu(x)?; // [B, 3, S, S] -> [B, W/2, S/2, S/2]
        let x = self.down[1].before_relu(&x)?; // -> [B, W, S/4, S/4]
        let x = self.encoder_stack.forward(self.down[2].forward(&x)?)?;
        let quantized = self.quantizer.forward(&self.pre_vq.forward(&x)?, mode)?; // -> [B, D, S/4, S/4]
        let x = self.decoder_stack.forward(self.up.forward(&quantized.codes)?)?; // -> [B, W, S/4, S/4]
        let x = self.out[0].before_relu(&x)?; // -> [B, W/2, S/2, S/2]
        Ok(Output {
            channels: self.out[1].forward(&x)?, // -> [B, 3, S, S]
            penalty: Some((quantized.commitment.clone(), self.commitment)),
            commitment: Some(quantized.commitment),
            code_counts: Some(quantized.counts),
        })
    }

    fn counters(&self) -> Vec<(&'static str, u64)> {
        vec![("vq.pushes", self.quantizer.pushes())]
    }

    fn set_counter(&self, name: &str, value: u64) {
        if name == "vq.pushes" {
            self.quantizer.set_pushes(value);
        }
    }

    fn recover_counters(&self) -> Result<()> {
        self.quantizer.recover_pushes()
    }
}
