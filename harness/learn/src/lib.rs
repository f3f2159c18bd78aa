//! Networks, losses, training and evaluation. The one crate that knows candle.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod bench;
pub mod device;
pub mod evaluate;
pub mod losses;
pub mod metrics;
pub mod models;
pub mod ops;
pub mod optimizer;
pub mod precision;
pub mod train;

/// Raised whenever the numbers of a stage change: runs of another recipe are never taken for equal.
pub const RECIPE: u32 = 3;

/// Version of candle that the numbers were computed with.
pub const CANDLE: &str = "0.11";
