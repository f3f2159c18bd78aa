//! Everything that computes: networks, losses, metrics, data sets, training and evaluation. The one crate that knows candle.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod augment;
pub mod bench;
pub mod datasets;
pub mod device;
pub mod evaluate;
pub mod losses;
pub mod metrics;
pub mod models;
pub mod ops;
pub mod optimizer;
pub mod pixels;
pub mod precision;
pub mod protocol;
pub mod random;
pub mod split;
pub mod train;

pub use harness_record::monitor;

/// Raised whenever the numbers of a stage change: runs of another recipe are never taken for equal.
pub const RECIPE: u32 = 3;

/// Version of candle that the numbers were computed with.
pub const CANDLE: &str = "0.11";
