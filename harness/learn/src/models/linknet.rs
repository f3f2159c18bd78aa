//! LinkNet: a ResNet-34 encoder whose feature maps are added to those of a light decoder.
//!
//! Chaurasia, Culurciello: LinkNet, 2017; He, Zhang, Ren, Sun: Deep Residual Learning, 2015. Parameters have the names of the
//! published checkpoints.

use super::{
    Finish, Mode, Network, Output, Procedure, Published, Sides, Sizes,
    layers::{BatchNorm2d, Conv2d, ConvTranspose2d, Kernel},
    state::Builder,
};
use crate::ops;
use candle_core::{Result, Tensor};
use harness_record::vocabulary::PrintedDice;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The sizes of a LinkNet. The default is the published network, whose encoder is a ResNet-34.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LinknetSpec {
    /// Channels of the outermost maps; the inner ones have 2, 4 and 8 times as many. A multiple of 4.
    pub width: usize,
}

impl Default for LinknetSpec {
    fn default() -> Self {
        Self { width: 64 }
    }
}

/// The procedure that produced the published numbers.
const PUBLISHED: Published = Published {
    imagenet: true,
    // The program put it into evaluation mode after the first epoch and never back, so its batch norm is frozen in training.
    procedure: Procedure { later_epochs: Mode::Evaluate, test: Mode::Evaluate, finish: Finish::AsItIs },
    dice: PrintedDice::Batch,
};

impl Sizes for LinknetSpec {
    fn check(&self) -> std::result::Result<(), (&'static str, String)> {
        if self.width.is_multiple_of(4) && (4..=1024).contains(&self.width) {
            Ok(())
        } else {
            Err(("width", "a multiple of 4 in 4..=1024: the decoder works on a quarter of the channels".into()))
        }
    }

    fn sides(&self) -> Sides {
        Sides { step: 32, least: 32, usual: 256, why: "LinkNet halves an image five times" }
    }

    fn published(&self) -> Option<&'static Published> {
        Some(&PUBLISHED)
    }

    fn is_published(&self) -> bool {
        *self == Self::default()
    }

    fn describe(&self) -> String {
        format!("LinkNet, {} to {} channels, ResNet-34 encoder", self.width, 8 * self.width)
    }

    fn has_resnet34(&self) -> bool {
        true
    }

    fn build(&self, at: &Builder) -> Result<Box<dyn Network>> {
        Ok(Box::new(Linknet::new(self, at)?))
    }
}

/// A residual block of two 3×3 convolutions: `[B, inputs, H, W] -> [B, outputs, H/stride, W/stride]`.
#[derive(Debug)]
struct Residual {
    first: (Conv2d, BatchNorm2d),
    second: (Conv2d, BatchNorm2d),
    /// Adapts the input to the output's shape, where the two differ.
    shortcut: Option<(Conv2d, BatchNorm2d)>,
}

impl Residual {
    fn new(inputs: usize, outputs: usize, stride: usize, at: &Builder) -> Result<Self> {
        let part = |inputs, kernel, conv: &Builder, norm: &Builder| {
            Ok::<_, candle_core::Error>((
                Conv2d::without_bias(inputs, outputs, kernel, conv)?,
                BatchNorm2d::new(outputs, norm)?,
            ))
        };
        let shortcut = (stride != 1 || inputs != outputs).then(|| {
            let at = at.enter("downsample");
            part(inputs, Kernel::new(1, stride, 0), &at.enter(0), &at.enter(1))
        });
        Ok(Self {
            first: part(inputs, Kernel::new(3, stride, 1), &at.enter("conv1"), &at.enter("bn1"))?,
            second: part(outputs, Kernel::new(3, 1, 1), &at.enter("conv2"), &at.enter("bn2"))?,
            shortcut: shortcut.transpose()?,
        })
    }

    fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor> {
        let (conv, norm) = &self.first;
        let y = norm.forward_relu(&conv.forward(x)?, mode)?;
        let added = match &self.shortcut {
            Some((conv, norm)) => norm.forward(&conv.forward(x)?, mode)?,
            None => x.clone(),
        };
        let (conv, norm) = &self.second;
        norm.forward_add_relu(&conv.forward(&y)?, &added, mode)
    }
}

/// A sequence of residual blocks, the first of which may change the shape.
#[derive(Debug)]
struct Encoder {
    blocks: Vec<Residual>,
}

impl Encoder {
    fn new(inputs: usize, outputs: usize, depth: usize, stride: usize, at: &Builder) -> Result<Self> {
        let block = |i| match i {
            0 => Residual::new(inputs, outputs, stride, &at.enter(i)),
            _ => Residual::new(outputs, outputs, 1, &at.enter(i)),
        };
        Ok(Self { blocks: (0..depth).map(block).collect::<Result<_>>()? })
    }

    fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor> {
        self.blocks.iter().try_fold(x.clone(), |x, block| block.forward(&x, mode))
    }
}

