//! Vector quantisation: the nearest code of each vector, and the sums for the codebook's moving averages.

use super::{
    engine::{Argument, Argument::Address, CODEBOOK, count, counts},
    layout::Mode,
    memory::{empty, make, require_f32, with_addresses},
};
use crate::ops::{Assignment, Averages};
use candle_core::{DType, Error, Result, Tensor};

/// The largest number of elements in all partial sums together: a quarter of a gigabyte.
const PIECES: usize = 1 << 26;

/// The smallest number of vectors that one block handles.
const VECTORS: usize = 256;

/// See [`crate::ops::nearest_codes`]. Both tensors are contiguous and without gradient.
pub(in crate::ops) fn nearest_codes(z: &Tensor, codes: &Tensor) -> Result<Assignment> {
    require_f32(z, "nearest_codes")?;
    require_f32(codes, "nearest_codes")?;
    let (batch, dim, h, w) = z.dims4()?;
    let (code_dim, k) = codes.dims2()?;
    if dim != code_dim || k == 0 || z.elem_count() == 0 {
        return Err(Error::Msg(format!("vectors {:?} against codes {:?}", z.dims(), codes.dims())));
    }
    let (pixels, vectors) = (h * w, batch * h * w);
    let mut sizes = counts([dim, k, pixels])?.to_vec();
    sizes.push(Argument::flag(Mode::current().last));
    let with_sizes = |addresses: &[u64]| -> Vec<Argument> {
        addresses.iter().map(|&address| Address(address)).chain(sizes.iter().copied()).collect()
    };

    let norms = make(&[codes], DType::F32, k, |engine, from, to| {
        engine.each(&CODEBOOK, "code_norms", k, 1, &[Address(from[0]), Address(to), Argument::count(dim)?])
    })?;
    let indices = make(&[z, codes, &norms], DType::U32, vectors, |engine, from, to| {
        let arguments = [&[Argument::count(vectors)?], &with_sizes(&[from[0], from[1], from[2], to])[..]].concat();
        let blocks = count(vectors.div_ceil(64))?;
        engine.launch(&CODEBOOK, "nearest_codes", (blocks, 1, 1), (256, 1, 1), &arguments)
    })?;
    let quantized = make(&[codes, &indices], DType::F32, z.shape(), |engine, from, to| {
        engine.each(&CODEBOOK, "quantize", z.elem_count(), 1, &with_sizes(&[from[0], from[1], to]))
    })?;
    // One extra dimension counts the vectors.
    let room = k * (dim + 1);
    let parts = (PIECES / room).min(vectors.div_ceil(VECTORS)).clamp(1, 256);
    let pieces = make(&[z, &indices], DType::F32, (parts, k, dim + 1), |engine, from, to| {
        let arguments = [&[Argument::count(vectors)?], &with_sizes(&[from[0], from[1], to])[..]].concat();
        let grid = (count(parts)?, count((dim + 1).div_ceil(32))?, count(k.div_ceil(64))?);
        engine.launch(&CODEBOOK, "code_pieces", grid, (32, 1, 1), &arguments)
    })?;
    let counts_of_codes = empty(DType::F32, k, z.device())?;
    let sums = make(&[&pieces], DType::F32, (dim, k), |_, from, to| {
        with_addresses(&[&counts_of_codes], |engine, counts_at| {
            let mut arguments = vec![Address(from[0]), Address(to), Address(counts_at[0])];
            arguments.extend(counts([dim, k, parts])?);
            engine.each(&CODEBOOK, "code_totals", room, 1, &arguments)
        })
    })?;
    Ok(Assignment { quantized, counts: counts_of_codes, sums })
}

/// See [`crate::ops::move_codebook`].
pub(in crate::ops) fn move_codebook(codes: &Tensor, averages: &Averages<'_>, found: &Assignment) -> Result<()> {
    let Averages { counts: of_counts, sums: of_sums, decay, correction, epsilon } = *averages;
    let (dim, k) = codes.dims2()?;
    let all = [codes, of_counts[0], of_counts[1], of_sums[0], of_sums[1], &found.counts, &found.sums];
    all.into_iter().try_for_each(|tensor| require_f32(tensor, "a codebook"))?;
    let smooth = empty(DType::F32, k, codes.device())?;
    let inputs: Vec<&Tensor> = all.into_iter().chain([&smooth]).collect();
    // The kernels overwrite codes and averages in place. Everything that reads them is ordered in the same stream.
    with_addresses(&inputs, |engine, from| {
        let &[codes, hidden_counts, counts, hidden_sums, sums, new_counts, new_sums, smooth] = from else {
            return Err(Error::Msg("a codebook without its averages".into()));
        };
        let rates = [1.0 - decay, correction.recip()].map(Argument::real);
        let average = |hidden, average| [Address(hidden), Address(average), rates[0], rates[1]];
        let mut arguments = vec![Argument::count(k)?, Address(new_counts)];
        arguments.extend(average(hidden_counts, counts));
        arguments.extend([Argument::real(epsilon), Address(smooth)]);
        engine.launch(&CODEBOOK, "move_counts", (1, 1, 1), (256, 1, 1), &arguments)?;
        let mut arguments = vec![Address(new_sums)];
        arguments.extend(average(hidden_sums, sums));
        arguments.extend([Address(smooth), Address(codes), Argument::count(k)?]);
        engine.each(&CODEBOOK, "move_codes", dim * k, 1, &arguments)
    })
}

/// See [`crate::ops::perplexity`].
pub(in crate::ops) fn perplexity(counts: &Tensor) -> Result<Tensor> {
    let counts = counts.detach().contiguous()?;
    require_f32(&counts, "perplexity")?;
    make(&[&counts], DType::F64, (), |engine, from, to| {
        let arguments = [Address(from[0]), Argument::count(counts.elem_count())?, Address(to)];
        engine.launch(&CODEBOOK, "perplexity", (1, 1, 1), (256, 1, 1), &arguments)
    })
}
