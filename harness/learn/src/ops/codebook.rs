//! Vector quantisation: the nearest code of each vector, and the sums for the codebook's moving averages.

use super::{
    accelerated,
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
