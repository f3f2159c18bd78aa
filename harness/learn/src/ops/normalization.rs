//! Batch normalisation (Ioffe and Szegedy 2015) with the batch's own or given statistics, optionally followed by a ReLU.

use super::{
    accelerated,
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

/// Batch normalisation in training: `(x − mean)/√(variance + epsilon) · weight + bias`, with mean and biased variance of each
/// channel over images and pixels. The gradient passes through both.
///
/// `x` `[B, C, H, W]`, `weight` and `bias` `[C]`.
///
/// # Errors
/// Fails if the shapes do not fit, or if a channel has fewer than two values, so that its variance has no meaning.
pub fn batch_norm(x: &Tensor, weight: &Tensor, bias: &Tensor, epsilon: f64) -> Result<Normalized> {
    by_own(x, weight, bias, epsilon, false)
}

/// [`batch_norm`] followed by `max(0, ·)`, in the same pass.
///
/// # Errors
/// The same as for [`batch_norm`].
pub fn batch_norm_relu(x: &Tensor, weight: &Tensor, bias: &Tensor, epsilon: f64) -> Result<Normalized> {
    by_own(x, weight, bias, epsilon, true)
}

fn by_own(x: &Tensor, weight: &Tensor, bias: &Tensor, epsilon: f64, relu: bool) -> Result<Normalized> {
    let (channels, pixels) = check(x, &[weight, bias])?;
    let count = x.dim(0)? * pixels;
    if count < 2 {
        return Err(Error::Msg(format!(
            "batch_norm in training needs at least two values in a channel; {:?} has {count}",
            x.dims()
        )));
    }
    if !x.device().is_cpu() {
        let normalized = accelerated::batch_norm(x, weight, bias, epsilon)?;
        return Ok(if relu {
            Normalized { output: accelerated::relu(&normalized.output)?, ..normalized }
        } else {
            normalized
        });
    }
    let (x, weight, bias) = (x.contiguous()?, weight.contiguous()?, bias.contiguous()?);
    let (output, done) = {
        let (weight, bias) = (read(&weight)?, read(&bias)?);
        forward(Isa::best(), &read(&x)?, pixels, Parameters { weight: &weight, bias: &bias, epsilon }, relu)
    };
    Ok(Normalized {
        mean: tensor(done.mean(), channels)?,
        variance: tensor(done.unbiased_variance(), channels)?,
        output: noted([&x, &weight, &bias], output, done)?,
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
) -> Result<Tensor> {
    by_given(x, [mean, variance], weight, bias, epsilon, false)
}

/// [`batch_norm_fixed`] followed by `max(0, ·)`, in the same pass.
///
/// # Errors
/// The same as for [`batch_norm_fixed`].
pub fn batch_norm_fixed_relu(
    x: &Tensor,
    mean: &Tensor,
    variance: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    epsilon: f64,
) -> Result<Tensor> {
    by_given(x, [mean, variance], weight, bias, epsilon, true)
}

/// Moves running statistics towards those of a batch, in place: `running = (1 − momentum)·running + momentum·batch`, for mean
/// and variance. All are `[C]`, and the running ones are tensors of two variables.
///
/// # Errors
/// Fails if the shapes differ.
pub fn move_statistics(running: [&Tensor; 2], batch: [&Tensor; 2], momentum: f64) -> Result<()> {
    if let Some(other) = [running[1], batch[0], batch[1]].into_iter().find(|other| other.dims() != running[0].dims()) {
        let (ours, theirs) = (running[0].dims(), other.dims());
        return Err(Error::Msg(format!("running statistics {ours:?} beside {theirs:?}")));
    }
    if !running[0].device().is_cpu() {
        return accelerated::move_statistics(running, batch, momentum);
    }
    let (momentum, kept) = (momentum as f32, (1.0 - momentum) as f32);
    for (running, batch) in running.into_iter().zip(batch) {
        let batch = batch.contiguous()?;
        let batch = read(&batch)?;
        with_slice_mut(running, |running| {
            for (value, new) in running.iter_mut().zip(&*batch) {
                *value = (new * momentum + 0.0) + (*value * kept + 0.0); // no −0, as candle's products have none
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn by_given(
    x: &Tensor,
    [mean, variance]: [&Tensor; 2],
    weight: &Tensor,
    bias: &Tensor,
    epsilon: f64,
    relu: bool,
) -> Result<Tensor> {
    let (_, pixels) = check(x, &[mean, variance, weight, bias])?;
    if !x.device().is_cpu() {
        let output = accelerated::batch_norm_fixed(x, mean, variance, weight, bias, epsilon)?;
        return if relu { accelerated::relu(&output) } else { Ok(output) };
    }
    let (x, weight, bias) = (x.contiguous()?, weight.contiguous()?, bias.contiguous()?);
    let (mean, variance) = (mean.contiguous()?, variance.contiguous()?);
    let (output, done) = {
        let (weight, bias) = (read(&weight)?, read(&bias)?);
        let parameters = Parameters { weight: &weight, bias: &bias, epsilon };
        forward_fixed(Isa::best(), &read(&x)?, pixels, (&read(&mean)?, &read(&variance)?), parameters, relu)
    };
    noted([&x, &weight, &bias], output, done)
}

/// Channels and pixels of `x`; checks that `[C]` tensors fit them.
fn check(x: &Tensor, others: &[&Tensor]) -> Result<(usize, usize)> {
    let (_, channels, h, w) = x.dims4()?;
    match others.iter().find(|other| other.dims() != [channels]) {
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
