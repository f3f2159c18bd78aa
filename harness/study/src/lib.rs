//! Turns a study's YAML into its plan: the spec with its layers, the typed study, its arms, and the stages with their
//! keys.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod fidelity;
pub mod plan;
pub mod spec;
pub mod study;
pub mod surveys;
pub mod test_images;
