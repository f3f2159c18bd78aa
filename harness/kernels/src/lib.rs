//! CPU kernels for training convolutional networks, forward and backward.
//!
//! All work on plain slices of f32, images `[B, C, H, W]`, and spread over rayon's threads. What they compute depends on
//! nothing but their arguments: every sum has one order, every product that is added is fused, and all instruction sets
//! compute in lanes of sixteen, so neither the number of threads nor the machine changes a bit.

pub mod convolution;
mod gemm;
pub mod isa;
mod lanes;
mod scratch;
pub mod sums;
