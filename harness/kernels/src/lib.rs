//! CPU kernels for training convolutional networks, forward and backward.
//!
//! All kernels work on plain slices of f32, images `[B, C, H, W]`, and use rayon's threads. Their results depend only on their
//! arguments: every sum has a fixed order, every product that is added is fused, and all instruction sets compute in lanes of
//! sixteen. So neither the number of threads nor the machine changes a bit.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod adam;
pub mod add;
mod channels;
pub mod codebook;
pub mod convolution;
pub mod cross_entropy;
mod elementwise;
mod gemm;
pub mod isa;
mod lanes;
pub mod maximum;
pub mod mean_squared_error;
pub mod normalization;
mod output;
pub mod pooling;
pub mod relu;
mod scratch;
pub mod sigmoid;
pub mod soft_dice;
mod softmax;
pub mod sum_of_squares;
pub mod sums;
#[cfg(test)]
mod testing;
