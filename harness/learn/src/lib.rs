//! Everything that computes: networks, losses, metrics, data sets, training and evaluation. The one crate that knows candle.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod models;
pub mod monitor;
pub mod ops;
pub mod optimizer;
