//! Vector quantiser with a codebook of debiased exponential moving averages.
//!
//! van den Oord, Vinyals, Kavukcuoglu: Neural Discrete Representation Learning, 2017, appendix A.1; Sonnet's
//! `VectorQuantizerEMA`.

use super::{
    Mode,
    state::{Builder, Init},
};
use crate::ops;
use candle_core::{Result, Tensor, Var};
use std::sync::atomic::{AtomicU64, Ordering};

/// What the quantiser gives back.
pub(super) struct Quantized {
    /// The codes in place of the vectors, `[B, D, H, W]`; their gradient goes straight through to the vectors.
    pub(super) codes: Tensor,
    /// Mean squared distance of the vectors to their codes.
    pub(super) commitment: Tensor,
    /// `e^entropy` of the codes' frequencies in this batch: how many codes are in use, in 1..K.
    pub(super) perplexity: f64,
}

#[derive(Debug)]
pub(super) struct Quantizer {
    codes: Var,
    counts: Average,
    sums: Average,
    epsilon: f64,
}

impl Quantizer {
    pub(super) fn new(dim: usize, codes: usize, decay: f64, epsilon: f64, at: &Builder) -> Result<Self> {
        Ok(Self {
            codes: at.buffer("e_i_ts", (dim, codes), Init::Uniform(3f32.sqrt()))?,
            counts: Average::new(decay, &[codes], &at.enter("N_i_ts"))?,
            sums: Average::new(decay, &[dim, codes], &at.enter("m_i_ts"))?,
            epsilon,
        })
    }

    pub(super) fn forward(&self, z: &Tensor, mode: Mode) -> Result<Quantized> {
        let found = ops::nearest_codes(z, self.codes.as_tensor())?;
        let commitment = ops::mse(z, &found.quantized)?;
        let codes = (z + (&found.quantized - z)?.detach())?;
        let perplexity = perplexity(&found.counts)?;
        if mode == Mode::Train {
            self.update(&found)?;
        }
        Ok(Quantized { codes, commitment, perplexity })
    }

    /// Moves the codebook towards the means of the vectors, with Laplace smoothing of the counts.
    fn update(&self, found: &ops::Assignment) -> Result<()> {
        let counts = self.counts.push(&found.counts)?;
        let sums = self.sums.push(&found.sums)?;
        let k = counts.elem_count() as f64;
        let total = counts.sum_all()?;
        let smooth = (counts + self.epsilon)?.broadcast_div(&(&total + k * self.epsilon)?)?.broadcast_mul(&total)?;
        self.codes.set(&sums.broadcast_div(&smooth)?)
    }

    /// How often the averages were pushed: needed, with the buffers, to go on as if never stopped.
    pub(super) fn pushes(&self) -> u64 {
        self.counts.pushes.load(Ordering::Relaxed)
    }

    pub(super) fn set_pushes(&self, pushes: u64) {
        self.counts.pushes.store(pushes, Ordering::Relaxed);
        self.sums.pushes.store(pushes, Ordering::Relaxed);
    }
}

fn perplexity(counts: &Tensor) -> Result<f64> {
    let counts = counts.to_vec1::<f32>()?;
    let total: f64 = counts.iter().map(|&c| f64::from(c)).sum();
    let shares = counts.iter().map(|&c| f64::from(c) / total).filter(|&p| p > 0.0);
    Ok((-shares.map(|p| p * p.ln()).sum::<f64>()).exp())
}

/// Exponential moving average with its bias towards the initial zero removed.
#[derive(Debug)]
struct Average {
    hidden: Var,
    unbiased: Var,
    decay: f64,
    pushes: AtomicU64,
}

impl Average {
    fn new(decay: f64, shape: &[usize], at: &Builder) -> Result<Self> {
        Ok(Self {
            hidden: at.buffer("hidden", shape, Init::Constant(0.0))?,
            unbiased: at.buffer("average", shape, Init::Constant(0.0))?,
            decay,
            pushes: AtomicU64::new(0),
        })
    }

    fn push(&self, value: &Tensor) -> Result<Tensor> {
        let pushes = self.pushes.fetch_add(1, Ordering::Relaxed) + 1;
        // hidden += (value − hidden)·(1 − decay), in the yardstick's own order of operations
        let hidden = (self.hidden.as_tensor() + ((value - self.hidden.as_tensor())? * (1.0 - self.decay))?)?;
        self.hidden.set(&hidden)?;
        let average = (hidden / (1.0 - self.decay.powi(i32::try_from(pushes).unwrap_or(i32::MAX))))?;
        self.unbiased.set(&average)?;
        Ok(average.detach())
    }
}
