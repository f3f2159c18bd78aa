//! A vector quantiser whose codebook is a debiased exponential moving average.
//!
//! van den Oord, Vinyals, Kavukcuoglu: Neural Discrete Representation Learning, 2017, appendix A.1; Sonnet's
//! `VectorQuantizerEMA`.

use super::{
    Mode,
    state::{Builder, Init},
    vqvae::VqvaeSpec,
};
use crate::ops;
use candle_core::{Result, Tensor, Var};
use harness_record::random;
use std::sync::atomic::{AtomicU64, Ordering};

/// The output of the quantiser.
pub(super) struct Quantized {
    /// The codes in place of the vectors, `[B, D, H, W]`. Their gradient passes straight through to the vectors.
    pub(super) codes: Tensor,
    /// Mean squared distance between the vectors and their codes.
    pub(super) commitment: Tensor,
    /// Number of vectors assigned to each code in this batch, `[K]`.
    pub(super) counts: Tensor,
}

#[derive(Debug)]
pub(super) struct Quantizer {
    codes: Var,
    counts: Average,
    sums: Average,
    decay: f64,
    epsilon: f64,
    /// Codes with a lower average of vectors per step are restarted.
    restart_below: Option<f64>,
    /// Seed of the restarts.
    seed: u64,
    /// Number of updates.
    pushes: AtomicU64,
}

impl Quantizer {
    pub(super) fn new(spec: &VqvaeSpec, at: &Builder) -> Result<Self> {
        let VqvaeSpec { dim, codes, decay, eps: epsilon, restart_below, .. } = *spec;
        Ok(Self {
            codes: at.buffer("e_i_ts", (dim, codes), Init::Uniform(3f32.sqrt()))?,
            counts: Average::new(&[codes], &at.enter("N_i_ts"))?,
            sums: Average::new(&[dim, codes], &at.enter("m_i_ts"))?,
            decay,
            epsilon,
            restart_below,
            seed: at.seed(),
            pushes: AtomicU64::new(0),
        })
    }

    pub(super) fn forward(&self, z: &Tensor, mode: Mode) -> Result<Quantized> {
        let z = &ops::full_precision(z)?;
        let found = ops::nearest_codes(z, self.codes.as_tensor())?;
        let commitment = ops::mse(z, &found.quantized)?;
        let codes = ops::straight_through(z, &found.quantized)?;
        let counts = found.counts.clone();
        if mode == Mode::Train {
            self.update(&found)?;
            self.restart(z)?;
        }
        Ok(Quantized { codes, commitment, counts })
    }

    /// Moves the codebook towards the means of the vectors, with Laplace smoothing of the counts.
    fn update(&self, found: &ops::Assignment) -> Result<()> {
        let pushes = self.pushes() + 1;
        self.set_pushes(pushes);
        let averages = ops::Averages {
            counts: self.counts.both(),
            sums: self.sums.both(),
            decay: self.decay,
            correction: 1.0 - self.decay.powi(i32::try_from(pushes).unwrap_or(i32::MAX)),
            epsilon: self.epsilon,
        };
        ops::move_codebook(self.codes.as_tensor(), &averages, found)
    }

    /// Moves the codes that are hardly used to random vectors of `z` `[B, D, H, W]`. Their averages stay, so a code that finds
    /// no vectors there is moved again in the next step.
    ///
    /// Dhariwal et al.: Jukebox, 2020, section 3.1, "random restarts".
    fn restart(&self, z: &Tensor) -> Result<()> {
        let Some(least) = self.restart_below else { return Ok(()) };
        let (batch, dim, height, width) = z.dims4()?;
        let vectors = batch * height * width;
        let words = ["restart codes", &self.seed.to_string(), &self.pushes().to_string()];
        let mut generator = random::generator(&words);
        let (codes, counts) = (self.codes.as_tensor(), self.counts.unbiased.as_tensor());
        let places: Vec<u32> =
            (0..counts.elem_count()).map(|_| random::below(&mut generator, vectors as u32)).collect();
        let places = Tensor::new(places, z.device())?;
        let z = z.detach().transpose(0, 1)?.reshape((dim, vectors))?; // [B, D, H, W] -> [D, B·H·W]
        let drawn = z.index_select(&places, 1)?; // [D, K]
        let used = counts.ge(least as f32)?.broadcast_as(codes.shape())?;
        self.codes.set(&used.where_cond(codes, &drawn)?)
    }

    /// Number of updates of the averages. With the buffers, it allows a stage to resume as if it had never stopped.
    pub(super) fn pushes(&self) -> u64 {
        self.pushes.load(Ordering::Relaxed)
    }

    pub(super) fn set_pushes(&self, pushes: u64) {
        self.pushes.store(pushes, Ordering::Relaxed);
    }

    /// Recovers the number of updates from the buffers: PyTorch's state dict has no counter.
    pub(super) fn recover_pushes(&self) -> Result<()> {
        self.set_pushes(self.counts.find_pushes(self.decay)?);
        Ok(())
    }
}

/// An exponential moving average, corrected for its bias towards the initial zero.
#[derive(Debug)]
struct Average {
    hidden: Var,
    unbiased: Var,
}

