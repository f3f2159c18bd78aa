//! Sums over channels, and batch normalisation based on them.
//!
//! cuDNN's batch normalisation is not used: it does not guarantee the same bits on every run, and takes bf16 only in some
//! layouts.

use super::{
    engine::{Argument, Argument::Address, CHANNELS, Engine, counts},
    layout::Mode,
    memory::{empty, fill, make, pack, record, record_output, suffix, with_addresses},
};
use crate::ops::{After, Moving, Normalized, tape::wanted};
use candle_core::{DType, Error, Result, Tensor};

/// Number of blocks that add up partial sums over all channels: enough to keep any GPU busy. The last one adds up all parts, so
/// more would make that longer.
const BLOCKS: usize = 512;

/// The smallest number of values of a channel that one block adds up.
const VALUES: usize = 512;

/// Threads of a block.
const THREADS: usize = 256;

/// The sizes and the memory layout of images.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    batch: usize,
    channels: usize,
    pixels: usize,
    mode: Mode,
}

/// What is added up of each channel, and from what.
struct Sums<'a> {
    /// The name of the terms, as in the kernels' names.
    terms: &'a str,
    of: &'a Tensor,
    /// Only values where this output of a ReLU is not 0 count.
    mask: Option<&'a Tensor>,
    /// The values that count are written here.
    masked: Option<&'a Tensor>,
    /// The values and centres that products are made with.
    with: Option<(&'a Tensor, &'a Tensor)>,
}

/// What becomes of the sums of a channel: the parameters of `Finish` in `kernels/channels.cu`. By default nothing is used.
#[derive(Default)]
struct Finish<'a> {
    weight: Option<&'a Tensor>,
    bias: Option<&'a Tensor>,
    moments: Option<&'a Tensor>,
    moving: Option<Moving<'a>>,
    /// The statistics, where they are given.
    given: Option<[&'a Tensor; 2]>,
    epsilon: f64,
    through_statistics: bool,
}

impl<'a> Finish<'a> {
    fn tensors(&self) -> [Option<&'a Tensor>; 5] {
        let statistics = self.moving.map(|moving| [moving.mean, moving.variance]).or(self.given);
        [self.weight, self.bias, self.moments, statistics.map(|both| both[0]), statistics.map(|both| both[1])]
    }

    /// The kernel's last arguments: `of` are the addresses of its tensors.
    fn arguments(&self, to: u64, of: &[u64], count: usize) -> Vec<Argument> {
        let momentum = self.moving.map_or(0.0, |moving| moving.momentum);
        let addresses = [to].into_iter().chain(of.iter().copied()).map(Address);
        let numbers = [
            Argument::Double(count as f64),
            Argument::Double(self.epsilon),
            Argument::real(momentum),
            Argument::real(1.0 - momentum),
            Argument::flag(self.through_statistics),
        ];
        addresses.chain(numbers).collect()
    }
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

    /// `[rows, C]` in f32 from the sums of each channel.
    fn sums(self, sums: &Sums<'_>, finish: &Finish<'_>, rows: usize) -> Result<Tensor> {
        let dtype = sums.of.dtype();
        let width = if self.channels.is_multiple_of(pack(dtype)) { pack(dtype) } else { 1 };
        // Threads of a block beside each other handle neighbours in memory.
        let beside = if self.mode.last { (self.channels / width).next_power_of_two().min(32) } else { THREADS };
        let across = if self.mode.last { self.channels.div_ceil(width * beside) } else { self.channels };
        let parts = (BLOCKS / across).min(self.count() / VALUES).max(1);
        let layout = match (self.mode.last, width) {
            (false, _) => "plane",
            (true, 1) => "column",
            (true, _) => "packed_column",
        };
        let name = format!("{layout}_{}_{}", suffix(dtype)?, sums.terms);
        let pieces = empty(DType::F64, (parts, self.channels, 2), sums.of.device())?;
        let with = [sums.with.map(|(x, _)| x), sums.with.map(|(_, centres)| centres)];
        let operands = [Some(sums.of), sums.mask, sums.masked, with[0], with[1], Some(&pieces)];
        let all: Vec<Option<&Tensor>> = operands.into_iter().chain(finish.tensors()).collect();
        make(&all, DType::F32, (rows, self.channels), |engine, from, to| {
            let (operands, rest) = from.split_at(operands.len());
            let mut arguments: Vec<Argument> = operands.iter().map(|&address| Address(address)).collect();
            arguments.push(engine.counters(across)?);
            arguments.extend(counts([self.batch, self.channels, self.pixels])?);
            arguments.extend(finish.arguments(to, rest, self.count()));
            let block = (beside as u32, (THREADS / beside) as u32, 1);
            engine.launch(&CHANNELS, &name, (across as u32, parts as u32, 1), block, &arguments)
        })
    }
}

/// Sum of each channel of `x` `[B, C, H, W]`, laid out as `mode` says: `[C]` in f32.
pub(super) fn channel_sums(x: &Tensor, mode: Mode) -> Result<Tensor> {
    let sums = Sums { terms: "plain", of: x, mask: None, masked: None, with: None };
    Sizes::of(x, mode)?.sums(&sums, &Finish::default(), 1)?.get(0)
}

