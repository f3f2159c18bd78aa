//! The same operations composed of candle's primitives, for devices other than the CPU.
//!
//! Public so that tests can compare them with our own on the CPU. Gradients are candle's. Where they are wrong, other primitives
//! are used.

use super::{
    AdamSlot, AdamStep, After, Assignment, Averages, Moving, Normalized, Pooled, SOFT_DICE_SMOOTH, pooling,
    tape::by_candle,
};
use candle_core::{D, DType, Error, Result, Tensor};
use harness_kernels::pooling::Window;

/// See [`super::conv2d`].
pub fn conv2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    stride: usize,
    padding: usize,
    relu: bool,
) -> Result<Tensor> {
    let (_, _, h, w) = x.dims4()?;
    let (_, _, kh, kw) = weight.dims4()?;
    // The rows and columns at the end that no kernel reaches.
    let rest = |side: usize, kernel: usize| (side + 2 * padding).saturating_sub(kernel) % stride.max(1);
    // candle's gradient computes with unsigned numbers, and fails if the padding is more than half of the kernel.
    let narrow = 2 * padding < kh.min(kw);
    let inputs: Vec<&Tensor> = [x, weight].into_iter().chain(bias).collect();
    let out = by_candle(&inputs, || {
        let out = if narrow && rest(h, kh) == rest(w, kw) {
            x.conv2d(weight, padding, stride, 1, 1)?
        } else {
            // candle's gradient assumes the same remainder for columns as for rows, so both are cut off first.
            let padded = x.pad_with_zeros(2, padding, padding)?.pad_with_zeros(3, padding, padding)?;
            let used =
                padded.narrow(2, 0, h + 2 * padding - rest(h, kh))?.narrow(3, 0, w + 2 * padding - rest(w, kw))?;
            used.contiguous()?.conv2d(weight, 0, stride, 1, 1)?
        };
        match bias {
            Some(bias) => out.broadcast_add(&per_channel(bias)?),
            None => Ok(out),
        }
    })?;
    if relu { self::relu(&out) } else { Ok(out) }
}

/// `[C] -> [1, C, 1, 1]`
fn per_channel(values: &Tensor) -> Result<Tensor> {
    values.reshape((1, (), 1, 1))
}

/// See [`super::conv_transpose2d`].
pub fn conv_transpose2d(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    stride: usize,
    padding: usize,
    output_padding: usize,
    relu: bool,
) -> Result<Tensor> {
    let out = by_candle(&[x, weight, bias], || {
        x.conv_transpose2d(weight, padding, output_padding, stride, 1)?.broadcast_add(&per_channel(bias)?)
    })?;
    if relu { self::relu(&out) } else { Ok(out) }
}

/// See [`super::residual_block`].
pub fn residual_block(x: &Tensor, wide: (&Tensor, &Tensor), narrow: (&Tensor, &Tensor)) -> Result<Tensor> {
    let inside = conv2d(&relu(x)?, wide.0, Some(wide.1), 1, 1, true)?;
    add(x, &conv2d(&inside, narrow.0, Some(narrow.1), 1, 0, false)?)
}

/// See [`super::relu`].
pub fn relu(x: &Tensor) -> Result<Tensor> {
    // candle's own has gradient 1 at 0. The mask carries no gradient.
    by_candle(&[x], || x * x.detach().gt(0.0)?.to_dtype(x.dtype())?)
}

/// See [`super::add`].
pub fn add(x: &Tensor, y: &Tensor) -> Result<Tensor> {
    by_candle(&[x, y], || x + y)
}

/// See [`super::weighted_sum`].
pub fn weighted_sum(terms: &[(&Tensor, f64)]) -> Result<Tensor> {
    let inputs: Vec<&Tensor> = terms.iter().map(|(term, _)| *term).collect();
    by_candle(&inputs, || {
        let weighted = terms.iter().map(|(term, weight)| *term * *weight);
        weighted.reduce(|sum, term| sum? + term?).unwrap_or_else(|| Err(Error::Msg("a sum without terms".into())))
    })
}

/// See [`super::straight_through`].
pub fn straight_through(x: &Tensor, value: &Tensor) -> Result<Tensor> {
    by_candle(&[x], || x + (value - x.detach())?)
}

/// See [`super::sigmoid`].
pub fn sigmoid(x: &Tensor) -> Result<Tensor> {
    by_candle(&[x], || candle_nn::ops::sigmoid(x))
}

/// See [`super::max_pool2d`].
pub fn max_pool2d(x: &Tensor, kernel: usize, stride: usize, padding: usize) -> Result<Pooled> {
    let window = pooling::window(x.dims(), kernel, stride, padding)?;
    let indices = largest(&x.detach(), &window)?;
    let (batch, channels, h, w) = x.dims4()?;
    let flat = indices.reshape((batch, channels, ()))?;
    // candle's own max-pooling has no indices and a wrong gradient; the gradient of its gather is right.
    let values = by_candle(&[x], || x.reshape((batch, channels, h * w))?.gather(&flat, 2)?.reshape(indices.shape()))?;
    Ok(Pooled { values, indices })
}

