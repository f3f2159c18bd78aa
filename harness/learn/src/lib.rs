//! Networks, losses, training and evaluation. This is the only crate that uses candle.

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

/// Raised when the numbers of a stage change, so that runs of different recipes are never mistaken for each other.
pub const RECIPE: u32 = 4;

/// The version of candle that computed the numbers.
pub const CANDLE: &str = "0.11";
