//! Sums over channels, and batch normalisation based on them.
//!
//! cuDNN's batch normalisation is not used: it does not guarantee the same bits on every run, and takes bf16 only in some
//! layouts.

use super::{
    engine::{Argument, Argument::Address, CHANNELS, ELEMENTWISE, counts},
    layout::Mode,
    memory::{fill, make, pack, record3, require_f32, suffix, with_addresses},
};
use crate::ops::{Normalized, storage::wanted};
use candle_core::{DType, Result, Tensor};

/// Number of blocks that add up partial sums over all channels: enough for any GPU.
const BLOCKS: usize = 1024;

/// The smallest number of values of a channel that one block adds up.
const VALUES: usize = 512;

/// Threads of the block that adds up the partial sums of a channel.
const ADDERS: u32 = 128;

/// See [`crate::ops::move_statistics`].
pub(in crate::ops) fn move_statistics(running: [&Tensor; 2], batch: [&Tensor; 2], momentum: f64) -> Result<()> {
    let [mean, variance] = [batch[0].contiguous()?, batch[1].contiguous()?];
    let all = [running[0], running[1], &mean, &variance];
    all.into_iter().try_for_each(|tensor| require_f32(tensor, "running statistics"))?;
    // The kernel overwrites the running ones in place. Everything that reads them is ordered in the same stream.
    with_addresses(&all, |engine, from| {
        let reals = [momentum, 1.0 - momentum].map(Argument::real);
        let arguments: Vec<Argument> = from.iter().map(|&address| Address(address)).chain(reals).collect();
        engine.each(&ELEMENTWISE, "move_statistics", mean.elem_count(), 1, &arguments)
    })
}

/// The sizes and the memory layout of images.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    batch: usize,
    channels: usize,
    pixels: usize,
    mode: Mode,
}

impl Sizes {
    fn of(x: &Tensor, mode: Mode) -> Result<Self> {
        let (batch, channels, h, w) = x.dims4()?;
        Ok(Self { batch, channels, pixels: h * w, mode })
    }

    /// Number of values of a channel.
    fn count(self) -> usize {
        self.batch * self.pixels
    }

    /// The position of an element's channel, for an elementwise kernel.
    fn channels(self) -> Result<[Argument; 2]> {
        counts([self.channels, self.mode.inner(self.pixels)])
    }

    /// Partial sums `[parts, C, 2]` of the kind `terms` over `a`, and, for products, over `x` and the centres.
    fn pieces(self, terms: &str, a: &Tensor, with: Option<(&Tensor, &Tensor)>) -> Result<Tensor> {
        let across = if self.mode.last { self.channels.div_ceil(32) } else { self.channels };
        let parts = (BLOCKS / across).min(self.count() / VALUES).max(1);
        let (way, block) = if self.mode.last { ("column", (32, 8, 1)) } else { ("plane", (256, 1, 1)) };
        let name = format!("{way}_{terms}_{}", suffix(a.dtype())?);
        let inputs: Vec<&Tensor> = with.map_or_else(|| vec![a], |(x, centres)| vec![a, x, centres]);
        make(&inputs, DType::F64, (parts, self.channels, 2), |engine, from, to| {
            let address = |i: usize| Address(from.get(i).copied().unwrap_or_default());
            let mut arguments = vec![address(0), address(1), address(2), Address(to)];
            arguments.extend(counts([self.batch, self.channels, self.pixels])?);
            engine.launch(&CHANNELS, &name, (across as u32, parts as u32, 1), block, &arguments)
        })
    }
}

/// Sum of each channel of `x` `[B, C, H, W]`, laid out as `mode` says: `[C]` in f32.
pub(super) fn channel_sums(x: &Tensor, mode: Mode) -> Result<Tensor> {
    let sizes = Sizes::of(x, mode)?;
    let pieces = sizes.pieces("plain", x, None)?;
    make(&[&pieces], DType::F32, sizes.channels, |engine, from, to| {
        let arguments = [Address(from[0]), Argument::count(pieces.dim(0)?)?, Address(to)];
        engine.launch(&CHANNELS, "plain_totals", (sizes.channels as u32, 1, 1), (ADDERS, 1, 1), &arguments)
    })
}