/// Indices of the largest elements. All windows are handled at once, one element of each after another, in row-major order.
fn largest(x: &Tensor, window: &Window) -> Result<Tensor> {
    let (batch, channels, _, _) = x.dims4()?;
    let shape = (batch, channels, window.map().0, window.map().1);
    let plane =
        |indices: Vec<u32>| Tensor::from_vec(indices, (1, 1, shape.2, shape.3), x.device())?.broadcast_as(shape);
    let mut index = plane(window.elements(0, 0).collect())?.contiguous()?;
    let pixels = x.reshape((batch, channels, ()))?;
    let at = |index: &Tensor| pixels.gather(&index.reshape((batch, channels, ()))?, 2)?.reshape(shape);
    let mut best = at(&index)?;
    for row in 0..window.kernel() {
        for column in 0..window.kernel() {
            let next = plane(window.elements(row, column).collect())?.contiguous()?;
            let value = at(&next)?;
            // At most one of the two is true: a comparison with NaN never is.
            let better = (value.gt(&best)? + value.ne(&value)?)?;
            index = better.where_cond(&next, &index)?;
            best = better.where_cond(&value, &best)?;
        }
    }
    Ok(index)
}

/// See [`super::max_unpool2d`].
pub fn max_unpool2d(x: &Tensor, indices: &Tensor, height: usize, width: usize) -> Result<Tensor> {
    let (batch, channels, _, _) = x.dims4()?;
    let zeros = Tensor::zeros((batch, channels, height * width), x.dtype(), x.device())?;
    let flat = |t: &Tensor| t.reshape((batch, channels, ()))?.contiguous();
    by_candle(&[x], || {
        zeros.scatter(&flat(indices)?, &flat(x)?, 2)?.reshape((batch, channels, height, width)) //
    })
}

/// See [`super::batch_norm`].
pub fn batch_norm(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    epsilon: f64,
    moving: Option<Moving<'_>>,
    after: After<'_>,
) -> Result<Normalized> {
    let (_, channels, _, _) = x.dims4()?;
    let count = (x.elem_count() / channels) as f64;
    let statistics = |x: &Tensor| -> Result<[Tensor; 3]> {
        let mean = x.mean_keepdim((0, 2, 3))?;
        let centred = x.broadcast_sub(&mean)?;
        let variance = centred.sqr()?.mean_keepdim((0, 2, 3))?;
        Ok([mean, variance, centred])
    };
    let [mean, variance, _] = statistics(&x.detach())?;
    let output = by_candle(&[x, weight, bias], || {
        let [_, variance, centred] = statistics(x)?;
        let normalized = centred.broadcast_div(&(&variance + epsilon)?.sqrt()?)?;
        normalized.broadcast_mul(&per_channel(weight)?)?.broadcast_add(&per_channel(bias)?)
    })?;
    let (mean, variance) = (mean.flatten_all()?, (variance.flatten_all()? * (count / (count - 1.0)))?);
    if let Some(moving) = moving {
        decay(moving.mean, &mean, 1.0 - moving.momentum)?;
        decay(moving.variance, &variance, 1.0 - moving.momentum)?;
    }
    Ok(Normalized { output: followed(&output, after)?, mean, variance })
}

/// What follows a normalisation.
fn followed(output: &Tensor, after: After<'_>) -> Result<Tensor> {
    let sum = after.add.map_or(Ok(output.clone()), |added| add(output, added))?;
    if after.relu { relu(&sum) } else { Ok(sum) }
}

/// See [`super::batch_norm_fixed`].
pub fn batch_norm_fixed(
    x: &Tensor,
    mean: &Tensor,
    variance: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    epsilon: f64,
    after: After<'_>,
) -> Result<Tensor> {
    let deviation = (per_channel(&variance.detach())? + epsilon)?.sqrt()?;
    let output = by_candle(&[x, weight, bias], || {
        let normalized = x.broadcast_sub(&per_channel(&mean.detach())?)?.broadcast_div(&deviation)?;
        normalized.broadcast_mul(&per_channel(weight)?)?.broadcast_add(&per_channel(bias)?)
    })?;
    followed(&output, after)
}

/// See [`super::divide_by_maximum`].
pub fn divide_by_maximum(x: &Tensor) -> Result<Tensor> {
    by_candle(&[x], || {
        let flat = x.flatten_all()?;
        let maximum = flat.max_keepdim(0)?; // candle gives the whole gradient to each of several equal maxima
        let maxima = flat.detach().broadcast_eq(&maximum.detach())?.to_dtype(x.dtype())?.sum_keepdim(0)?;
        let known = maximum.detach();
        let shared = ((maximum - &known)? / maxima)?; // nothing but the gradient
        flat.broadcast_div(&(known + shared)?)?.reshape(x.shape())
    })
}

/// See [`super::mse`].
pub fn mse(x: &Tensor, target: &Tensor) -> Result<Tensor> {
    by_candle(&[x], || (x - target.detach())?.sqr()?.mean_all())
}