impl Average {
    fn new(shape: &[usize], at: &Builder) -> Result<Self> {
        Ok(Self {
            hidden: at.buffer("hidden", shape, Init::Constant(0.0))?,
            unbiased: at.buffer("average", shape, Init::Constant(0.0))?,
        })
    }

    /// The hidden average and the corrected one.
    fn both(&self) -> [&Tensor; 2] {
        [self.hidden.as_tensor(), self.unbiased.as_tensor()]
    }

    /// Solves `average = hidden / (1 − decayⁿ)` for n, using the sums of both buffers, which are not negative.
    ///
    /// The ratio `hidden / average` determines n as long as `decayⁿ` exceeds the rounding of f32. Beyond that, or if no n fits
    /// the buffers, the correction is treated as finished: it divides by 1 for every larger n, and the averages continue from
    /// `hidden`.
    fn find_pushes(&self, decay: f64) -> Result<u64> {
        let sum = |buffer: &Var| -> Result<f64> {
            Ok(buffer.flatten_all()?.to_vec1::<f32>()?.iter().map(|&v| f64::from(v)).sum())
        };
        let (hidden, average) = (sum(&self.hidden)?, sum(&self.unbiased)?);
        if hidden == 0.0 && average == 0.0 {
            return Ok(0); // never pushed
        }
        let finished = (f64::from(f32::EPSILON).ln() / decay.ln()).ceil();
        let pushes = ((1.0 - hidden / average).ln() / decay.ln()).round();
        Ok(if pushes >= 1.0 && pushes < finished { pushes as u64 } else { finished as u64 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};

    /// A quantiser with 16 codes after `pushes` updates, its counter lost and recovered.
    fn pushed(decay: f64, pushes: u64) -> Quantizer {
        let spec = VqvaeSpec { dim: 2, codes: 16, decay, ..VqvaeSpec::default() };
        let quantizer = Quantizer::new(&spec, &Builder::new(0, &Device::Cpu)).unwrap();
        for n in 0..pushes {
            let counts: Vec<f32> = (0..16).map(|i| ((i * 7 + n) % 13) as f32).collect();
            let counts = Tensor::new(counts, &Device::Cpu).unwrap();
            let sums = Tensor::ones((2, 16), DType::F32, &Device::Cpu).unwrap();
            quantizer.update(&ops::Assignment { quantized: sums.clone(), counts, sums }).unwrap();
        }
        assert_eq!(quantizer.pushes(), pushes);
        quantizer.set_pushes(0);
        quantizer.recover_pushes().unwrap();
        quantizer
    }

    #[test]
    fn pushes_are_found_from_the_buffers() {
        for pushes in [0, 1, 2, 10, 99, 300, 700] {
            assert_eq!(pushed(0.99, pushes).pushes(), pushes);
        }
        assert_eq!(pushed(0.5, 7).pushes(), 7);
    }

    #[test]
    fn a_correction_that_is_over_stays_so() {
        let late = pushed(0.9, 500).pushes();
        assert!((1.0 - 0.9f64.powi(late as i32)) as f32 >= 1.0 - 4.0 * f32::EPSILON);
        let broken = pushed(0.99, 3).counts;
        broken.hidden.set(&(broken.hidden.as_tensor() * 1e6).unwrap()).unwrap();
        let found = broken.find_pushes(0.99).unwrap();
        assert!((1.0 - 0.99f64.powi(found as i32)) as f32 >= 1.0 - f32::EPSILON);
    }

    #[test]
    fn unused_codes_move_to_vectors_of_the_batch_and_used_ones_stay() {
        let all = |restart_below| {
            let spec = VqvaeSpec { dim: 2, codes: 16, restart_below, ..VqvaeSpec::default() };
            let quantizer = Quantizer::new(&spec, &Builder::new(0, &Device::Cpu)).unwrap();
            let values: Vec<f32> = (0..32).map(|i| 0.1 * (i % 7) as f32 + 5.0).collect();
            let z = Tensor::from_vec(values, (2, 2, 2, 4), &Device::Cpu).unwrap();
            quantizer.forward(&z, Mode::Train).unwrap();
            let columns = |of: &Tensor| of.t().unwrap().to_vec2::<f32>().unwrap();
            let vectors = columns(&z.transpose(0, 1).unwrap().reshape((2, 16)).unwrap());
            let counts = quantizer.counts.unbiased.as_tensor().to_vec1::<f32>().unwrap();
            (columns(quantizer.codes.as_tensor()), vectors, counts)
        };
        let ((plain, ..), (codes, vectors, counts)) = (all(None), all(Some(1.0)));
        assert!(counts.iter().any(|&count| count >= 1.0) && counts.iter().any(|&count| count < 1.0));
        for ((code, before), &count) in codes.iter().zip(&plain).zip(&counts) {
            if count >= 1.0 {
                assert_eq!(code, before);
            } else {
                assert!(vectors.contains(code), "{code:?}");
            }
        }
        assert_eq!(codes, all(Some(1.0)).0, "restarts are drawn the same way every time");
    }
}
