//! Batch normalisation (Ioffe and Szegedy 2015) with the batch's own or given statistics.

use super::{
    accelerated, add,
    storage::{read, result, tensor, with_slice_mut},
};
use candle_core::{Error, Result, Tensor};
use harness_kernels::{
    isa::Isa,
    normalization::{Normalization, Parameters, Wanted, forward, forward_fixed},
};

/// The result of [`batch_norm`].
#[derive(Debug, Clone)]
pub struct Normalized {
    /// `[B, C, H, W]`
    pub output: Tensor,
    /// The batch's mean, `[C]`, without gradient.
    pub mean: Tensor,
    /// The batch's unbiased variance, `[C]`, without gradient. PyTorch's running averages use it, although the output is
    /// normalised by the biased one.
    pub variance: Tensor,
}

/// Running statistics that a batch moves, in place: `running = (1 − momentum)·running + momentum·batch`.
#[derive(Debug, Clone, Copy)]
pub struct Moving<'a> {
    /// The running mean, `[C]`: a tensor of a variable.
    pub mean: &'a Tensor,
    /// The running variance, `[C]`: a tensor of another variable.
    pub variance: &'a Tensor,
    /// The share of the batch.
    pub momentum: f64,
}

/// What follows a batch normalisation in the same pass.
#[derive(Debug, Clone, Copy, Default)]
pub struct After<'a> {
    /// An image of the same shape that is added.
    pub add: Option<&'a Tensor>,
    /// True if a ReLU comes last.
    pub relu: bool,
}

/// Batch normalisation in training: `(x − mean)/√(variance + epsilon) · weight + bias`, with mean and biased variance of each
/// channel over images and pixels. The gradient passes through both. Running statistics move by the mean and the unbiased
/// variance.
///
/// `x` `[B, C, H, W]`, `weight` and `bias` `[C]`.
///
/// # Errors
/// Fails if the shapes do not fit, or if a channel has fewer than two values, so that its variance has no meaning.
pub fn batch_norm(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    epsilon: f64,
    moving: Option<Moving<'_>>,
    after: After<'_>,
) -> Result<Normalized> {
    let running = moving.map(|moving| [moving.mean, moving.variance]);
    let (channels, pixels) = check(x, [weight, bias].into_iter().chain(running.into_iter().flatten()))?;
    let count = x.dim(0)? * pixels;
    if count < 2 {
        return Err(Error::Msg(format!(
            "batch_norm in training needs at least two values in a channel; {:?} has {count}",
            x.dims()
        )));
    }
    if !x.device().is_cpu() {
        return accelerated::batch_norm(x, weight, bias, epsilon, moving, after);
    }
    let (x, weight, bias) = (x.contiguous()?, weight.contiguous()?, bias.contiguous()?);
    let (output, done) = {
        let (weight, bias) = (read(&weight)?, read(&bias)?);
        let relu = after.relu && after.add.is_none();
        forward(Isa::best(), &read(&x)?, pixels, Parameters { weight: &weight, bias: &bias, epsilon }, relu)
    };
    let (mean, variance) = (done.mean(), done.unbiased_variance());
    if let Some(moving) = moving {
        moved(moving.mean, &mean, moving.momentum)?;
        moved(moving.variance, &variance, moving.momentum)?;
    }
    Ok(Normalized {
        mean: tensor(mean, channels)?,
        variance: tensor(variance, channels)?,
        output: followed(noted([&x, &weight, &bias], output, done)?, after)?,
    })
}

/// Moves running statistics towards those of a batch.
fn moved(running: &Tensor, batch: &[f32], momentum: f64) -> Result<()> {
    let (momentum, kept) = (momentum as f32, (1.0 - momentum) as f32);
    with_slice_mut(running, |running| {
        for (value, new) in running.iter_mut().zip(batch) {
            *value = (new * momentum + 0.0) + (*value * kept + 0.0); // no −0, as candle's products have none
        }
        Ok(())
    })
}

/// Batch normalisation with given statistics, as in evaluation: `(x − mean)/√(variance + epsilon) · weight + bias`.
///
/// `x` `[B, C, H, W]`, all others `[C]`. `mean` and `variance` get no gradient.
///
/// # Errors
/// Fails if the shapes do not fit.
pub fn batch_norm_fixed(
    x: &Tensor,
    mean: &Tensor,
    variance: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    epsilon: f64,
    after: After<'_>,
) -> Result<Tensor> {
    let (_, pixels) = check(x, [mean, variance, weight, bias])?;
    if !x.device().is_cpu() {
        return accelerated::batch_norm_fixed(x, mean, variance, weight, bias, epsilon, after);
    }
    let (x, weight, bias) = (x.contiguous()?, weight.contiguous()?, bias.contiguous()?);
    let (mean, variance) = (mean.contiguous()?, variance.contiguous()?);
    let (output, done) = {
        let (weight, bias) = (read(&weight)?, read(&bias)?);
        let parameters = Parameters { weight: &weight, bias: &bias, epsilon };
        let relu = after.relu && after.add.is_none();
        forward_fixed(Isa::best(), &read(&x)?, pixels, (&read(&mean)?, &read(&variance)?), parameters, relu)
    };
    followed(noted([&x, &weight, &bias], output, done)?, after)
}

/// What follows the normalisation, as far as it was not computed in its pass.
fn followed(output: Tensor, after: After<'_>) -> Result<Tensor> {
    match after.add {
        Some(added) => add::of(&output, added, after.relu),
        None => Ok(output),
    }
}

/// Channels and pixels of `x`; checks that `[C]` tensors fit them.
fn check<'a>(x: &Tensor, others: impl IntoIterator<Item = &'a Tensor>) -> Result<(usize, usize)> {
    let (_, channels, h, w) = x.dims4()?;
    match others.into_iter().find(|other| other.dims() != [channels]) {
        Some(other) => Err(Error::Msg(format!("batch_norm of {:?} with values {:?}", x.dims(), other.dims()))),
        None => Ok((channels, h * w)),
    }
}

/// `output`, normalised from `x` by the statistics in `done`, as a function of `x`, weight and bias.
fn noted(inputs: [&Tensor; 3], output: Vec<f32>, done: Normalization) -> Result<Tensor> {
    let [x, weight, bias] = inputs.map(Tensor::clone);
    result(&inputs, output, inputs[0].shape(), move |grad| {
        let wanted = Wanted { input: x.is_variable(), parameters: weight.is_variable() || bias.is_variable() };
        let found = done.backward(Isa::best(), &read(&x)?, &read(grad)?, wanted);
        let of_x = found.input.map(|values| tensor(values, x.shape())).transpose()?;
        let [of_weight, of_bias] = found.parameters.map_or([None, None], |both| both.map(Some));
        let parameter = |to: &Tensor, values: Option<Vec<f32>>| {
            values.filter(|_| to.is_variable()).map(|values| tensor(values, to.shape())).transpose()
        };
        Ok(vec![of_x, parameter(&weight, of_weight)?, parameter(&bias, of_bias)?])
    })
}