/// See [`super::cross_entropy`].
pub fn cross_entropy(logits: &Tensor, target: &Tensor) -> Result<Tensor> {
    let target = target.to_dtype(DType::U32)?.unsqueeze(1)?.contiguous()?;
    by_candle(&[logits], || candle_nn::ops::log_softmax(logits, 1)?.gather(&target, 1)?.mean_all()?.neg())
}

/// See [`super::soft_dice`].
pub fn soft_dice(logits: &Tensor, target: &Tensor) -> Result<Tensor> {
    let g = one_hot(target, logits.dim(1)?)?;
    by_candle(&[logits], || {
        // The largest channel is subtracted only to avoid overflow. It is detached: its gradient in candle is rounding error.
        let shifted = logits.broadcast_sub(&logits.detach().max_keepdim(1)?)?.exp()?;
        let p = shifted.broadcast_div(&shifted.sum_keepdim(1)?)?;
        let overlap = (&p * &g)?.sum((2, 3))?;
        let sizes = (p.sum((2, 3))? + g.sum((2, 3))?)?;
        let dice = ((overlap * 2.0)? + SOFT_DICE_SMOOTH)?.div(&(sizes + SOFT_DICE_SMOOTH)?)?;
        dice.mean_all()?.affine(-1.0, 1.0)
    })
}

/// See [`super::one_hot`].
pub fn one_hot(target: &Tensor, classes: usize) -> Result<Tensor> {
    let range = Tensor::arange(0u32, classes as u32, target.device())?.reshape((1, classes, 1, 1))?;
    target.to_dtype(DType::U32)?.unsqueeze(1)?.broadcast_eq(&range)?.to_dtype(DType::F32)
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

/// See [`super::move_codebook`].
pub fn move_codebook(codes: &Tensor, averages: &Averages<'_>, found: &Assignment) -> Result<()> {
    let Averages { counts, sums, decay, correction, epsilon } = *averages;
    let push = |[hidden, average]: [&Tensor; 2], value: &Tensor| -> Result<Tensor> {
        // hidden += (value − hidden)·(1 − decay), in the yardstick's own order of operations
        let before = hidden.detach();
        let moved = (&before + ((value - &before)? * (1.0 - decay))?)?;
        overwrite(hidden, &moved)?;
        let corrected = (moved / correction)?;
        overwrite(average, &corrected)?;
        Ok(corrected)
    };
    let counts = push(counts, &found.counts)?;
    let sums = push(sums, &found.sums)?;
    let k = counts.elem_count() as f64;
    let total = counts.sum_all()?;
    let smooth = (counts + epsilon)?.broadcast_div(&(&total + k * epsilon)?)?.broadcast_mul(&total)?;
    overwrite(codes, &sums.broadcast_div(&smooth)?)
}

/// See [`super::adam`].
pub fn adam(slots: &[AdamSlot<'_>], step: AdamStep) -> Result<()> {
    let AdamStep { beta1, beta2, keep, rate, correction, epsilon } = step;
    for AdamSlot { weight, first, second, gradient } in slots {
        decay(first, gradient, beta1)?;
        decay(second, &gradient.sqr()?, beta2)?;
        let denominator = ((second.sqrt()? / correction.sqrt())? + epsilon)?;
        overwrite(weight, &((weight.detach() * keep)? - ((first.detach() / denominator)? * rate)?)?)?;
    }
    Ok(())
}

/// `mean = decay·mean + (1 − decay)·value`, in place.
fn decay(mean: &Tensor, value: &Tensor, decay: f64) -> Result<()> {
    overwrite(mean, &((mean.detach() * decay)? + (value.detach() * (1.0 - decay))?)?)
}

/// See [`super::gradient_norm`].
pub fn gradient_norm(gradients: &[&Tensor]) -> Result<Tensor> {
    let squares = |gradient: &&Tensor| gradient.detach().sqr()?.sum_all()?.to_dtype(DType::F64);
    Tensor::stack(&gradients.iter().map(squares).collect::<Result<Vec<_>>>()?, 0)?.sum_all()?.sqrt()
}

/// See [`super::clip`].
pub fn clip(gradients: &[&Tensor], norm: &Tensor, most: f64, epsilon: f64) -> Result<Vec<Tensor>> {
    let factor = ((norm + epsilon)?.recip()? * most)?.to_dtype(DType::F32)?;
    let factor = factor.minimum(&factor.ones_like()?)?;
    gradients.iter().map(|gradient| gradient.broadcast_mul(&factor)).collect()
}

/// See [`super::perplexity`].
pub fn perplexity(counts: &Tensor) -> Result<Tensor> {
    let counts = counts.to_dtype(DType::F64)?;
    let shares = counts.broadcast_div(&counts.sum_all()?)?;
    // The logarithm of 0 is not needed, but it must be a number.
    let logarithms = (&shares + f64::MIN_POSITIVE)?.log()?;
    (shares * logarithms)?.sum_all()?.neg()?.exp()
}

fn overwrite(target: &Tensor, value: &Tensor) -> Result<()> {
    target.slice_set(&value.contiguous()?, 0, 0)
}
