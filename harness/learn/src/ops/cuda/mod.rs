//! The operations on CUDA: convolutions by cuDNN, the rest of a training step by our own kernels (`kernels/*.cu`). Operations
//! that are missing here are composed of candle's primitives, as without cuDNN.
//!
//! Nothing here waits for the device. All operations are built to give the same bits on every run with one kind of GPU, driver
//! and cuDNN: only cuDNN algorithms documented as deterministic are used, and our kernels add no floating-point numbers
//! atomically. Tests check it on the stand-in. [`crate::device::Chosen::deterministic`] does not promise it until a GPU has
//! confirmed it.
//!
//! In f32, images lie in planes, as in candle. TF32 and bf16 use tensor cores, which need the channels last. A network
//! then works on images whose memory is `[B, H, W, C]` although their shape says `[B, C, H, W]`. Only operations of
//! this module access single pixels of them, and [`layout::NetworkScope`] converts them at the network's ends. Each
//! operation keeps the layout of its forward pass for its gradient.

#![allow(unsafe_code)]

mod codebook;
mod convolution;
mod cudnn;
mod elementwise;
mod engine;
mod layout;
mod lists;
mod loss;
mod maximum;
mod memory;
mod normalization;
mod plan;
mod pooling;
mod profile;
mod resident;
mod scores;
#[cfg(test)]
mod tests;

pub(super) use super::composed::soft_dice;
pub(super) use codebook::{move_codebook, nearest_codes, perplexity};
pub(super) use convolution::{conv_transpose2d, conv2d, residual_block};
pub(super) use elementwise::{add, full_precision, relu, sigmoid, straight_through, weighted_sum};
pub(crate) use layout::NetworkScope;
pub(super) use lists::{adam, clip, forget, gradient_norm, settle, settle_for};
pub(super) use loss::{cross_entropy, mse};
pub(super) use maximum::divide_by_maximum;
pub(super) use normalization::{batch_norm, batch_norm_fixed};
pub use plan::chosen_algorithms;
pub(super) use pooling::{max_pool2d, max_unpool2d};
pub(crate) use profile::{start_profile, stop_profile};
pub(crate) use resident::Resident;
pub(crate) use scores::image_scores;

/// Opens cuDNN for this thread. The error says why it cannot be used.
pub(crate) fn open(device: &candle_core::CudaDevice) -> candle_core::Result<()> {
    engine::Engine::of(device).map(|_| ())
}