/// See [`crate::ops::batch_norm`].
pub(in crate::ops) fn batch_norm(x: &Tensor, weight: &Tensor, bias: &Tensor, epsilon: f64) -> Result<Normalized> {
    let (x, weight, bias) = (x.contiguous()?, weight.contiguous()?, bias.contiguous()?);
    let sizes = Sizes::of(&x, Mode::current())?;
    let pieces = sizes.pieces("moments", &x, None)?;
    let moments = make(&[&pieces, &weight, &bias], DType::F32, (6, sizes.channels), |engine, from, to| {
        let arguments = [
            Address(from[0]),
            Argument::count(pieces.dim(0)?)?,
            Argument::Double(sizes.count() as f64),
            Argument::Double(epsilon),
            Address(from[1]),
            Address(from[2]),
            Address(to),
        ];
        engine.launch(&CHANNELS, "moments_totals", (sizes.channels as u32, 1, 1), (ADDERS, 1, 1), &arguments)
    })?;
    Ok(Normalized {
        mean: moments.get(0)?,
        variance: moments.get(3)?,
        output: normalize([&x, &weight, &bias], moments, sizes, true)?,
    })
}

/// See [`crate::ops::batch_norm_fixed`].
pub(in crate::ops) fn batch_norm_fixed(
    x: &Tensor,
    mean: &Tensor,
    variance: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    epsilon: f64,
) -> Result<Tensor> {
    let (x, weight, bias) = (x.contiguous()?, weight.contiguous()?, bias.contiguous()?);
    let (mean, variance) = (mean.contiguous()?, variance.contiguous()?);
    let sizes = Sizes::of(&x, Mode::current())?;
    let moments = make(&[&mean, &variance, &weight, &bias], DType::F32, (6, sizes.channels), |engine, from, to| {
        let arguments = [
            Address(from[0]),
            Address(from[1]),
            Argument::Double(epsilon),
            Address(from[2]),
            Address(from[3]),
            Address(to),
        ];
        engine.launch(&CHANNELS, "given_moments", (sizes.channels as u32, 1, 1), (1, 1, 1), &arguments)
    })?;
    normalize([&x, &weight, &bias], moments, sizes, false)
}

/// `(x − mean) · scale · weight + bias`, with the rows of `moments` (see `kernels/channels.cu`). The gradient passes through
/// the statistics if they were computed from `x`.
fn normalize(inputs: [&Tensor; 3], moments: Tensor, sizes: Sizes, through_statistics: bool) -> Result<Tensor> {
    let [x, _, _] = inputs;
    let (n, dtype) = (x.elem_count(), x.dtype());
    let (forward, backward) =
        (format!("normalize_{}", suffix(dtype)?), format!("normalize_backward_{}", suffix(dtype)?));
    let channels = sizes.channels()?;
    let result = fill(&[x, &moments], dtype, x.shape(), |engine, from, to| {
        let arguments = [Address(from[0]), Address(to), Address(from[1]), channels[0], channels[1]];
        engine.each(&CHANNELS, &forward, n, pack(dtype), &arguments)
    })?;
    record3("batch_norm", inputs, result, move |[x, weight, bias], grad| {
        let pieces = sizes.pieces("products", grad, Some((x, &moments)))?;
        let slopes = make(&[&pieces, &moments], DType::F32, (4, sizes.channels), |engine, from, to| {
            let arguments = [
                Address(from[0]),
                Argument::count(pieces.dim(0)?)?,
                Argument::Double(sizes.count() as f64),
                Address(from[1]),
                Argument::flag(through_statistics),
                Address(to),
            ];
            engine.launch(&CHANNELS, "products_totals", (sizes.channels as u32, 1, 1), (ADDERS, 1, 1), &arguments)
        })?;
        let input = || {
            make(&[x, grad, &moments, &slopes], dtype, x.shape(), |engine, from, to| {
                let addresses = [from[0], from[1], to, from[2], from[3]].map(Address);
                let arguments: Vec<_> = addresses.into_iter().chain(channels).collect();
                engine.each(&CHANNELS, &backward, n, pack(dtype), &arguments)
            })
        };
        Ok((wanted(x, input)?, wanted(weight, || slopes.get(1))?, wanted(bias, || slopes.get(0))?))
    })
}
