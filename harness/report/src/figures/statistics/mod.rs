//! Means with intervals, and tests of differences.
//!
//! * `sample.rs`: a score of each image under each seed
//! * `bootstrap.rs`: intervals over images, and over seeds; its distributions are for samples of other images
//! * `sign_flips.rs`: the sign-flip test behind a claim, with its effect size
//! * `summary.rs`: a mean with its interval, and Student's interval of figures that have one value a seed
//!
//! Every draw is seeded by what is summarised, so neither threads nor the order of questions change a digit.

pub(crate) mod bootstrap;
pub(crate) mod sample;
pub(crate) mod sign_flips;
mod strata;
pub(crate) mod summary;
