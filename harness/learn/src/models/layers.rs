//! Layers with weights. They are initialised as in PyTorch: convolutions uniform in ±1/√fan-in, weight and bias alike, and
//! batch norm as the identity.

use super::{
    Mode,
    state::{Builder, Init},
};
use crate::ops::{self, After, BeforeRelu, Input, Moving};
use candle_core::{Result, Tensor, Var};

/// The sizes of a square convolution.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kernel {
    pub(super) side: usize,
    pub(super) stride: usize,
    pub(super) padding: usize,
}

impl Kernel {
    pub(super) const fn new(side: usize, stride: usize, padding: usize) -> Self {
        Self { side, stride, padding }
    }
}

/// `[B, inputs, H, W] -> [B, outputs, H', W']`.
#[derive(Debug)]
pub(super) struct Conv2d {
    weight: Tensor,
    bias: Option<Tensor>,
    kernel: Kernel,
}

impl Conv2d {
    pub(super) fn new(inputs: usize, outputs: usize, kernel: Kernel, at: &Builder) -> Result<Self> {
        let bias = at.parameter("bias", outputs, Self::init(inputs, kernel))?;
        Ok(Self { bias: Some(bias), ..Self::without_bias(inputs, outputs, kernel, at)? })
    }

    /// A convolution without bias, to be followed by a batch norm, which would cancel a bias.
    pub(super) fn without_bias(inputs: usize, outputs: usize, kernel: Kernel, at: &Builder) -> Result<Self> {
        let shape = (outputs, inputs, kernel.side, kernel.side);
        Ok(Self { weight: at.parameter("weight", shape, Self::init(inputs, kernel))?, bias: None, kernel })
    }

    fn init(inputs: usize, kernel: Kernel) -> Init {
        Init::Uniform(1.0 / ((inputs * kernel.side * kernel.side) as f32).sqrt())
    }

    pub(super) fn forward<'a>(&self, x: impl Into<Input<'a>>) -> Result<Tensor> {
        ops::conv2d(x, &self.weight, self.bias.as_ref(), self.kernel.stride, self.kernel.padding)
    }

    /// [`forward`](Self::forward), of whose result only the ReLU is read.
    pub(super) fn before_relu<'a>(&self, x: impl Into<Input<'a>>) -> Result<BeforeRelu> {
        ops::conv2d_before_relu(x, &self.weight, self.bias.as_ref(), self.kernel.stride, self.kernel.padding)
    }
}

/// `x + conv1×1(relu(conv3×3(relu(x))))`, with output and input of the same shape.
#[derive(Debug)]
pub(super) struct ResidualBlock {
    wide: (Tensor, Tensor),
    narrow: (Tensor, Tensor),
}

impl ResidualBlock {
    /// Creates the block. Input and output have `channels`; there are `inner` channels between the two convolutions, which are
    /// stored under `wide` and `narrow`.
    pub(super) fn new(channels: usize, inner: usize, wide: &Builder, narrow: &Builder) -> Result<Self> {
        let parameters = |inputs: usize, outputs: usize, kernel: Kernel, at: &Builder| {
            let init = Conv2d::init(inputs, kernel);
            let weight = at.parameter("weight", (outputs, inputs, kernel.side, kernel.side), init)?;
            Ok::<_, candle_core::Error>((weight, at.parameter("bias", outputs, init)?))
        };
        Ok(Self {
            wide: parameters(channels, inner, Kernel::new(3, 1, 1), wide)?,
            narrow: parameters(inner, channels, Kernel::new(1, 1, 0), narrow)?,
        })
    }

    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let both = |pair| -> (&Tensor, &Tensor) {
            let (weight, bias): &(Tensor, Tensor) = pair;
            (weight, bias)
        };
        ops::residual_block(x, both(&self.wide), both(&self.narrow))
    }
}

/// `[B, inputs, H, W] -> [B, outputs, H', W']`, enlarged by the stride.
#[derive(Debug)]
pub(super) struct ConvTranspose2d {
    weight: Tensor,
    bias: Tensor,
    kernel: Kernel,
    output_padding: usize,
}

