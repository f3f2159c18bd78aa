//! The threads of the program.

use crate::failure::{Failure, Outcome};

/// Gives rayon's pool this number of threads. Call it before anything else uses the pool.
pub(crate) fn use_threads(threads: u16) -> Outcome {
    rayon::ThreadPoolBuilder::new().num_threads(usize::from(threads)).build_global().map_err(Failure::run)
}
