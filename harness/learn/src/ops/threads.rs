//! One pool of threads, not two.

#![allow(unsafe_code)]

/// Keeps candle from starting a pool of its own, whose threads spin beside rayon's and take a quarter of two cores. To be
/// called first in `main`, before any other thread is there.
pub fn leave_threads_to_rayon() {
    // SAFETY: the caller has started no other thread yet, so none can read the environment at the same time.
    unsafe { std::env::set_var("CANDLE_NUM_THREADS", "1") }
}
