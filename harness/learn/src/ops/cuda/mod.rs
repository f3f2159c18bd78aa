//! The operations on CUDA: convolutions by cuDNN, everything else that a training step does by kernels of our own
//! (`kernels/*.cu`). What is not here is composed of candle's primitives, as without cuDNN.
//!
//! Nothing here waits for the device, and all of it gives the same bits on every run on one kind of GPU: cuDNN's algorithms are
//! taken among those that it calls deterministic, and our kernels add no floating-point number atomically.
//!
//! In f32 images lie in planes, as candle has them. TF32 and bf16 use tensor cores, which want the channels last; a network
//! then works on images whose memory is `[B, H, W, C]` although their shape says `[B, C, H, W]`. Only operations of this module
//! look at single pixels of them, [`layout::NetworkScope`] turns them round at the network's ends, and each operation keeps for
//! its gradient the layout that it was called under.

#![allow(unsafe_code)]

mod adam;
mod clip;
mod codebook;
mod convolution;
mod cudnn;
mod elementwise;
mod engine;
mod layout;
mod loss;
mod memory;
mod normalization;
mod plan;
mod pooling;
mod resident;
mod scores;
#[cfg(test)]
mod tests;

pub(super) use super::composed::{divide_by_maximum, soft_dice};
pub(super) use adam::adam;
pub(super) use clip::{clip, gradient_norm};
pub(super) use codebook::{nearest_codes, perplexity};
pub(super) use convolution::{conv_transpose2d, conv2d};
pub(super) use elementwise::relu;
pub(crate) use layout::NetworkScope;
pub(super) use loss::{cross_entropy, mse};
pub(super) use normalization::{batch_norm, batch_norm_fixed};
pub use plan::chosen_algorithms;
pub(super) use pooling::{max_pool2d, max_unpool2d};
pub(crate) use resident::Resident;
pub(crate) use scores::image_scores;
