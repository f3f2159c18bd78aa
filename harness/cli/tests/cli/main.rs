//! Drives the `harness` binary as its users do: whole studies in a few seconds, on a copy of the project.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod bench;
mod bundling;
mod compare;
mod concurrency;
mod corpus;
mod data;
mod data_show;
mod description;
mod escaping;
mod evaluation;
mod everything;
mod export;
mod fetching;
mod interruption;
mod listing;
mod modified;
mod packs;
mod photographs;
mod pictures;
mod pixels;
mod prediction;
mod refusals;
mod registration;
mod regressions;
mod reports;
mod seeds;
mod serving;
mod side_by_side;
mod store;
mod studies;
mod studio;
mod verdicts;