/// Doubles a map's height and width through a bottleneck: `[B, inputs, H, W] -> [B, outputs, 2H, 2W]`.
#[derive(Debug)]
struct Decoder {
    narrow: (Conv2d, BatchNorm2d),
    double: (ConvTranspose2d, BatchNorm2d),
    widen: (Conv2d, BatchNorm2d),
}

impl Decoder {
    fn new(inputs: usize, outputs: usize, at: &Builder) -> Result<Self> {
        let inner = inputs / 4;
        let one = Kernel::new(1, 1, 0);
        let norm = |channels, name: &str| BatchNorm2d::new(channels, &at.enter(name));
        let double = ConvTranspose2d::new(inner, inner, Kernel::new(3, 2, 1), &at.enter("deconv2"))?.padded(1);
        Ok(Self {
            narrow: (Conv2d::new(inputs, inner, one, &at.enter("conv1"))?, norm(inner, "norm1")?),
            double: (double, norm(inner, "norm2")?),
            widen: (Conv2d::new(inner, outputs, one, &at.enter("conv3"))?, norm(outputs, "norm3")?),
        })
    }

    fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor> {
        let x = self.narrow.1.forward_relu(&self.narrow.0.forward(x)?, mode)?;
        let x = self.double.1.forward_relu(&self.double.0.forward(&x)?, mode)?;
        self.widen.1.forward_relu(&self.widen.0.forward(&x)?, mode)
    }
}

/// The network: `[B, 3, S, S] -> [B, 3, S, S]`, where S is a multiple of 32.
#[derive(Debug)]
struct Linknet {
    stem: (Conv2d, BatchNorm2d),
    encoders: [Encoder; 4],
    /// The decoders, from the innermost to the outermost.
    decoders: [Decoder; 4],
    double: ConvTranspose2d,
    smooth: Conv2d,
    classify: Conv2d,
}

impl Linknet {
    fn new(spec: &LinknetSpec, at: &Builder) -> Result<Self> {
        let w = spec.width;
        let encoder = |name: &str, inputs, outputs, depth, stride| {
            Encoder::new(inputs, outputs, depth, stride, &at.enter(name)) //
        };
        let decoder = |name: &str, inputs, outputs| Decoder::new(inputs, outputs, &at.enter(name));
        let stem = Conv2d::without_bias(3, w, Kernel::new(7, 2, 3), &at.enter("conv"))?;
        Ok(Self {
            stem: (stem, BatchNorm2d::new(w, &at.enter("bn"))?),
            encoders: [
                encoder("encoder1", w, w, 3, 1)?,
                encoder("encoder2", w, 2 * w, 4, 2)?,
                encoder("encoder3", 2 * w, 4 * w, 6, 2)?,
                encoder("encoder4", 4 * w, 8 * w, 3, 2)?,
            ],
            decoders: [
                decoder("decoder4", 8 * w, 4 * w)?,
                decoder("decoder3", 4 * w, 2 * w)?,
                decoder("decoder2", 2 * w, w)?,
                decoder("decoder1", w, w)?,
            ],
            double: ConvTranspose2d::new(w, w / 2, Kernel::new(3, 2, 0), &at.enter("finaldeconv"))?,
            smooth: Conv2d::new(w / 2, w / 2, Kernel::new(3, 1, 0), &at.enter("finalconv2"))?,
            classify: Conv2d::new(w / 2, 3, Kernel::new(2, 1, 1), &at.enter("finalconv3"))?,
        })
    }
}

impl Network for Linknet {
    fn forward(&self, x: &Tensor, mode: Mode) -> Result<Output> {
        let x = self.stem.1.forward_relu(&self.stem.0.forward(x)?, mode)?; // [B, 3, S, S] -> [B, W, S/2, S/2]
        let x = ops::max_pool2d(&x, 3, 2, 1)?.values; // -> [B, W, S/4, S/4]
        let [first, second, third, fourth] = &self.encoders;
        let e1 = first.forward(&x, mode)?; // -> [B, W, S/4, S/4]
        let e2 = second.forward(&e1, mode)?; // -> [B, 2W, S/8, S/8]
        let e3 = third.forward(&e2, mode)?; // -> [B, 4W, S/16, S/16]
        let e4 = fourth.forward(&e3, mode)?; // -> [B, 8W, S/32, S/32]
        let [d4, d3, d2, d1] = &self.decoders;
        let x = ops::add(&d4.forward(&e4, mode)?, &e3)?;
        let x = ops::add(&d3.forward(&x, mode)?, &e2)?;
        let x = ops::add(&d2.forward(&x, mode)?, &e1)?; // -> [B, W, S/4, S/4]
        let x = d1.forward(&x, mode)?; // -> [B, W, S/2, S/2]
        let x = self.double.before_relu(&x)?; // -> [B, W/2, S+1, S+1]
        let x = self.smooth.before_relu(&x)?; // -> [B, W/2, S−1, S−1]
        let channels = self.classify.forward(&x)?; // -> [B, 3, S, S]
        Ok(Output { channels, penalty: None, commitment: None, code_counts: None })
    }
}
