//! Vector quantisation: the nearest code of each vector, and the sums for the codebook's moving averages.

use super::{
    accelerated, composed,
    storage::{read, tensor},
};
use candle_core::{Device, Error, Result, Tensor};
use harness_kernels::{
    codebook::{self, Sizes},
    isa::Isa,
};

/// The codes assigned to vectors.
#[derive(Debug)]
pub struct Assignment {
    /// The nearest codes in place of the vectors, `[B, D, H, W]`, without gradient.
    pub quantized: Tensor,
    /// Number of vectors assigned to each code, `[K]`.
    pub counts: Tensor,
    /// Sum of the vectors assigned to each code, `[D, K]`.
    pub sums: Tensor,
}

/// Finds the nearest code (Euclidean, the first of equals) of each vector of `z` `[B, D, H, W]`; `codes` is `[D, K]`.
pub fn nearest_codes(z: &Tensor, codes: &Tensor) -> Result<Assignment> {
    let (z, codes) = (z.detach().contiguous()?, codes.detach().contiguous()?);
    if !z.device().is_cpu() {
        return accelerated::nearest_codes(&z, &codes);
    }
    let (_, dim, h, w) = z.dims4()?;
    let (code_dim, k) = codes.dims2()?;
    if dim != code_dim || k == 0 {
        return Err(Error::Msg(format!("vectors of {dim} against codes {:?}", codes.dims())));
    }
    let sizes = Sizes { dim, codes: k, pixels: h * w };
    let (vectors, book) = (read(&z)?, read(&codes)?);
    let indices = codebook::nearest_codes(Isa::best(), &vectors, &book, sizes);
    let (counts, sums) = codebook::count_and_sum(&vectors, &indices, sizes);
    Ok(Assignment {
        quantized: tensor(codebook::quantize(&book, &indices, sizes), z.shape())?,
        counts: tensor(counts, k)?,
        sums: tensor(sums, (dim, k))?,
    })
}

/// The moving averages of a codebook. Each is a hidden average that begins at 0, and the same corrected for that. All are tensors
/// of different variables.
#[derive(Debug, Clone, Copy)]
pub struct Averages<'a> {
    /// Of the number of vectors of each code: hidden and corrected, `[K]`.
    pub counts: [&'a Tensor; 2],
    /// Of their sums: hidden and corrected, `[D, K]`.
    pub sums: [&'a Tensor; 2],
    /// The share of a hidden average that stays.
    pub decay: f64,
    /// `1 − decayⁿ` at the n-th move.
    pub correction: f64,
    /// Laplace smoothing of the counts.
    pub epsilon: f64,
}

/// Moves the averages by what was found, and the codes `[D, K]` to the mean of their vectors, all in place.
///
/// # Errors
/// Fails if the shapes do not fit.
pub fn move_codebook(codes: &Tensor, averages: &Averages<'_>, found: &Assignment) -> Result<()> {
    let Averages { counts, sums, .. } = averages;
    let pairs = [(counts[0], &found.counts), (counts[1], &found.counts), (sums[0], codes), (sums[1], codes)];
    if let Some((ours, theirs)) = pairs.into_iter().find(|(ours, theirs)| ours.dims() != theirs.dims()) {
        return Err(Error::Msg(format!("a codebook's average {:?} for {:?}", ours.dims(), theirs.dims())));
    }
    if found.sums.dims() != codes.dims() || codes.dim(1)? != found.counts.elem_count() {
        return Err(Error::Msg(format!("codes {:?} from sums {:?}", codes.dims(), found.sums.dims())));
    }
    if codes.device().is_cpu() {
        return composed::move_codebook(codes, averages, found);
    }
    accelerated::move_codebook(codes, averages, found)
}

/// The effective number of codes in use: `e^entropy` of their frequencies, in 1..K; a scalar of f64 on the device of `counts`
/// `[K]`.
pub fn perplexity(counts: &Tensor) -> Result<Tensor> {
    if !counts.device().is_cpu() {
        return accelerated::perplexity(counts);
    }
    let counts = counts.to_vec1::<f32>()?;
    let total: f64 = counts.iter().map(|&c| f64::from(c)).sum();
    let shares = counts.iter().map(|&c| f64::from(c) / total).filter(|&p| p > 0.0);
    Tensor::new((-shares.map(|p| p * p.ln()).sum::<f64>()).exp(), &Device::Cpu)
}
