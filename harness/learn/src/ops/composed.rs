//! The same operations made of candle's primitives, for devices other than the CPU.
//!
//! Public so that tests can run them on the CPU against our own. Limits of candle's gradients that models must respect:
//! with a stride above 1, height and width of an image must leave the same remainder.

use super::Assignment;
use candle_core::{D, DType, Result, Tensor};

/// See [`super::conv2d`].
pub fn conv2d(x: &Tensor, weight: &Tensor, bias: &Tensor, stride: usize, padding: usize) -> Result<Tensor> {
    x.conv2d(weight, padding, stride, 1, 1)?.broadcast_add(&bias.reshape((1, (), 1, 1))?)
}

/// See [`super::conv_transpose2d`].
pub fn conv_transpose2d(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    stride: usize,
    padding: usize,
    output_padding: usize,
) -> Result<Tensor> {
    x.conv_transpose2d(weight, padding, output_padding, stride, 1)?.broadcast_add(&bias.reshape((1, (), 1, 1))?)
}

/// See [`super::relu`].
pub fn relu(x: &Tensor) -> Result<Tensor> {
    // candle's own has gradient 1 at 0; the mask carries no gradient.
    x * x.detach().gt(0.0)?.to_dtype(x.dtype())?
}

/// See [`super::mse`].
pub fn mse(x: &Tensor, target: &Tensor) -> Result<Tensor> {
    (x - target.detach())?.sqr()?.mean_all()
}

/// See [`super::cross_entropy`].
pub fn cross_entropy(logits: &Tensor, target: &Tensor) -> Result<Tensor> {
    let log = candle_nn::ops::log_softmax(logits, 1)?;
    let target = target.to_dtype(DType::U32)?.unsqueeze(1)?.contiguous()?;
    log.gather(&target, 1)?.mean_all()?.neg()
}

/// See [`super::nearest_codes`].
pub fn nearest_codes(z: &Tensor, codes: &Tensor) -> Result<Assignment> {
    let (batch, dim, h, w) = z.dims4()?;
    let k = codes.dim(1)?;
    let vectors = z.permute((0, 2, 3, 1))?.reshape(((), dim))?; // [B, D, H, W] -> [B·H·W, D]
    let norms = codes.sqr()?.sum_keepdim(0)?;
    let distances = norms.broadcast_sub(&(vectors.matmul(codes)? * 2.0)?)?;
    let indices = distances.argmin(D::Minus1)?;
    let range = Tensor::arange(0u32, k as u32, z.device())?.unsqueeze(0)?;
    let hot = indices.unsqueeze(1)?.broadcast_eq(&range)?.to_dtype(DType::F32)?; // [B·H·W, K]
    Ok(Assignment {
        quantized: codes
            .t()?
            .contiguous()?
            .index_select(&indices, 0)?
            .reshape((batch, h, w, dim))?
            .permute((0, 3, 1, 2))?
            .contiguous()?,
        counts: hot.sum(0)?,
        sums: vectors.t()?.matmul(&hot)?,
    })
}

/// See [`super::decayed_mean`]. `mean` must be a variable's tensor: it is overwritten.
pub fn decayed_mean(mean: &Tensor, value: &Tensor, decay: f64, squared: bool) -> Result<()> {
    let value = if squared { value.sqr()? } else { value.clone() };
    overwrite(mean, &((mean.detach() * decay)? + (value.detach() * (1.0 - decay))?)?)
}

/// See [`super::adam_step`].
pub fn adam_step(
    weight: &Tensor,
    first: &Tensor,
    second: &Tensor,
    rate: f64,
    correction: f64,
    epsilon: f64,
) -> Result<()> {
    let denominator = ((second.sqrt()? / correction.sqrt())? + epsilon)?;
    overwrite(weight, &(weight.detach() - ((first / denominator)? * rate)?)?)
}

fn overwrite(target: &Tensor, value: &Tensor) -> Result<()> {
    target.slice_set(&value.contiguous()?, 0, 0)
}