impl ConvTranspose2d {
    pub(super) fn new(inputs: usize, outputs: usize, kernel: Kernel, at: &Builder) -> Result<Self> {
        let side = kernel.side;
        // PyTorch takes the fan-in from the second dimension, which is the number of outputs here.
        let init = Init::Uniform(1.0 / ((outputs * side * side) as f32).sqrt());
        let weight = at.parameter("weight", (inputs, outputs, side, side), init)?;
        let bias = at.parameter("bias", outputs, init)?;
        Ok(Self { weight, bias, kernel, output_padding: 0 })
    }

    /// Adds `output_padding` rows at the bottom and columns on the right, to reach sizes that the stride alone does not.
    pub(super) fn padded(self, output_padding: usize) -> Self {
        Self { output_padding, ..self }
    }

    pub(super) fn forward<'a>(&self, x: impl Into<Input<'a>>) -> Result<Tensor> {
        let Kernel { stride, padding, .. } = self.kernel;
        ops::conv_transpose2d(x, &self.weight, &self.bias, stride, padding, self.output_padding)
    }

    /// [`forward`](Self::forward), of whose result only the ReLU is read.
    pub(super) fn before_relu<'a>(&self, x: impl Into<Input<'a>>) -> Result<BeforeRelu> {
        let Kernel { stride, padding, .. } = self.kernel;
        ops::conv_transpose2d_before_relu(x, &self.weight, &self.bias, stride, padding, self.output_padding)
    }
}

/// Batch normalisation of each channel over batch, height and width.
///
/// Ioffe, Szegedy: Batch Normalization, 2015; PyTorch's `BatchNorm2d` with its default ε and momentum. Training normalises by
/// the batch's own mean and biased variance, and moves the running statistics towards the batch's mean and unbiased variance.
/// Evaluation normalises by the running statistics. PyTorch's `num_batches_tracked` is not kept: nothing reads it while the
/// momentum is fixed, and PyTorch fills it in when it loads a plain dictionary of tensors.
#[derive(Debug)]
pub(super) struct BatchNorm2d {
    weight: Tensor,
    bias: Tensor,
    mean: Var,
    variance: Var,
}

impl BatchNorm2d {
    const EPSILON: f64 = 1e-5;
    const MOMENTUM: f64 = 0.1;

    pub(super) fn new(channels: usize, at: &Builder) -> Result<Self> {
        Ok(Self {
            weight: at.parameter("weight", channels, Init::Constant(1.0))?,
            bias: at.parameter("bias", channels, Init::Constant(0.0))?,
            mean: at.buffer("running_mean", channels, Init::Constant(0.0))?,
            variance: at.buffer("running_var", channels, Init::Constant(1.0))?,
        })
    }

    pub(super) fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor> {
        self.normalize(x, mode, After::default())
    }

    /// [`forward`](Self::forward) followed by a ReLU, in the same pass.
    pub(super) fn forward_relu(&self, x: &Tensor, mode: Mode) -> Result<Tensor> {
        self.normalize(x, mode, After { add: None, relu: true })
    }

    /// [`forward`](Self::forward) plus `added`, followed by a ReLU, in the same pass.
    pub(super) fn forward_add_relu(&self, x: &Tensor, added: &Tensor, mode: Mode) -> Result<Tensor> {
        self.normalize(x, mode, After { add: Some(added), relu: true })
    }

    fn normalize(&self, x: &Tensor, mode: Mode, after: After<'_>) -> Result<Tensor> {
        // Detached, so that no gradient is computed for buffers.
        let (mean, variance) = (self.mean.as_detached_tensor(), self.variance.as_detached_tensor());
        if mode == Mode::Evaluate {
            return ops::batch_norm_fixed(x, &mean, &variance, &self.weight, &self.bias, Self::EPSILON, after);
        }
        let moving = Moving { mean: &mean, variance: &variance, momentum: Self::MOMENTUM };
        Ok(ops::batch_norm(x, &self.weight, &self.bias, Self::EPSILON, Some(moving), after)?.output)
    }
}
