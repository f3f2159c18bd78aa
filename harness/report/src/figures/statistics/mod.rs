//! Means with intervals, and tests of differences.
//!
//! * `sample.rs`: the score of each image under each seed
//! * `bootstrap.rs`: intervals over images, and over seeds
//! * `crossed.rs`: the test behind a claim about training recipes, over seeds and images
//! * `sign_flips.rs`: the sign-flip test behind a claim about single networks, over images
//! * `summary.rs`: a mean with its interval, and Student's intervals of one value for each seed: of their mean, and of one more
//!
//! Every draw is seeded by what is summarised. So neither threads nor the order of questions change a digit.

pub(crate) mod bootstrap;
pub(crate) mod crossed;
pub(crate) mod sample;
pub(crate) mod sign_flips;
mod strata;
pub(crate) mod summary;