/// The gradient `grad` where `output` of a ReLU is not 0, and its sum for each channel.
pub(super) fn masked_channel_sums(grad: &Tensor, output: &Tensor, mode: Mode) -> Result<(Tensor, Tensor)> {
    let masked = empty(grad.dtype(), grad.shape(), grad.device())?;
    let sums = Sums { terms: "plain", of: grad, mask: Some(output), masked: Some(&masked), with: None };
    let totals = Sizes::of(grad, mode)?.sums(&sums, &Finish::default(), 1)?.get(0)?;
    Ok((masked, totals))
}

/// See [`crate::ops::batch_norm`].
pub(in crate::ops) fn batch_norm(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    epsilon: f64,
    moving: Option<Moving<'_>>,
    after: After<'_>,
) -> Result<Normalized> {
    let (x, weight, bias) = (x.contiguous()?, weight.contiguous()?, bias.contiguous()?);
    let sizes = Sizes::of(&x, Mode::current())?;
    let sums = Sums { terms: "moments", of: &x, mask: None, masked: None, with: None };
    // The kernel overwrites the running statistics in place. Everything that reads them is ordered in the same stream.
    let finish = Finish { weight: Some(&weight), bias: Some(&bias), moving, epsilon, ..Finish::default() };
    let moments = sizes.sums(&sums, &finish, 6)?;
    Ok(Normalized {
        mean: moments.get(0)?,
        variance: moments.get(3)?,
        output: normalize([&x, &weight, &bias], moments, sizes, true, after)?,
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
    after: After<'_>,
) -> Result<Tensor> {
    let (x, weight, bias) = (x.contiguous()?, weight.contiguous()?, bias.contiguous()?);
    let given = Some([mean.contiguous()?, variance.contiguous()?]);
    let given = given.as_ref().map(|[mean, variance]| [mean, variance]);
    let sizes = Sizes::of(&x, Mode::current())?;
    let finish = Finish { weight: Some(&weight), bias: Some(&bias), given, epsilon, ..Finish::default() };
    let moments = make(&finish.tensors(), DType::F32, (6, sizes.channels), |engine, from, to| {
        let arguments = finish.arguments(to, from, sizes.count());
        engine.launch(&CHANNELS, "given_moments", (sizes.channels as u32, 1, 1), (1, 1, 1), &arguments)
    })?;
    normalize([&x, &weight, &bias], moments, sizes, false, after)
}

/// `(x − mean) · scale · weight + bias`, with the rows of `moments` (see `kernels/channels.cu`), and what comes after. The gradient
/// passes through the statistics if they were computed from `x`.
fn normalize(
    [x, weight, bias]: [&Tensor; 3],
    moments: Tensor,
    sizes: Sizes,
    through_statistics: bool,
    after: After<'_>,
) -> Result<Tensor> {
    let (n, dtype, relu) = (x.elem_count(), x.dtype(), after.relu);
    let added = after.add.map(Tensor::contiguous).transpose()?;
    if let Some(added) = added.as_ref().filter(|added| (added.dims(), added.dtype()) != (x.dims(), dtype)) {
        return Err(Error::Msg(format!("batch_norm of {:?} plus {:?}", x.dims(), added.dims())));
    }
    let name = format!("normalize_{}", suffix(dtype)?);
    let channels = sizes.channels()?;
    let result = fill(&[Some(x), added.as_ref(), Some(&moments)], dtype, x.shape(), |engine, from, to| {
        let addresses = [from[0], from[1], to, from[2]].map(Address);
        let arguments: Vec<_> = addresses.into_iter().chain(channels).chain([Argument::flag(relu)]).collect();
        engine.each(&CHANNELS, &name, n, pack(dtype), &arguments)
    })?;
    let inputs: Vec<&Tensor> = [x, weight, bias].into_iter().chain(added.as_ref()).collect();
    let [x, weight, bias] = [x, weight, bias].map(Tensor::clone);
    let wants_added = added.as_ref().map(Tensor::is_variable);
    let gradients = move |output: Option<&Tensor>, grad: &Tensor| -> Result<Vec<Option<Tensor>>> {
        let centres = moments.get(0)?;
        let sums = Sums { terms: "products", of: grad, mask: output, masked: None, with: Some((&x, &centres)) };
        let finish = Finish { moments: Some(&moments), through_statistics, ..Finish::default() };
        let slopes = sizes.sums(&sums, &finish, 4)?;
        // Without a ReLU the gradient of what was added is that of the output.
        let new = |wants: bool| wants.then(|| empty(dtype, grad.shape(), grad.device())).transpose();
        let masked = new(wants_added == Some(true) && output.is_some())?;
        let of_x = new(x.is_variable())?;
        let all = [Some(&x), Some(grad), output, masked.as_ref(), of_x.as_ref(), Some(&moments), Some(&slopes)];
        if of_x.is_some() || masked.is_some() {
            let name = format!("normalize_backward_{}", suffix(dtype)?);
            with_addresses(&all, |engine: &Engine, from| {
                let arguments: Vec<_> = from.iter().map(|&address| Address(address)).chain(channels).collect();
                engine.each(&CHANNELS, &name, n, pack(dtype), &arguments)
            })?;
        }
        let mut found = vec![of_x, wanted(&weight, || slopes.get(1))?, wanted(&bias, || slopes.get(0))?];
        found.extend(wants_added.map(|wants| if wants { masked.or_else(|| Some(grad.clone())) } else { None }));
        Ok(found)
    };
    if relu {
        record_output(&inputs, result, move |output, grad| gradients(Some(output), grad))
    } else {
        record(&inputs, result, move |grad| gradients(None, grad))
    }
}
