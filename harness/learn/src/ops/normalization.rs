//! Batch normalisation (Ioffe and Szegedy 2015) with the batch's own or given statistics, optionally followed by a ReLU.

use super::{
    accelerated,
    storage::{Gradients, slice, storage, with_slice, with_slice_mut},
};
use candle_core::{CpuStorage, CustomOp3, Error, Layout, Result, Shape, Tensor};
use harness_kernels::{
    isa::Isa,
    normalization::{Normalization, Parameters, Wanted, forward, forward_fixed},
};
use std::sync::{Arc, OnceLock};

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
    let done = Arc::new(OnceLock::new());
    let op = BatchNorm { given: None, epsilon, relu, done: done.clone() };
    let output = x.contiguous()?.apply_op3(&weight.contiguous()?, &bias.contiguous()?, op)?;
    let done: &Normalization = done.get().ok_or_else(not_run)?;
    Ok(Normalized {
        output,
        mean: Tensor::from_vec(done.mean(), channels, x.device())?,
        variance: Tensor::from_vec(done.unbiased_variance(), channels, x.device())?,
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
        with_slice(&batch.contiguous()?, |batch: &[f32]| {
            with_slice_mut(running, |running| {
                for (value, new) in running.iter_mut().zip(batch) {
                    *value = (new * momentum + 0.0) + (*value * kept + 0.0); // no −0, as candle's products have none
                }
                Ok(())
            })
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
    check(x, &[mean, variance, weight, bias])?;
    if !x.device().is_cpu() {
        let output = accelerated::batch_norm_fixed(x, mean, variance, weight, bias, epsilon)?;
        return if relu { accelerated::relu(&output) } else { Ok(output) };
    }
    let given = Some([mean.to_vec1::<f32>()?, variance.to_vec1::<f32>()?]);
    let op = BatchNorm { given, epsilon, relu, done: Arc::new(OnceLock::new()) };
    x.contiguous()?.apply_op3(&weight.contiguous()?, &bias.contiguous()?, op)
}

/// Channels and pixels of `x`; checks that `[C]` tensors fit them.
fn check(x: &Tensor, others: &[&Tensor]) -> Result<(usize, usize)> {
    let (_, channels, h, w) = x.dims4()?;
    match others.iter().find(|other| other.dims() != [channels]) {
        Some(other) => Err(Error::Msg(format!("batch_norm of {:?} with values {:?}", x.dims(), other.dims()))),
        None => Ok((channels, h * w)),
    }
}

fn not_run() -> Error {
    Error::Msg("a batch norm whose forward pass did not run".into())
}

/// Maps (x, weight, bias) to x normalised.
struct BatchNorm {
    /// Mean and variance, unless they are computed from `x`.
    given: Option<[Vec<f32>; 2]>,
    epsilon: f64,
    relu: bool,
    /// Data that the forward pass keeps for the backward pass.
    done: Arc<OnceLock<Normalization>>,
}

impl CustomOp3 for BatchNorm {
    fn name(&self) -> &'static str {
        "batch_norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let x = slice(x, x_layout, self.name())?;
        let weight = slice(weight, weight_layout, self.name())?;
        let bias = slice(bias, bias_layout, self.name())?;
        let parameters = Parameters { weight, bias, epsilon: self.epsilon };
        let (_, _, h, w) = x_layout.shape().dims4()?;
        let (out, done) = match &self.given {
            None => forward(Isa::best(), x, h * w, parameters, self.relu),
            Some([mean, variance]) => forward_fixed(Isa::best(), x, h * w, (mean, variance), parameters, self.relu),
        };
        // An operation runs forward once.
        self.done.get_or_init(|| done);
        Ok(storage(out, x_layout.shape()))
    }

    fn bwd(&self, x: &Tensor, weight: &Tensor, bias: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Gradients> {
        let (grad, done) = (grad.contiguous()?, self.done.get().ok_or_else(not_run)?);
        let wanted = Wanted { input: x.track_op(), parameters: weight.track_op() || bias.track_op() };
        let found = with_slice(x, |x| with_slice(&grad, |grad| Ok(done.backward(Isa::best(), x, grad, wanted))))?;
        let input = found.input.map(|input| Tensor::from_vec(input, x.shape(), x.device())).transpose()?;
        let parameter = |values: Vec<f32>| Tensor::from_vec(values, weight.shape(), x.device());
        let Some([of_weight, of_bias]) = found.parameters else { return Ok((input, None, None)) };
        Ok((
            input,
            weight.track_op().then(|| parameter(of_weight)).transpose()?,
            bias.track_op().then(|| parameter(of_bias)).transpose()?,
        ))
    }
}
